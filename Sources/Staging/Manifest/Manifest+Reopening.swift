// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

extension ManifestTransaction {
    /// Takes rejected records back to having no outcome, because they will be tried again in the same commit's chunk.
    ///
    /// Their outcomes leave the counters and their entries the list of rejects. Records that are not rejected stay.
    package func reopenRejected(of stream: StreamName, ordinals: [Int]) throws {
        let number = try number(of: stream)
        for ordinal in ordinals {
            let statement = try database.cachedStatement(
                sql: "SELECT stage FROM records WHERE stream = ? AND ordinal = ? AND outcome = ?")
            let rejected = Outcome.rejected.rawValue
            guard let stage = try String.fetchOne(statement, arguments: [number, ordinal, rejected]) else { continue }
            try execute("DELETE FROM records WHERE stream = ? AND ordinal = ?", [number, ordinal])
            try execute(
                "UPDATE counters SET count = count - 1 WHERE stream = ? AND stage = ? AND outcome = ?",
                [number, stage, rejected])
        }
        try removeRejects(of: stream, ordinals: ordinals)
    }
}
