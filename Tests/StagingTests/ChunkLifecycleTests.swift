// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezModel
import MigratezStaging
import Testing

@Suite struct ChunkLifecycleTests {
    /// The arrows as DESIGN draws them, written down apart from the code.
    private static let arrows: Set<[ChunkState]> = [
        [.writing, .sealed], [.sealed, .leased], [.leased, .sealed], [.leased, .spent], [.spent, .shredded],
        [.sealed, .spent], [.writing, .failed], [.sealed, .failed], [.leased, .failed], [.failed, .sealed],
        [.failed, .writing], [.failed, .shredded],
    ]

    @Test(arguments: ChunkState.allCases, ChunkState.allCases)
    func `the table in code has exactly the arrows of the drawing`(old: ChunkState, new: ChunkState) {
        #expect(old.canBecome(new) == Self.arrows.contains([old, new]))
    }

    @Test func `SQLite lets through exactly what the table in code lets through`() async throws {
        let run = try TestRun()
        try await run.create().close()
        let database = try DatabaseQueue(path: run.folder.manifest)
        for old in ChunkState.allCases {
            for new in ChunkState.allCases {
                let isLetThrough = try await database.write { database in
                    try Self.insert(database, old)
                    defer { try? database.execute(sql: "DELETE FROM chunks") }
                    do {
                        try database.execute(
                            sql: "UPDATE chunks SET state = ?, failure = ?",
                            arguments: [new.rawValue, new == .failed ? "MZ-STAGE-01" : nil])
                        return true
                    } catch let error as DatabaseError {
                        #expect(error.message == "the lifecycle has no such transition")
                        return false
                    }
                }
                #expect(isLetThrough == old.canBecome(new), "\(old) to \(new)")
            }
        }
    }

    @Test(arguments: ChunkState.allCases.filter { $0 != .writing })
    func `SQLite lets no chunk begin in another state than writing`(state: ChunkState) async throws {
        let run = try TestRun()
        try await run.create().close()
        let database = try DatabaseQueue(path: run.folder.manifest)
        #expect(throws: DatabaseError.self) {
            try database.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO chunks (stream, kind, sequence, state, attempt, changed_at, failure, sha256)
                        VALUES (1, 'raw', 1, ?, 1, 0, iif(? = 'failed', 'x', NULL), hex(zeroblob(32)))
                        """, arguments: [state.rawValue, state.rawValue])
            }
        }
    }

    /// Takes a new row to `state` on a path of legal transitions.
    private static func insert(_ database: Database, _ state: ChunkState) throws {
        try database.execute(
            sql: """
                INSERT INTO chunks (stream, kind, sequence, state, attempt, changed_at, sha256)
                VALUES (1, 'raw', 1, 'writing', 1, 0, hex(zeroblob(32)))
                """)
        let path: [ChunkState] =
            switch state {
            case .writing: []
            case .sealed: [.sealed]
            case .leased: [.sealed, .leased]
            case .spent: [.sealed, .spent]
            case .shredded: [.sealed, .spent, .shredded]
            case .failed: [.failed]
            }
        for step in path {
            try database.execute(
                sql: "UPDATE chunks SET state = ?, failure = ?",
                arguments: [step.rawValue, step == .failed ? "MZ-STAGE-01" : nil])
        }
    }
}
