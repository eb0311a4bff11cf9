// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Tags of records, as a field of several choices that anybody may add to: `Tag`.
///
/// Neither queries nor exports are said to bring them, and a record's own update is not said to replace them: they are read
/// from lists by id, and set by calls of their own that overwrite.
///
/// Source: zoho/crm-oas, `v8.0/tags.json` and `v8.0/record.json`; zoho.com/crm/developer, "Get Records", "Add Tags to Records"
/// and "Remove Tags from Records".
struct RecordTags: Sendable {
    static let field = "Tag"
    static let schema = FieldSchema(name: field, label: field, kind: .choices)
    /// `v8.0/tags.json`: the length of a name, in characters.
    static let lengthMax = 25
    private static let readMax = 100
    private static let writtenMax = 500
    private static let callsAtOnce = 4

    let client: ZohoClient
    let module: String

    // MARK: Reading

    /// The tags of records, by id; a record without any is absent.
    func tags(of ids: [String]) async throws -> [String: [String]] {
        let groups = stride(from: 0, to: ids.count, by: Self.readMax).map {
            Array(ids[$0..<min($0 + Self.readMax, ids.count)])
        }
        return try await withThrowingTaskGroup(of: [String: [String]].self) { group in
            var waiting = groups[...]
            func addNext() {
                guard let ids = waiting.popFirst() else { return }
                group.addTask { try await read(ids) }
            }
            for _ in 0..<Self.callsAtOnce { addNext() }
            var tags: [String: [String]] = [:]
            while let found = try await group.next() {
                tags.merge(found) { $1 }
                addNext()
            }
            return tags
        }
    }

    private func read(_ ids: [String]) async throws -> [String: [String]] {
        let answer = try await client.value(
            "/\(module)",
            [("fields", Self.field), ("ids", ids.joined(separator: ",")), ("per_page", String(Self.readMax))],
            class: "list")
        var tags: [String: [String]] = [:]
        for record in answer["data"]?.elements ?? [] {
            guard let id = record[ZohoModule.id]?.text else { continue }
            let names = record[Self.field]?.elements.compactMap { $0["name"]?.text } ?? []
            if !names.isEmpty { tags[id] = names }
        }
        return tags
    }

    /// The page with the tags of its records.
    func complete(_ page: Page) async throws -> Page {
        let ids = page.records.map { range in
            page.bytes[range].withUnsafeBufferPointer { bytes in
                member(at: [ZohoModule.id], in: bytes).map { JSONText.string($0, of: bytes) } ?? ""
            }
        }
        guard !ids.isEmpty else { return page }
        let tags = try await tags(of: ids.filter(ZohoID.isID))
        var whole = Page(bytes: [], records: [], next: page.next, malformed: page.malformed)
        for (id, range) in zip(ids, page.records) {
            let start = whole.bytes.count
            // A record has its id, so that a comma is right.
            whole.bytes += page.bytes[range].dropLast() + Array(",\"\(Self.field)\":".utf8)
            whole.bytes += (tags[id].map { .array($0.map { .string($0) }) } ?? JSONValue.null).serialized()
            whole.bytes.append(UInt8(ascii: "}"))
            whole.records.append(start..<whole.bytes.count)
        }
        return whole
    }

    // MARK: Writing

    /// Gives records these tags and no others.
    ///
    /// - Returns: what was refused, by id.
    func set(_ wanted: [String: [String]]) async throws -> [String: ZohoRefusal] {
        var refused = try await call("add_tags", wanted.filter { !$0.value.isEmpty }, overwrites: true)
        let bare = wanted.filter(\.value.isEmpty).map(\.key).sorted()
        if !bare.isEmpty {
            refused.merge(try await call("remove_tags", tags(of: bare), overwrites: false)) { $1 }
        }
        return refused
    }

    /// Records that get or lose the same tags go into one call; a lost one is sent again, which changes nothing.
    private func call(
        _ action: String, _ tags: [String: [String]], overwrites: Bool
    ) async throws -> [String: ZohoRefusal] {
        var refused: [String: ZohoRefusal] = [:]
        for (names, records) in Dictionary(grouping: tags, by: { $0.value.sorted() }) {
            var rest = records.map(\.key).sorted()[...]
            while !rest.isEmpty {
                try Task.checkCancellation()
                let ids = rest.prefix(Self.writtenMax)
                rest = rest.dropFirst(ids.count)
                var body: [JSONValue.Member] = [
                    .init("tags", .array(names.map { .object([.init("name", .string($0))]) })),
                    .init("ids", .array(ids.map { .string($0) })),
                ]
                if overwrites { body.append(.init("over_write", true)) }
                let answers = try await client.write(
                    .post, "/\(module)/actions/\(action)", [], JSONValue.object(body).serialized(), isRepeatable: true)
                guard answers.count == ids.count else {
                    throw MigratezError(
                        .brokenResponse, "tags of \(ids.count) records of \(module) got \(answers.count) answers",
                        remedy: .retry(after: nil))
                }
                for (id, answer) in zip(ids, answers) where answer["status"]?.text != "success" {
                    refused[id] = ZohoRefusal(answer)
                }
            }
        }
        return refused
    }
}
