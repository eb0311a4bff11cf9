// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezStaging

/// Lets rejected records go, by a person's decision.
package enum IssueSkip {
    /// Rejected records and links of a code become skipped, with an entry in the audit trail for each stream.
    ///
    /// The decision needs no key and asks nobody; balances stay closed.
    /// - Parameter ids: only records with these ids of the source; nil = all, links too.
    /// - Returns: how many of each stream, and how many are still rejected.
    /// - Throws: `badCorrections` if there is nothing with this code, `wrongRunState` after the run was confirmed.
    package static func skip(
        _ folder: RunFolder, code: String, ids: [String]? = nil, by person: String, reason: String
    ) async throws -> (skipped: [(stream: StreamName, count: Int)], left: Int) {
        guard !reason.allSatisfy(\.isWhitespace) else {
            throw MigratezError(.badCorrections, "a reason is needed", remedy: .fixConfiguration)
        }
        return try await RunControl.withManifest(of: folder) { manifest in
            try await manifest.commit { transaction in
                let phase = try transaction.run().phase
                guard [.running, .loaded, .verified].contains(phase) else {
                    throw MigratezError(
                        .wrongRunState, "run \(folder.run) is \(phase.rawValue), so nothing can be skipped any more",
                        remedy: .fixConfiguration)
                }
                let skipped = try transaction.skipRejected(code: code, ids: ids, by: person, reason: reason)
                guard !skipped.isEmpty else {
                    throw MigratezError(
                        .badCorrections, "nothing is rejected with \(code)" + (ids == nil ? "" : " and these ids"),
                        remedy: .fixConfiguration, hint: "migratez issues ls \(folder.run)")
                }
                return (skipped, try transaction.rejectCounts().reduce(0) { $0 + $1.count })
            }
        }
    }
}
