// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Pages of notes with their texts.
///
/// A query shows of a note's content only where it is; the text is fetched from the latest version of the document that
/// the note is (Object Reference, "ContentNote", "ContentVersion"). Notes of others need the right 'Query All Files'.
struct NotePages: Sendable {
    static let recordsMax = 200

    let api: SalesforceAPI

    func page(_ selection: RecordSelection, _ range: IDRange) async throws -> Page {
        let notes = try await notes(
            selection.query(range.conditions, suffix: " ORDER BY Id LIMIT \(Self.recordsMax)"), selection)
        var page = try await page(notes, selection)
        if notes.count == Self.recordsMax, let last = notes.last?[RecordSelection.id]?.text {
            page.next = range.behind(last).cursor
        }
        return page
    }

    func records(_ selection: RecordSelection, ids: [String]) async throws -> Page {
        let head = selection.query(["Id IN "])
        var found: [JSONValue] = []
        for group in SOQL.groups(ids.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            found += try await notes(head + SOQL.list(group), selection)
        }
        return try await page(found, selection)
    }

    private func notes(_ query: String, _ selection: RecordSelection) async throws -> [JSONValue] {
        var notes: [JSONValue] = []
        try await api.query(query) { notes.append($0) }
        return notes
    }

    private func page(_ notes: [JSONValue], _ selection: RecordSelection) async throws -> Page {
        let versions = notes.compactMap { $0[ContentNote.latestVersion]?.text }
        let bodies = selection.wantsContent ? try await ContentBodies(api: api).bodies(ofVersions: versions) : [:]
        var writer = JSONWriter(capacity: 1 << 16)
        var page = Page(bytes: [], records: [], next: nil)
        for note in notes {
            let body = note[ContentNote.latestVersion]?.text.flatMap { bodies[$0] }
            if let body, String(validating: body, as: UTF8.self) == nil {
                page.malformed.append(
                    MalformedRecord(
                        locator: "note \(note[RecordSelection.id]?.text ?? "without an id")",
                        reason: "its content is not valid UTF-8", bytes: note.serialized()))
                continue
            }
            let start = writer.bytes.count
            writer.beginObject()
            for member in note.members where member.key != "attributes" {
                writer.key(member.key)
                member.value.write(to: &writer)
            }
            if selection.wantsContent {
                writer.key(ContentNote.content)
                if let body { body.withUnsafeBufferPointer { writer.string($0) } } else { writer.null() }
            }
            writer.endObject()
            page.records.append(start..<writer.bytes.count)
            writer.endLine()
        }
        page.bytes = writer.bytes
        return page
    }
}

/// The bytes of versions of documents, a few at a time.
struct ContentBodies: Sendable {
    private static let atOnce = 8

    let api: SalesforceAPI

    /// By version id.
    func bodies(ofVersions ids: [String]) async throws -> [String: [UInt8]] {
        var bodies: [String: [UInt8]] = [:]
        try await withThrowingTaskGroup(of: (String, [UInt8]).self) { group in
            for (index, id) in ids.enumerated() {
                if index >= Self.atOnce, let (id, body) = try await group.next() { bodies[id] = body }
                group.addTask {
                    let request = api.request(
                        .get, "/sobjects/\(ContentNote.storageObject)/\(id)/VersionData", accept: "*/*",
                        endpointClass: "retrieve", responseBytesMax: .MiB(64))
                    return (id, try await api.send(request).body)
                }
            }
            for try await (id, body) in group { bodies[id] = body }
        }
        return bodies
    }
}
