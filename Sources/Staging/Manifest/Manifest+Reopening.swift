// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

extension ManifestTransaction {
    /// Takes records back to having no outcome, because they will be tried again in the same commit's chunk: those that
    /// were rejected, and those that were left out because what they refer to was not loaded.
    ///
    /// Their outcomes leave the counters and their entries the list of rejects. Records with another outcome stay.
    package func reopen(of stream: StreamName, ordinals: [Int]) throws {
        let number = try number(of: stream)
        for ordinal in ordinals {
            let statement = try database.cachedStatement(
                sql: """
                    SELECT stage, outcome FROM records
                    WHERE stream = ? AND ordinal = ? AND (outcome = ? OR (outcome = ? AND code = ?))
                    """)
            let row = try Row.fetchOne(
                statement,
                arguments: [
                    number, ordinal, Outcome.rejected.rawValue, Outcome.skipped.rawValue,
                    ErrorCode.parentNotLoaded.description,
                ])
            guard let row else { continue }
            let (stage, outcome): (String, Int) = (row["stage"], row["outcome"])
            try execute("DELETE FROM records WHERE stream = ? AND ordinal = ?", [number, ordinal])
            try execute(
                "UPDATE counters SET count = count - 1 WHERE stream = ? AND stage = ? AND outcome = ?",
                [number, stage, outcome])
        }
        try removeRejects(of: stream, ordinals: ordinals)
    }
}
