// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezModel
import MigratezSQLiteConnector
import MigratezTestKit
import Testing

/// What contents of records do besides what every connector's do.
struct SQLiteContentTests {
    private struct BrokenOff: Error {}

    private static func bytes(_ count: Int, _ seed: Int = 0) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 8 &+ seed) }
    }

    private static func row(_ key: String, _ content: RowContent?, id: String? = nil) -> Batch.Row {
        Batch.Row(key: key, fields: Array(#"{"title":"T"}"#.utf8), targetID: id, content: content)
    }

    private static func content(_ bytes: [UInt8], in field: String = "body") -> RowContent {
        RowContent(field: field, sha256: SHA256.digest(of: bytes), bytes)
    }

    private static func put(_ rows: [Batch.Row], into destination: SQLiteDestination) async throws -> [Receipt.Result] {
        let schema = try await destination.discover(["scan"])[0]
        try await destination.prepare(destination.requirements(of: schema))
        let route = destination.route(for: "scan", expectedRows: rows.count)
        return try await destination.write(Batch(object: "scan", rows: rows), by: route, intent: KeptIntent())
            .map(\.result)
    }

    private static func held(_ destination: SQLiteDestination, _ id: String) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await destination.readContent(object: "scan", id: id) { bytes += $0 }
        return bytes
    }

    @Test func `a table that is made here gets a column for contents, by the name that the pipeline gives it`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let program = try OtherProgram(folder)
            let destination = try program.destination()
            let (long, short) = (Self.bytes(600_000), Self.bytes(10, 5))
            let rows = [Self.row("a", Self.content(long)), Self.row("b", nil), Self.row("c", Self.content(short))]
            #expect(
                try await Self.put(rows, into: destination)
                    == [.created(id: "a"), .created(id: "b"), .created(id: "c")])
            #expect(try program.texts("SELECT type FROM pragma_table_info('scan') WHERE name = 'body'") == ["BLOB"])
            #expect(try await destination.discover(["scan"])[0].content?.field == "body")
            #expect(try await Self.held(destination, "a") == long)
            await #expect(throws: Rejection.self) { try await Self.held(destination, "b") }
            // A shorter one takes the place of a longer one; a row without leaves it.
            #expect(
                try await Self.put([Self.row("a", Self.content(short), id: "a")], into: destination)
                    == [.updated(id: "a")])
            #expect(try await Self.put([Self.row("a", nil, id: "a")], into: destination) == [.updated(id: "a")])
            #expect(try await Self.held(destination, "a") == short)
        }
    }

    @Test func `a content that breaks off leaves no row`() async throws {
        try await withTemporaryFolder { folder in
            let program = try OtherProgram(folder)
            let destination = try program.destination()
            #expect(try await Self.put([Self.row("a", Self.content([1]))], into: destination) == [.created(id: "a")])
            for breaksOff in [true, false] {
                let pieces = ScriptedPieces(count: 2, breaksOff: breaksOff)
                let content = RowContent(field: "body", bytes: 500_000, sha256: []) { { try await pieces.next() } }
                await #expect(throws: (any Error).self) {
                    try await Self.put([Self.row("b", content)], into: destination)
                }
                #expect(try program.texts("SELECT migratez_id FROM scan") == ["a"])
            }
            #expect(try await Self.put([Self.row("b", Self.content([2]))], into: destination) == [.created(id: "b")])
        }
    }

    /// Gives so many pieces of 1,000 bytes, then fails or ends.
    private actor ScriptedPieces {
        private var count: Int
        private let breaksOff: Bool

        init(count: Int, breaksOff: Bool) {
            self.count = count
            self.breaksOff = breaksOff
        }

        func next() throws -> [UInt8]? {
            guard count > 0 else {
                if breaksOff { throw BrokenOff() }
                return nil
            }
            count -= 1
            return SQLiteContentTests.bytes(1000)
        }
    }

    @Test func `a table with no column for contents, or two, says that it takes none`() async throws {
        try await withTemporaryFolder { folder in
            let program = try OtherProgram(
                folder, "CREATE TABLE scan (id INTEGER PRIMARY KEY, title TEXT, front BLOB, back BLOB)")
            let destination = try program.destination()
            #expect(try await destination.discover(["scan"])[0].content == nil)
            let failure = await #expect(throws: MigratezError.self) {
                try await Self.put([Self.row("a", Self.content([1], in: "front"))], into: destination)
            }
            #expect(failure?.code == .invalidSetting)
            #expect(failure?.message.contains("takes no content in 'front'") == true)
        }
    }

    @Test(arguments: [
        "CREATE TABLE person (id TEXT PRIMARY KEY, photo BLOB) WITHOUT ROWID",
        "CREATE TABLE origin (id INTEGER PRIMARY KEY, photo BLOB); CREATE VIEW person AS SELECT * FROM origin",
    ]) func `what has no rowid gives no content, and says so`(_ statements: String) async throws {
        try await withTemporaryFolder { folder in
            let program = try OtherProgram(folder, statements)
            let source = try program.source(["objects.person.content": "photo", "objects.person.id": "id"])
            let failure = await #expect(throws: MigratezError.self) {
                try await source.readContent(of: person, id: "1", record: []) { _ in }
            }
            #expect(failure?.code == .notSupported)
        }
    }
}
