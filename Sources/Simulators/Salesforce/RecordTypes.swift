// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// The kinds of records that an administrator has set up (Object Reference, "RecordType").
extension StandardObjects {
    static func recordType(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "RecordType", keyPrefix: "012",
            fields: idAndDeleted + [
                .text("Name", 80), .text("DeveloperName", 80), .text("SobjectType", 40), .bool("IsActive"),
                .bool("IsPersonType"),
            ] + audit, isCreateable: false, isUpdateable: false, isDeletable: false, holdsCustomFields: false,
            isBulkLoadable: false)
    }
}

enum RecordTypes {
    /// Adds those that are not there yet.
    static func ensure(_ types: [OrgOptions.RecordType], in store: RecordStore) throws {
        guard let object = store.schema["RecordType"] else { return }
        try store.queue.write { db in
            for type in types {
                let known = try Int.fetchOne(
                    db, sql: "SELECT n FROM RecordType WHERE SobjectType = ? AND Name = ?",
                    arguments: [type.object, type.name])
                guard known == nil else { continue }
                try db.execute(
                    sql: """
                        INSERT INTO RecordType (n, IsDeleted, Name, DeveloperName, SobjectType, IsActive, IsPersonType)
                        VALUES (?, 0, ?, ?, ?, 1, ?)
                        """,
                    arguments: [
                        store.nextOrdinal(of: object), type.name, type.name.filter { $0 != " " }, type.object,
                        type.isPerson,
                    ])
            }
        }
    }

    static func all(_ db: Database, _ schema: OrgSchema) throws -> [(id: String, object: String, name: String)] {
        guard let object = schema["RecordType"] else { return [] }
        return try Row.fetchAll(db, sql: "SELECT n, SobjectType, Name FROM RecordType ORDER BY n").map {
            (object.id($0[0]).text, $0[1], $0[2])
        }
    }
}
