// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

extension ManifestTransaction {
    /// Lets rejected records and links of one code go: they become `skipped`, keep their code, and leave the list of
    /// rejects. Balances stay closed, because each goes from one outcome to another.
    ///
    /// - Parameters:
    ///   - ids: only records with these ids of the source; nil = all.
    ///   - reason: why, in the words of whoever decided; it goes into the audit trail.
    /// - Returns: how many of each stream.
    package func skipRejected(
        code: String, ids: [String]? = nil, by person: String, reason: String
    ) throws -> [(stream: StreamName, count: Int)] {
        var skipped: [(stream: StreamName, count: Int)] = []
        for stream in try streams() {
            var count = 0
            while true {
                let rejects = try rejects(of: stream.name, code: code, ids: ids, limit: 1000)
                if rejects.isEmpty { break }
                for (stage, rejects) in Dictionary(grouping: rejects, by: \.stage) {
                    try recordOutcomes(
                        rejects.map { RecordOutcome(skipped: $0) }, of: stream.name, in: stage)
                }
                try removeRejects(of: stream.name, ordinals: rejects.map(\.ordinal))
                count += Set(rejects.map(\.ordinal)).count
            }
            guard count > 0 else { continue }
            skipped.append((stream: stream.name, count: count))
            try audit(actor: person, action: "skip", detail: "\(count) of \(stream.name), \(code): \(reason)")
        }
        return skipped
    }
}

extension RecordOutcome {
    fileprivate init(skipped reject: Reject) {
        self.init(ordinal: reject.ordinal, outcome: .skipped, sourceID: reject.sourceID)
        code = reject.code
    }
}
