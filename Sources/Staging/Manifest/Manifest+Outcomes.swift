// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

extension ManifestTransaction {
    /// Notes how records of `stream` ended in `stage`, and counts them.
    ///
    /// Ids that are known stay known. A record that has an outcome already gets the new one, and is counted there instead
    /// (a rejected record that was corrected, a batch that was replayed after a crash). Ascending ordinals are by far the
    /// fastest; 1,000 to 50,000 rows a call cost the least per row.
    package func recordOutcomes(_ outcomes: [RecordOutcome], of stream: StreamName, in stage: Stage) throws {
        let number = try number(of: stream)
        // Without GRDB's argument values: this is the one hot loop of the manifest.
        var insertion = try OutcomeInsertion(database, stream: number, stage: stage)
        defer { insertion.reset() }
        let known = try insertion.insert(outcomes)
        // By the outcome's number, since a dictionary would be asked for each row.
        var added = [Int](repeating: 0, count: Outcome.allCases.count + 1)
        for outcome in outcomes { added[outcome.outcome.rawValue] += 1 }
        for outcome in known { added[outcome.outcome.rawValue] -= 1 }
        var tally: [Stage: [Outcome: Int]] = [:]
        for outcome in Outcome.allCases { tally[stage, default: [:]][outcome] = added[outcome.rawValue] }
        for outcome in known {
            let previous = try replace(outcome, stream: number, stage: stage)
            tally[previous.stage, default: [:]][previous.outcome, default: 0] -= 1
            tally[stage, default: [:]][outcome.outcome, default: 0] += 1
        }
        for (stage, counts) in tally {
            for (outcome, difference) in counts where difference != 0 {
                try count(outcome, stage, stream: number, by: difference)
            }
        }
    }

    /// Gives a record that has an outcome another one, and returns the old one.
    private func replace(
        _ outcome: RecordOutcome, stream: Int64, stage: Stage
    ) throws -> (stage: Stage, outcome: Outcome) {
        let statement = try database.cachedStatement(
            sql: "SELECT stage, outcome FROM records WHERE stream = ? AND ordinal = ?")
        let row = try decoded(Row.fetchOne(statement, arguments: [stream, outcome.ordinal]), "ordinal")
        let previous = (
            stage: try decoded(Stage(rawValue: row["stage"]), "stage"),
            outcome: try decoded(Outcome(rawValue: row["outcome"]), "outcome")
        )
        try execute(
            """
            UPDATE records SET outcome = ?, stage = ?, code = ?, source_id = coalesce(?, source_id),
                target_id = coalesce(?, target_id), survivor = ? WHERE stream = ? AND ordinal = ?
            """,
            [
                outcome.outcome.rawValue, stage.rawValue, outcome.code, outcome.sourceID, outcome.targetID,
                outcome.survivor, stream, outcome.ordinal,
            ])
        return previous
    }

    private func count(_ outcome: Outcome, _ stage: Stage, stream: Int64, by difference: Int) throws {
        try run(
            """
            INSERT INTO counters (stream, stage, outcome, count) VALUES (?, ?, ?, ?)
            ON CONFLICT (stream, stage, outcome) DO UPDATE SET count = count + excluded.count
            """
        ) { row in
            try row.bind(1, stream)
            try row.bind(2, stage.rawValue)
            try row.bind(3, Int64(outcome.rawValue))
            try row.bind(4, Int64(difference))
        }
    }
}
