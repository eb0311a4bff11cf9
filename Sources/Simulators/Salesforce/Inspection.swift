// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import GRDB
import MigratezJSON
import MigratezModel

/// What is stored, for those who check it.
struct Inspection {
    private let schema: OrgSchema
    private let db: Database

    init(_ store: RecordStore, _ db: Database) {
        schema = store.schema
        self.db = db
    }

    private func object(_ name: String) throws -> ObjectDefinition {
        guard let object = schema[name] else {
            throw MigratezError(.invalidSetting, "the simulated organisation has no object '\(name)'")
        }
        return object
    }

    func count(of name: String) throws -> Int {
        let table = RecordStore.quoted(try object(name).name)
        return try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \(table) WHERE IsDeleted = 0") ?? 0
    }

    func duplicates(of name: String, by fieldName: String) throws -> [(value: String, count: Int)] {
        let object = try object(name)
        guard let field = object.fields.first(where: { $0.name == fieldName }) else {
            throw MigratezError(.invalidSetting, "\(name) has no field '\(fieldName)'")
        }
        let column = RecordStore.quoted(field.name)
        return try Row.fetchAll(
            db,
            sql: """
                SELECT CAST(\(column) AS TEXT), COUNT(*) FROM \(RecordStore.quoted(object.name))
                WHERE IsDeleted = 0 AND \(column) IS NOT NULL GROUP BY \(column) HAVING COUNT(*) > 1 ORDER BY 1
                """
        ).map { ($0[0], $0[1]) }
    }

    func records(of name: String, includingDeleted: Bool, _ body: ([UInt8]) throws -> Void) throws {
        let object = try object(name)
        let columns = object.fields.map { $0.kind == .id ? "n" : RecordStore.quoted($0.name) }.joined(separator: ", ")
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT n, \(columns) FROM \(RecordStore.quoted(object.name))
                \(includingDeleted ? "" : "WHERE IsDeleted = 0") ORDER BY n
                """)
        var writer = JSONWriter()
        while let row = try rows.next() {
            writer.removeAll()
            writer.beginObject()
            for (index, field) in object.fields.enumerated() {
                writer.key(field.name)
                if field.kind == .base64 {
                    let data: Data? = row[index + 1]
                    if let data { writer.string(data.base64EncodedString()) } else { writer.null() }
                    continue
                }
                RecordText.write(row[index + 1], of: field, in: object, ordinal: row[0], api: "v67.0", to: &writer)
            }
            writer.endObject()
            try body(writer.bytes)
        }
    }

    /// `{"records":{"Contact":{"live":3,"deleted":0}},"duplicates":{"Contact.Ext__c":0}}`
    func state() throws -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("records")
        writer.beginObject()
        for object in schema.objects {
            let row = try Row.fetchOne(
                db, sql: "SELECT COUNT(*), TOTAL(IsDeleted) FROM \(RecordStore.quoted(object.name))")
            let all: Int = row?[0] ?? 0
            let deleted = Int(row?[1] as Double? ?? 0)
            writer.key(object.name)
            writer.beginObject()
            writer.member("live", all - deleted)
            writer.member("deleted", deleted)
            writer.endObject()
        }
        writer.endObject()
        writer.key("duplicates")
        writer.beginObject()
        for object in schema.objects {
            for field in object.fields where field.isExternalID {
                writer.member("\(object.name).\(field.name)", try duplicates(of: object.name, by: field.name).count)
            }
        }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }
}
