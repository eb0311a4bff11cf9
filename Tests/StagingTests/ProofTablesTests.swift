// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import Testing

/// What the report rests on besides outcomes.
@Suite struct ProofTablesTests {
    @Test func `counts of fields add up over commits`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        for _ in 0..<3 {
            try await area.manifest.commit {
                try $0.add([FieldCount(field: "Email", measure: "filled", count: 2)], of: contact)
            }
        }
        let counts = try await area.manifest.read { try $0.fieldCounts(of: contact) }
        #expect(counts == [FieldCount(field: "Email", measure: "filled", count: 6)])
        #expect(try await area.manifest.read { try $0.fieldCounts(of: company) }.isEmpty)
        try await area.close()
    }

    @Test func `a record carries a tag once, however often it is put on`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        for ordinals in [[1, 5], [5, 9]] {
            try await area.manifest.commit { try $0.tag(ordinals, of: contact, as: "owner-unmatched") }
        }
        let (counts, ordinals) = try await area.manifest.read { view in
            (
                try view.tagCounts(),
                try view.ordinals(of: contact, tag: "owner-unmatched", from: 2, limit: 10)
            )
        }
        #expect(counts == [TagCount(stream: contact, tag: "owner-unmatched", count: 3)])
        #expect(ordinals == [5, 9])
        try await area.close()
    }

    @Test func `samples are thinned out so that any run fits, and keep both ends of each session`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        var thinned = 0
        for number in 0..<100 {
            let sample = RunSample(
                time: Timestamp(milliseconds: Int64(1000 * number)), session: number < 37 ? 1 : 2, extracted: number,
                transformed: 0, loaded: 0, rejected: 0, residentBytes: 1, stagedBytes: 1, remaining: nil)
            if try await area.manifest.commit({ try $0.add(sample, limit: 20) }) { thinned += 1 }
        }
        let samples = try await area.manifest.read { try $0.samples() }
        #expect(samples.count <= 20 && samples.count > 8)
        #expect(thinned > 2)
        #expect(samples.first?.extracted == 0 && samples.last?.extracted == 99)
        #expect(samples.contains { $0.extracted == 36 } && samples.contains { $0.extracted == 37 })
        #expect(try await area.manifest.read { try $0.lastSession() } == 2)
        try await area.close()
    }

    @Test func `traffic of a session replaces what was noted before, and sessions add up`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        for (session, requests) in [(1, 5), (1, 8), (2, 4)] {
            var traffic = RequestCounts()
            traffic.requests = requests
            traffic.failed = 1
            let noted = traffic
            try await area.manifest.commit { try $0.set(noted, to: .source, inSession: session) }
        }
        let traffic = try await area.manifest.read { try $0.requestCounts() }
        #expect(traffic[.source]?.requests == 12 && traffic[.source]?.failed == 2)
        #expect(traffic[.destination] == nil)
        try await area.close()
    }

    @Test func `skipping turns rejected into skipped, keeps the code, and leaves an entry with the reason`()
        async throws
    {
        let run = try TestRun()
        let area = try await run.create()
        try await area.reject(3, code: .valueNotMapped)
        try await area.manifest.commit { transaction in
            try transaction.recordOutcomes(
                [RecordOutcome(ordinal: 3, outcome: .rejected, code: .tooLong, sourceID: "d")], of: contact, in: .load)
            try transaction.recordRejects(
                [Reject(ordinal: 3, stage: .load, sourceID: "d", code: .tooLong)], of: contact)
        }
        let skipped = try await area.manifest.commit {
            try $0.skipRejected(code: "MZ-PICK-02", by: "Grace", reason: "test accounts")
        }
        #expect(skipped.map(\.count) == [3])
        let (balance, rejects, audit, outcomes) = try await area.manifest.read { view in
            (
                try view.reconciliation().first { $0.stream.name == contact }, try view.rejectCounts(),
                try view.auditEntries(), try view.outcomes(of: contact, from: 0, limit: 10)
            )
        }
        #expect(balance?[.skipped] == 3 && balance?[.rejected] == 1 && balance?.settled == 4)
        #expect(rejects.map(\.code) == ["MZ-LEN-01"] && rejects.first?.example == "d")
        #expect(outcomes.first?.code == "MZ-PICK-02" && outcomes.first?.outcome == .skipped)
        #expect(audit.last?.actor == "Grace" && audit.last?.detail == "3 of contact, MZ-PICK-02: test accounts")
        try await area.close()
    }

    @Test func `reasons of rejects outlive the rejects, without a trace of the records`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        try await area.reject(2, code: .valueNotMapped)
        try await area.manifest.commit { transaction in
            try transaction.tag([0], of: contact, as: "owner-unmatched")
            try transaction.confirm(by: "Grace", basis: "abandoned", isAbandoned: true)
        }
        try await area.close()
        _ = try await Shredding.run(run.folder, clock: run.clock)
        let inspection = try RunInspection(run.folder)
        let (rejects, tags, ordinals) = try await inspection.manifest.read { view in
            (
                try view.rejectCounts(), try view.tagCounts(),
                try view.ordinals(of: contact, tag: "owner-unmatched", from: 0, limit: 10)
            )
        }
        #expect(rejects.map(\.count) == [2] && rejects.first?.example == nil)
        #expect(tags.map(\.count) == [1])
        #expect(ordinals.isEmpty)
    }

    @Test func `a verification replaces the one before, with its fields and sums`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        for (compared, field) in [(5, "Email"), (7, "Phone")] {
            var result = StreamVerification(stream: contact, object: "Contact")
            result.compared = compared
            var counts = StreamVerification.Field(field: field)
            (counts.sent, counts.held, counts.different) = (3, 2, 1)
            result.fields = [counts]
            result.sums = [
                .init(
                    field: "Amount", labels: ["Stage = Won", "Currency = EUR"], sent: "10.50", held: "10.5",
                    sentCount: 2, heldCount: 2, unreadable: 0)
            ]
            let kept = result
            try await area.manifest.commit { try $0.record(kept) }
        }
        let found = try await area.manifest.read { try $0.verifications().map(\.result) }
        #expect(found.map(\.compared) == [7] && found.first?.differences == ["Phone": 1])
        #expect(found.first?.sums.map(\.labels) == [["Stage = Won", "Currency = EUR"]])
        try await area.close()
    }
}

extension StagingArea {
    /// Makes so many records rejected in the transform, with ids from `a`.
    fileprivate func reject(_ count: Int, code: ErrorCode) async throws {
        try await manifest.commit { transaction in
            try transaction.moveCursor(of: contact, to: nil, recordsRead: count)
            let ids = (0..<count).map { String(UnicodeScalar(UInt8(ascii: "a") + UInt8($0))) }
            try transaction.recordOutcomes(
                ids.indices.map { RecordOutcome(ordinal: $0, outcome: .rejected, code: code, sourceID: ids[$0]) },
                of: contact, in: .transform)
            try transaction.recordRejects(
                ids.indices.map { Reject(ordinal: $0, stage: .transform, sourceID: ids[$0], code: code) }, of: contact)
        }
    }
}
