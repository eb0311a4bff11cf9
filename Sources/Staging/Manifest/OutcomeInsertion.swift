// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezModel

/// Puts outcomes into the manifest, many with one statement.
///
/// To begin and end a statement costs SQLite a third of what it does for a row, and each text that it is to copy costs an
/// allocation. So twenty rows go with one statement, and SQLite reads their texts where they stand. If one of the records
/// has an outcome already, the statement changes nothing, and its rows go one by one.
struct OutcomeInsertion {
    private static let rowsMax = 20
    /// `?1` is the stream and `?2` the stage of every row; six more parameters are a row's own.
    private static let columns = "stream, ordinal, outcome, stage, code, source_id, target_id, survivor"
    private static let one = "INSERT INTO records (\(columns)) VALUES \(values(rows: 1)) ON CONFLICT DO NOTHING"
    private static let many = "INSERT INTO records (\(columns)) VALUES \(values(rows: rowsMax))"

    private let one: BoundStatement
    private let many: BoundStatement
    /// Those of the rows at hand, one behind the other.
    private var texts: [UInt8] = []

    init(_ database: Database, stream: Int64, stage: Stage) throws {
        one = try BoundStatement(Self.one, database)
        many = try BoundStatement(Self.many, database)
        for statement in [one, many] {
            try statement.bind(1, stream)
            try statement.bind(2, stage.rawValue)
        }
    }

    /// Inserts the outcomes; returns those whose record has one already.
    mutating func insert(_ outcomes: [RecordOutcome]) throws -> [RecordOutcome] {
        var known: [RecordOutcome] = []
        var start = 0
        while start < outcomes.count {
            let end = min(start + Self.rowsMax, outcomes.count)
            let part = outcomes[start..<end]
            start = end
            if part.count == Self.rowsMax, try insertTogether(part) { continue }
            for index in part.indices where try run(one, outcomes[index...index]) == 0 { known.append(outcomes[index]) }
        }
        return known
    }

    /// Makes the statements ready for others.
    func reset() {
        one.reset()
        many.reset()
    }

    /// False if a record among these has an outcome already: then nothing was inserted.
    private mutating func insertTogether(_ outcomes: ArraySlice<RecordOutcome>) throws -> Bool {
        do {
            _ = try run(many, outcomes)
            return true
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_PRIMARYKEY {
            return false
        }
    }

    /// Binds the rows and runs the statement; returns how many were inserted.
    private mutating func run(_ statement: BoundStatement, _ outcomes: ArraySlice<RecordOutcome>) throws -> Int {
        texts.removeAll(keepingCapacity: true)
        for outcome in outcomes {
            texts.append(contentsOf: (outcome.code ?? "").utf8)
            texts.append(contentsOf: (outcome.sourceID ?? "").utf8)
            texts.append(contentsOf: (outcome.targetID ?? "").utf8)
        }
        return try texts.withUnsafeBufferPointer { texts in
            var index: Int32 = 3
            var place = 0
            func lend(_ text: String?) throws {
                let count = text?.utf8.count
                try statement.lend(index, count.map { UnsafeBufferPointer(rebasing: texts[place..<(place + $0)]) })
                place += count ?? 0
                index += 1
            }
            for outcome in outcomes {
                try statement.bind(index, Int64(outcome.ordinal))
                try statement.bind(index + 1, Int64(outcome.outcome.rawValue))
                index += 2
                try lend(outcome.code)
                try lend(outcome.sourceID)
                try lend(outcome.targetID)
                try statement.bind(index, outcome.survivor.map { Int64($0) })
                index += 1
            }
            return try statement.run()
        }
    }

    private static func values(rows: Int) -> String {
        (0..<rows).map { row in
            let own = (0..<6).map { "?\(3 + row * 6 + $0)" }
            return "(?1, \(own[0]), \(own[1]), ?2, \(own[2...].joined(separator: ", ")))"
        }.joined(separator: ", ")
    }
}
