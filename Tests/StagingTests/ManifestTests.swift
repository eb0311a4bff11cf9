// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

@Suite struct ManifestTests {
    @Test func `a manifest of a newer version is refused, to write and to read`() async throws {
        let run = try TestRun()
        try await run.create().close()
        let database = try DatabaseQueue(path: run.folder.manifest)
        try await database.write { try $0.execute(sql: "PRAGMA user_version = 99") }
        try database.close()
        #expect(await code { _ = try await run.open() } == .manifestTooNew)
        #expect(await code { _ = try RunInspection(run.folder) } == .manifestTooNew)
    }

    @Test func `what is deleted is overwritten in the file`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let text = String(repeating: "planted-2718 ", count: 300)
        try await area.manifest.commit { try $0.setNote("planted", text) }
        try await area.manifest.truncateLog()
        let holds = { () throws in
            String(decoding: try contents(ofFile: run.folder.manifest), as: UTF8.self).contains("planted-2718")
        }
        #expect(try holds(), "what is not deleted is there")
        try await area.manifest.commit { try $0.setNote("planted", nil) }
        try await area.manifest.truncateLog()
        #expect(try !holds())
        try await area.close()
    }

    @Test func `what is not a database is reported as damage`() async throws {
        let run = try TestRun()
        try await run.create().close()
        try overwrite(run.folder.manifest, with: [UInt8](repeating: 0x58, count: 4096), at: 0)
        #expect(await code { _ = try await run.open() } == .manifestDamaged)
    }

    @Test func `many tasks commit together, and a refused change takes only itself back`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<200 {
                group.addTask {
                    let failure = await code {
                        try await area.manifest.commit { transaction in
                            try transaction.setNote("note \(index)", "x")
                            if index % 10 == 3 { throw MigratezError(.countMismatch, "refused") }
                        }
                    }
                    return failure == .countMismatch
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(refused == 20)
        let notes = try await area.manifest.read { try $0.notes(prefix: "note ").map(\.key) }
        #expect(notes.count == 180)
        #expect(!notes.contains("note 3") && notes.contains("note 4"))
        try await area.close()
    }

    @Test func `outcomes are counted once, also when a record gets another one`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        try await area.manifest.commit { transaction in
            try transaction.moveCursor(of: contact, to: nil, recordsRead: 5)
            try transaction.recordOutcomes(
                [RecordOutcome(ordinal: 1, outcome: .merged, sourceID: "b", survivor: 0)], of: contact, in: .transform)
            try transaction.recordOutcomes(
                [
                    RecordOutcome(ordinal: 0, outcome: .created, sourceID: "a", targetID: "003A"),
                    RecordOutcome(ordinal: 2, outcome: .rejected, code: .tooLong, sourceID: "c"),
                    RecordOutcome(ordinal: 3, outcome: .created, sourceID: "Ω’\"", targetID: "003B"),
                ], of: contact, in: .load)
        }
        #expect(try await area.manifest.read { try $0.reconciliation()[0].isClosed } == false)
        try await area.manifest.commit { transaction in
            // The same batch again, after a crash; one row has passed this time.
            try transaction.recordOutcomes(
                [
                    RecordOutcome(ordinal: 0, outcome: .updated, sourceID: "a", targetID: "003A"),
                    RecordOutcome(ordinal: 2, outcome: .created, targetID: "003C"),
                    RecordOutcome(ordinal: 4, outcome: .filtered, sourceID: "e"),
                ], of: contact, in: .load)
        }
        let (balance, rows, page) = try await area.manifest.read { view in
            (
                try view.reconciliation()[0], try view.outcomes(of: contact, ordinals: [0, 2, 3, 9]),
                try view.outcomes(of: contact, from: 2, limit: 2)
            )
        }
        #expect(balance.isClosed)
        #expect(balance.outcomes == [.created: 2, .updated: 1, .merged: 1, .filtered: 1])
        #expect(rows.map(\.targetID) == ["003A", "003C", "003B"])
        #expect(rows.map(\.sourceID) == ["a", "c", "Ω’\""])
        #expect(rows.map(\.code) == [nil, nil, nil])
        #expect(page.map(\.ordinal) == [2, 3])
        try await area.close()
    }

    @Test(arguments: [0, 1, 999, 1000, 50_000])
    func `any number of outcomes can be recorded at once`(count: Int) async throws {
        let run = try TestRun()
        let area = try await run.create()
        let outcomes = (0..<count).map {
            RecordOutcome(ordinal: $0, outcome: .created, sourceID: "\($0)", targetID: "003\($0)")
        }
        try await area.manifest.commit { try $0.recordOutcomes(outcomes, of: contact, in: .load) }
        #expect(
            try await area.manifest.read { try $0.counters(of: contact)[.load]?[.created] }
                == (count == 0 ? nil : count))
        let found = try await area.manifest.read { try $0.outcomes(of: contact, ordinals: Array(0..<count)) }
        #expect(found == outcomes)
        try await area.close()
    }

    @Test(arguments: [[], [0], [19], [20, 45], Array(0..<70)])
    func `of many rows at once those that have an outcome get the new one`(known: [Int]) async throws {
        let run = try TestRun()
        let area = try await run.create()
        let before = known.map { RecordOutcome(ordinal: $0, outcome: .rejected, code: .tooLong, sourceID: "\($0)") }
        // Texts of any length, and none, one behind the other.
        let after = (0..<70).map { number in
            RecordOutcome(
                ordinal: number, outcome: number % 3 == 0 ? .created : .rejected,
                code: number % 3 == 0 ? nil : .tooLong,
                sourceID: number % 5 == 0 ? nil : String(repeating: "Ω", count: number),
                targetID: number % 3 == 0 ? "003\(number)" : nil, survivor: number % 7 == 0 ? number : nil)
        }
        try await area.manifest.commit { transaction in
            try transaction.recordOutcomes(before, of: contact, in: .transform)
            try transaction.recordOutcomes(after, of: contact, in: .load)
        }
        let (counters, rows) = try await area.manifest.read { view in
            (try view.counters(of: contact), try view.outcomes(of: contact, from: 0, limit: 100))
        }
        #expect(counters == [.load: [.created: 24, .rejected: 46]])
        let expected = after.map { outcome in
            var outcome = outcome
            // An id that is known stays known.
            if outcome.sourceID == nil, known.contains(outcome.ordinal) { outcome.sourceID = "\(outcome.ordinal)" }
            return outcome
        }
        #expect(rows == expected)
        try await area.close()
    }

    @Test func `a batch is open, noted, and settled once`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let batch = try await area.manifest.commit {
            try $0.openBatch(of: contact, chunkSequence: 4, lines: 10...19, route: "bulk2")
        }
        try await area.manifest.commit { try $0.noteBatch(batch.id, "7500x") }
        let open = try await area.manifest.read { try $0.batches(of: contact, chunkSequence: 4) }
        #expect(open.map(\.lines) == [10...19])
        #expect(open.map(\.note) == ["7500x"])
        try await area.manifest.commit { try $0.settleBatch(batch.id) }
        #expect(await code { try await area.manifest.commit { try $0.settleBatch(batch.id) } } == .internalError)
        #expect(try await area.manifest.read { try $0.batches(of: contact) }.isEmpty)
        try await area.manifest.commit { try $0.removeSettledBatches(of: contact, chunkSequence: 4) }
        #expect(try await area.manifest.read { try $0.batches(of: contact, states: [.settled]) }.isEmpty)
        try await area.close()
    }

    @Test func `rejects are found by code and counted by reason`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        try await area.manifest.commit { transaction in
            try transaction.recordRejects(
                (0..<10).map { ordinal in
                    Reject(
                        ordinal: ordinal, stage: .load, sourceID: "\(ordinal)",
                        code: ordinal < 7 ? .notInPicklist : .tooLong, vendorCode: "X", fields: ["LeadSource", "Name"],
                        chunkSequence: 1, line: ordinal)
                }, of: contact)
        }
        let (page, counts) = try await area.manifest.read { view in
            (try view.rejects(of: contact, code: "MZ-LEN-01", from: 8, limit: 10), try view.rejectCounts())
        }
        #expect(page.map(\.ordinal) == [8, 9])
        #expect(page.first?.fields == ["LeadSource", "Name"])
        #expect(counts.map(\.count) == [7, 3])
        #expect(counts.map(\.code) == ["MZ-PICK-01", "MZ-LEN-01"])
        try await area.manifest.commit { try $0.removeRejects(of: contact, ordinals: Array(0..<7)) }
        #expect(try await area.manifest.read { try $0.rejectCounts() }.map(\.count) == [3])
        try await area.close()
    }

    @Test func `stages, notes, quotas, events and the audit trail are kept`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        try await area.manifest.commit { transaction in
            try transaction.set(.extract, of: contact, to: .running)
            try transaction.set(.extract, of: contact, to: .done)
            try transaction.setSourceTotal(12, of: contact)
            try transaction.setNote("prepared", "{}")
            try transaction.setQuota(
                QuotaUse(service: "hubspot", budget: "daily", used: 7, allowed: 100, resetsAt: run.clock.now))
            try transaction.addEvent("source.drifted", stream: contact, code: .cursorLoop, detail: "page 3")
            try transaction.audit(actor: "ana", action: "pause", detail: "")
            try transaction.setActivity(.paused, code: .quotaExhausted, message: "daily", resumesAt: run.clock.now)
        }
        try await area.close()
        let inspection = try RunInspection(run.folder)
        let (stream, note, quotas, events, audit, status) = try await inspection.manifest.read { view in
            (
                try view.stream(contact), try view.note("prepared"), try view.quotas(), try view.events(limit: 10),
                try view.auditEntries(), try view.run()
            )
        }
        #expect(stream?.state(of: .extract) == .done)
        #expect(stream?.state(of: .load) == .pending)
        #expect(stream?.sourceTotal == 12)
        #expect(note == "{}")
        #expect(quotas.map(\.used) == [7])
        #expect(events.map(\.name) == ["source.drifted"] && events.first?.stream == contact)
        #expect(audit.map(\.action) == ["pause"])
        #expect(status.activity == .paused && status.activityCode == "MZ-QUOTA-01")
        #expect(status.resumesAt == run.clock.now)
        try inspection.manifest.close()
    }

    @Test(arguments: ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
    func `an audit entry can be neither changed nor deleted`(statement: String) async throws {
        let run = try TestRun()
        let area = try await run.create()
        try await area.manifest.commit { try $0.audit(actor: "ana", action: "confirm", detail: "") }
        try await area.close()
        let database = try DatabaseQueue(path: run.folder.manifest)
        #expect(throws: DatabaseError.self) { try database.write { try $0.execute(sql: statement) } }
    }
}
