// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezTestKit
import Testing

/// What a simulated account holds.
@Suite struct `Stored documents` {
    private static let people = DocumentStore.Object("person", firstID: 100, indexed: ["city"], unique: ["email"])
    private static let noon = Timestamp(milliseconds: 1_700_000_000_000)

    private func store(path: String? = nil) throws -> DocumentStore {
        try DocumentStore(path: path, objects: [Self.people])
    }

    private func ids(
        _ store: DocumentStore, _ condition: DocumentCondition, order: DocumentOrder = .id
    ) throws -> [Int64] {
        try store.read { try $0.documents("person", where: condition, order: order).map(\.id) }
    }

    @Test func `come back as they were put in, under ids that are never given twice`() async throws {
        try await withTemporaryFolder { folder in
            let document: JSONValue = ["email": "a@b.test", "size": 7, "tags": ["x", .null], "isNew": true]
            let first = try store(path: "\(folder)/account.sqlite")
            let id = try first.write { try $0.insert("person", document, at: Self.noon) }
            #expect(id == 100)
            try first.write { try $0.erase("person", id) }
            let second = try store(path: "\(folder)/account.sqlite")
            let next = try second.write { try $0.insert("person", document, at: Self.noon) }
            #expect(next == 101)
            let stored = try #require(try second.read { try $0.document("person", next) })
            #expect(stored.document == document && stored.createdAt == Self.noon && !stored.isDeleted)
        }
    }

    @Test func `are found by what they hold`() throws {
        let store = try store()
        try store.write { session in
            try session.insert("person", ["city": "Köln", "age": 30, "isNew": true], at: Self.noon)
            try session.insert("person", ["city": "bonn", "age": 9], at: Self.noon.advanced(by: .seconds(1)))
            try session.insert("person", ["city": .null, "age": 31], at: Self.noon)
        }
        #expect(try ids(store, .member("city", .equals, "Köln")) == [100])
        #expect(try ids(store, .member("city", .equalsIgnoringCase, "BONN")) == [101])
        #expect(try ids(store, .member("city", .contains, "ON")) == [101])
        #expect(try ids(store, .member("city", .hasPrefix, "kö")) == [100])
        #expect(try ids(store, .member("age", .greater, 9)) == [100, 102])
        #expect(try ids(store, .member("isNew", .equals, true)) == [100])
        #expect(try ids(store, .isNull("city")) == [102])
        #expect(try ids(store, .isIn("age", [9, 31])) == [101, 102])
        #expect(try ids(store, .not(.member("city", .equals, "Köln"))) == [101, 102])
        #expect(try ids(store, .and([.id(.greater, 100), .modified(.greater, Self.noon)])) == [101])
        #expect(try ids(store, .or([])).isEmpty)
        #expect(try ids(store, .all, order: .modified) == [100, 102, 101])
        #expect(try ids(store, .all, order: .member("age", descending: true)) == [102, 100, 101])
        #expect(try store.read { try $0.documents("person", offset: 1, limit: 1).map(\.id) } == [101])
    }

    @Test func `hold a unique value once, until it is deleted`() throws {
        let store = try store()
        let first = try store.write { try $0.insert("person", ["email": "a@b.test"], at: Self.noon) }
        #expect(throws: DocumentStore.Conflict(object: "person", member: "email")) {
            try store.write { try $0.insert("person", ["email": "a@b.test"], at: Self.noon) }
        }
        let second = try store.write { session in
            try session.delete("person", first, at: Self.noon)
            return try session.insert("person", ["email": "a@b.test"], at: Self.noon)
        }
        #expect(try ids(store, .all) == [second])
        #expect(try store.read { try $0.count("person", includingDeleted: true) } == 2)
        #expect(try store.read { try $0.document("person", first)?.isDeleted } == true)
    }

    @Test func `a savepoint that fails leaves the rest of its transaction`() throws {
        struct Refused: Error {}
        let store = try store()
        try store.write { session in
            try session.insert("person", ["email": "kept@b.test"], at: Self.noon)
            #expect(throws: Refused.self) {
                try session.savepoint {
                    try session.insert("person", ["email": "lost@b.test"], at: Self.noon)
                    throw Refused()
                }
            }
        }
        #expect(try store.read { try $0.count("person") } == 1)
    }
}
