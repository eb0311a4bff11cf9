// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
package import MigratezModel

/// Somebody who works in the account between two readings of it. The records are of one object, and nothing is linked to
/// them.
package struct AccountEditor: Sendable {
    package var stream: StreamName
    /// Makes a record that is told from others by the number, and gives its id.
    package var create: @Sendable (_ number: Int) async throws -> String
    package var change: @Sendable (_ id: String) async throws -> Void
    package var delete: @Sendable (_ id: String) async throws -> Void

    package init(
        _ stream: StreamName, create: @escaping @Sendable (_ number: Int) async throws -> String,
        change: @escaping @Sendable (_ id: String) async throws -> Void,
        delete: @escaping @Sendable (_ id: String) async throws -> Void
    ) {
        self.stream = stream
        self.create = create
        self.change = change
        self.delete = delete
    }
}

extension SourceConformance {
    /// A run that goes on from an earlier one compares what it reads with what that one read. So a second reading must tell
    /// every change, and bytes that change although nobody changed the record would be taken for one.
    static func checkChanges(_ subject: some SourceSubject) async throws {
        guard let editor = subject.editor else { return }
        guard let expected = subject.streams.first(where: { $0.stream == editor.stream }) else {
            throw ConformanceFailure("the subject has no records of \(editor.stream)")
        }
        let changed = try await editor.create(1)
        let deleted = try await editor.create(2)
        let source = try subject.makeSource()
        let before = try await digests(source, expected)
        try require(before[changed] != nil && before[deleted] != nil, "a new record is not among those that are read")

        try await editor.change(changed)
        // Before the deletion: a database may give a number again that is free.
        let created = try await editor.create(3)
        try await editor.delete(deleted)
        // The source that has read before, which may have kept something, and one of another process.
        for source in [source, try subject.makeSource()] {
            let after = try await digests(source, expected)
            try require(after[created] != nil, "a record that was made since is not read")
            try require(after[deleted] == nil, "a record that was deleted since is read still")
            try require(after[changed] != nil && after[changed] != before[changed], "a change is not told")
            let others = after.filter { $0.key != changed && $0.key != created && before[$0.key] != $0.value }
            try require(others.isEmpty, "\(others.count) records that nobody touched are read as others than before")
            let page = try await source.readRecords(
                of: editor.stream, ids: [changed, deleted, created], fields: expected.fields)
            let found = try digests(page, source.layout(of: editor.stream))
            try require(Set(found.keys) == [changed, created], "by id \(found.count) records come, not those two")
        }
    }

    /// What each record's bytes come to, by its id.
    private static func digests(_ source: any Source, _ expected: ExpectedStream) async throws -> [String: [UInt8]] {
        var digests: [String: [UInt8]] = [:]
        for page in try await pages(source, expected) {
            digests.merge(try Self.digests(page, source.layout(of: expected.stream))) { $1 }
        }
        return digests
    }

    private static func digests(_ page: Page, _ layout: RecordLayout) throws -> [String: [UInt8]] {
        var digests: [String: [UInt8]] = [:]
        for range in page.records {
            let bytes = Array(page.bytes[range])
            guard let id = try JSONValue(parsing: bytes)[layout.id]?.text else {
                throw ConformanceFailure("a record has no id")
            }
            digests[id] = SHA256.digest(of: bytes)
        }
        return digests
    }
}
