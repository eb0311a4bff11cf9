// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import MigratezTransform

/// Everything that a report says, before it is a file of some form. Ids, counts, codes, names and sums; no values.
struct ReportContent: Sendable {
    /// How the run stands, in one sentence.
    struct Verdict: Sendable, Equatable {
        enum Mood: String, Sendable { case good, open, bad }
        var mood: Mood
        var title: String
        var text: String
    }

    var run: RunStatus
    var written: Timestamp
    var balances: [Reconciliation]
    var rejects: [RejectCount]
    var audit: [TrailEntry]
    var fieldCounts: [StreamName: [FieldCount]]
    var tags: [TagCount]
    var conflicts: [ConflictCount]
    var removals: [RemovalCount]
    /// How many records and links an earlier run had brought and this one left alone, by stream.
    var leftAlone: [StreamName: Int]
    var verifications: [(result: StreamVerification, time: Timestamp)]
    /// How many contents were staged, or were not, and how many bytes they have.
    var contents: [ContentTotal]
    var history: RunHistory
    var requestCounts: [RequestCounts.Side: RequestCounts]
    /// So many records of each object were read at most; `nil` = all, or the run is shredded.
    var recordsMax: Int?
    var certificate: Certificate?
    /// The order of each object's fields in the pipeline file, and what is advised; without the file, alphabetical.
    var plan: PipelinePlan?

    /// Gathers it from a manifest, which may be that of a shredded run.
    ///
    /// - Parameter certificate: the certificate of the run, if it was shredded.
    static func gather(
        _ manifest: Manifest, plan: PipelinePlan?, certificate: Certificate?, now: Timestamp
    ) async throws -> ReportContent {
        try await manifest.read { view in
            var counts: [StreamName: [FieldCount]] = [:]
            var leftAlone: [StreamName: Int] = [:]
            for stream in try view.streams() {
                counts[stream.name] = try view.fieldCounts(of: stream.name)
                let count = try view.countLeftAlone(of: stream.name)
                if count > 0 { leftAlone[stream.name] = count }
            }
            return ReportContent(
                run: try view.run(), written: now, balances: try view.reconciliation(),
                rejects: try view.rejectCounts(), audit: try view.auditEntries(), fieldCounts: counts,
                tags: try view.tagCounts(), conflicts: try view.conflictCounts(), removals: try view.removalCounts(),
                leftAlone: leftAlone, verifications: try view.verifications(),
                contents: try view.contentTotals(), history: RunHistory(try view.samples()),
                requestCounts: try view.requestCounts(),
                recordsMax: try RecordLimit.noted(in: view), certificate: certificate, plan: plan)
        }
    }

    func total(_ outcome: Outcome) -> Int { objects.reduce(0) { $0 + $1[outcome] } }

    /// The balances of records, without those of links.
    var objects: [Reconciliation] { balances.filter { $0.stream.kind == .object } }

    var verdict: Verdict {
        let open = balances.filter { !$0.isClosed }
        let rejected = balances.reduce(0) { $0 + $1[.rejected] }
        let differing = verifications.filter { !$0.result.isGood }
        if run.phase == .running {
            return Verdict(
                mood: .open, title: "Not finished",
                text: "Some records have no outcome yet. Go on with: migratez resume \(run.id)")
        }
        if !open.isEmpty {
            return Verdict(
                mood: .bad, title: "Does not add up",
                text:
                    "What was read and what became of it differ for \(open.map(\.stream.name.text).joined(separator: ", "))."
            )
        }
        if !differing.isEmpty {
            return Verdict(
                mood: .bad, title: "Differences in the destination",
                text: "Every record is accounted for, but reading back found something else than was sent for "
                    + "\(differing.map(\.result.stream.text).joined(separator: ", ")).")
        }
        let readBack = verifications.isEmpty ? "It has not been read back yet." : "What was read back agrees."
        if rejected > 0 {
            return Verdict(
                mood: .open, title: "Every record is accounted for",
                text: "\(ReportValue.count(rejected).shown) records and links were rejected and wait for a decision. "
                    + readBack)
        }
        return Verdict(
            mood: verifications.isEmpty ? .open : .good, title: "Every record is accounted for", text: readBack)
    }
}
