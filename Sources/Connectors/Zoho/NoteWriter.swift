// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Writes notes, and finds out what became of them.
///
/// No field of a note can hold our key. So the id of the newest note is made durable before each call: ids rise, so that
/// whatever a lost call made lies behind it. Of the notes there, those that this user made and that belong to the same
/// record with the same title and text are the rows', one each. No two calls write notes at once (the route says so), so no
/// note behind the mark is another batch's.
struct NoteWriter: Sendable {
    /// How far back the notes behind a mark are followed.
    private static let pagesMax = 1_000
    private static let title = "Note_Title"
    private static let content = "Note_Content"

    let client: ZohoClient
    let catalog: ZohoCatalog
    let clock: any WallClock

    func write(_ rows: [Batch.Row], intent: any WriteIntent) async throws -> [Receipt] {
        let schema = try await catalog.schema(of: ZohoModule.notes)
        if rows.contains(where: { $0.targetID == nil }) { try await intent.note("notes \(try await newest())") }
        return try await RowWriter(client: client, schema: schema, keyField: nil, clock: clock).write(rows)
    }

    func resolve(_ rows: [Batch.Row], note: String?) async throws -> [Receipt] {
        let rows = rows.filter { $0.targetID == nil }
        // Without a mark nothing was sent yet.
        guard !rows.isEmpty, let mark = note.flatMap(Self.mark) else { return [] }
        var ids: [[String]: [String]] = [:]
        let ownUser = try await catalog.ownUser()
        for note in try await notes(after: mark) where FlatRecords.flat(note["Created_By"] ?? .null).text == ownUser {
            guard let id = note[ZohoModule.id]?.text else { continue }
            let parent = FlatRecords.flat(note[ZohoModule.parent] ?? .null)
            ids[[parent, note[Self.title], note[Self.content]].map(Self.text), default: []].append(id)
        }
        return rows.compactMap { row in
            let fields = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            let parent = row.references.first { $0.field == ZohoModule.parent }?.targetID ?? ""
            let identity = [parent, Self.text(fields[Self.title]), Self.text(fields[Self.content])]
            return ids[identity]?.popLast().map { Receipt(key: row.key, result: .created(id: $0)) }
        }
    }

    /// The id of the newest note; `0` if there is none.
    private func newest() async throws -> String {
        let page = try await client.value(
            "/\(ZohoModule.notes)", Self.query([("per_page", "1")], fields: [ZohoModule.createdTime]), class: "list")
        return page["data"]?[0]?[ZohoModule.id]?.text ?? "0"
    }

    /// All notes whose ids lie behind the mark.
    private func notes(after mark: String) async throws -> [JSONValue] {
        var found: [JSONValue] = []
        var token: String?
        for _ in 0..<Self.pagesMax {
            var items = [("per_page", "100")]
            if let token { items.append(("page_token", token)) }
            let page = try await client.value(
                "/\(ZohoModule.notes)",
                Self.query(items, fields: [Self.title, Self.content, ZohoModule.parent, "Created_By"]), class: "list")
            let notes = page["data"]?.elements ?? []
            let newer = notes.prefix { ZohoID.isBehind($0[ZohoModule.id]?.text ?? "", mark) }
            found += newer
            guard newer.count == notes.count, page["info"]?["more_records"]?.bool == true,
                let next = page["info"]?["next_page_token"]?.text
            else { return found }
            token = next
        }
        throw MigratezError(.cursorLoop, "Zoho's list of notes has no end", remedy: .retry(after: nil))
    }

    private static func query(_ items: [(String, String)], fields: [String]) -> [(String, String)] {
        [("fields", fields.joined(separator: ",")), ("sort_by", "id"), ("sort_order", "desc")] + items
    }

    private static func mark(_ note: String) -> String? {
        let parts = note.split(separator: " ")
        return parts.count == 2 && parts[0] == "notes" && ZohoID.isID(String(parts[1])) ? String(parts[1]) : nil
    }

    /// What is not there and what is empty are the same; outer white space says nothing.
    private static func text(_ value: JSONValue?) -> String {
        let text = value?.text ?? ""
        let start = text.drop(while: \.isWhitespace)
        return String(String(start.reversed().drop(while: \.isWhitespace)).reversed())
    }
}
