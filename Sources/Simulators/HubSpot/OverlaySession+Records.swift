// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM

/// A record as it was written.
struct StoredRecord: Sendable {
    var id: Int
    /// All values; a name that is not there has none.
    var values: [String: String]
    var createdAt: Timestamp
    var updatedAt: Timestamp
    var archivedAt: Timestamp?
}

extension StoredRecord {
    /// What HubSpot makes of an e-mail's headers: who sent it to whom, with `;` between addresses.
    mutating func fillFromHeaders() {
        guard let text = values["hs_email_headers"], let headers = try? JSONValue(parsing: Array(text.utf8)) else {
            return
        }
        values["hs_email_from_email"] = headers["from"]?["email"]?.text
        values["hs_email_from_firstname"] = headers["from"]?["firstName"]?.text
        values["hs_email_from_lastname"] = headers["from"]?["lastName"]?.text
        for (name, property) in [("to", "hs_email_to_email"), ("cc", "hs_email_cc_email")] {
            let addresses = (headers[name]?.elements ?? []).compactMap { $0["email"]?.text }
            values[property] = addresses.isEmpty ? nil : addresses.joined(separator: ";")
        }
    }
}

extension OverlaySession {
    /// The record that was written with this id.
    func stored(_ object: ObjectType, id: Int) throws -> StoredRecord? {
        try Row.fetchOne(
            database, sql: "SELECT * FROM record WHERE object = ? AND id = ?", arguments: [object.number, id]
        ).flatMap(OverlaySession.record)
    }

    /// Written records with ids in `after + 1 ... through`, in the order of their ids.
    func stored(_ object: ObjectType, after: Int, through: Int, limit: Int) throws -> [StoredRecord] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM record WHERE object = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?",
            arguments: [object.number, after, through, limit]
        ).compactMap(OverlaySession.record)
    }

    /// The record with this id, written or synthetic, archived or not.
    func record(_ object: ObjectType, id: Int) throws -> RecordView? {
        if let stored = try stored(object, id: id) { return RecordView(object, stored) }
        return RecordView(crm, object, id: id)
    }

    /// The record that has this value of a unique property, archived ones left out.
    func id(_ object: ObjectType, unique property: String, value: String) throws -> Int? {
        let value = OverlaySession.folded(value)
        let known = try Int.fetchOne(
            database, sql: "SELECT id FROM uniqueValue WHERE object = ? AND property = ? AND value = ?",
            arguments: [object.number, property, value])
        if let known { return known }
        guard object == .contact, property == "email", let index = crm.contactIndex(email: value) else { return nil }
        // A contact that was written since has its address in the table, or has it no more.
        let id = crm.id(of: CRMObject.contact, at: index)
        return try crm.isArchived(CRMObject.contact, at: index) || stored(.contact, id: id) != nil ? nil : id
    }

    /// Puts the record in the place of whatever had its id.
    func save(_ object: ObjectType, _ record: StoredRecord, unique: [String]) throws {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in record.values {
            writer.key(name)
            writer.string(value)
        }
        writer.endObject()
        try database.execute(
            sql:
                "INSERT OR REPLACE INTO record (object, id, properties, created, updated, archived) VALUES (?,?,?,?,?,?)",
            arguments: [
                object.number, record.id, String(decoding: writer.bytes, as: UTF8.self),
                record.createdAt.milliseconds, record.updatedAt.milliseconds, record.archivedAt?.milliseconds,
            ])
        try database.execute(
            sql: "DELETE FROM uniqueValue WHERE object = ? AND id = ?", arguments: [object.number, record.id])
        if record.archivedAt == nil {
            for property in unique {
                guard let value = record.values[property], !value.isEmpty else { continue }
                try database.execute(
                    sql: "INSERT OR IGNORE INTO uniqueValue (object, property, value, id) VALUES (?,?,?,?)",
                    arguments: [object.number, property, OverlaySession.folded(value), record.id])
            }
        }
        changes.records.insert(object)
    }

    /// An id for a new record, above all others.
    func nextID(_ object: ObjectType) throws -> Int {
        let last = try Int.fetchOne(
            database, sql: "SELECT max(id) FROM record WHERE object = ?", arguments: [object.number])
        return max((last ?? 0) + 1, crm.firstFreeID(of: object))
    }

    /// How many records of the object were added, and how the number of archived ones changed.
    func tally(_ object: ObjectType) throws -> (live: Int, archived: Int) {
        var live = crm.count(of: object) - crm.archivedCount(of: object)
        var archived = crm.archivedCount(of: object)
        let rows = try Row.fetchCursor(
            database, sql: "SELECT id, archived FROM record WHERE object = ?", arguments: [object.number])
        while let row = try rows.next() {
            if let synthetic = object.synthetic, let index = crm.index(of: synthetic, id: row["id"]) {
                if crm.isArchived(synthetic, at: index) { archived -= 1 } else { live -= 1 }
            }
            if (row["archived"] as Int64?) == nil { live += 1 } else { archived += 1 }
        }
        return (live, archived)
    }

    /// How values of unique properties are compared: without regard to case and outer spaces.
    private static func folded(_ value: String) -> String {
        let text = value.lowercased()
        guard let first = text.firstIndex(where: { $0 != " " }), let last = text.lastIndex(where: { $0 != " " }) else {
            return ""
        }
        return String(text[first...last])
    }

    private static func record(_ row: Row) -> StoredRecord? {
        let text: String = row["properties"]
        guard let tree = try? JSONValue(parsing: Array(text.utf8), limits: .page) else { return nil }
        return StoredRecord(
            id: row["id"],
            values: Dictionary(
                tree.members.compactMap { member in member.value.text.map { (member.key, $0) } },
                uniquingKeysWith: { $1 }),
            createdAt: Timestamp(milliseconds: row["created"]), updatedAt: Timestamp(milliseconds: row["updated"]),
            archivedAt: (row["archived"] as Int64?).map(Timestamp.init(milliseconds:)))
    }
}
