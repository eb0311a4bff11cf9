// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

private let down = MigratezError(.serverFailed, "down as told", remedy: .stop)
private let flaky = MigratezError(.timedOut, "no answer, as told", remedy: .retry(after: nil))
private let reports = StreamName("contact-to-contact").unsafelyUnwrapped

/// Contacts each of whom reports to the one before; the first leads nowhere, the last one is refused.
@Suite struct `Lookups that are written after the records` {
    private static let target = LoadTarget(
        stream: reports, object: "Contact", keyPrefix: "memory-contact-to-contact-", isLink: true, fieldOf: contact,
        parents: Scene.parents)

    private func create(_ run: StagedRun, contacts: Int, onMissing: String = "quarantine") async throws -> StagingArea {
        let area = try await Scene.create(run, contacts: contacts)
        let lines = (0..<contacts).map { number in
            Scene.line(
                ReadyLine(
                    ordinal: number, sourceID: "", fields: Array("{}".utf8),
                    references: [
                        .init(field: "", stream: contact, ordinal: number, onMissing: onMissing),
                        .init(
                            field: "ReportsToId", stream: contact, ordinal: number == 0 ? 9999 : number - 1,
                            onMissing: onMissing),
                    ]))
        }
        try await area.manifest.commit { try $0.declare(reports, .link) }
        try await area.stage(lines, of: reports, .raw)
        try await area.stage(lines, of: reports, .ready)
        try await area.manifest.commit { try $0.set(.transform, of: reports, to: .done) }
        return area
    }

    private func loadAll(_ destination: MemoryDestination, _ area: StagingArea) async throws {
        try await Scene.load(destination, area)
        try await Scene.load(destination, area, Self.target)
    }

    private func check(_ destination: MemoryDestination, contacts: Int) throws {
        for number in 1..<(contacts - 1) {
            let held = try #require(destination.record("memory-contact-\(number)", of: "Contact"))
            let parent = try #require(destination.record("memory-contact-\(number - 1)", of: "Contact"))
            #expect(held.references.filter { $0.field == "ReportsToId" }.map(\.targetID) == [parent.id])
            #expect(held.fields["Email"]?.text == "p\(number)@x.test", "the other fields stay")
            #expect(held.writes == 2, "once as a record, once with its link")
        }
    }

    @Test(arguments: ["quarantine", "empty", "skip"])
    func `have an outcome each, and ends that are not there are treated as the pipeline says`(
        policy: String
    ) async throws {
        try await withTemporaryFolder { path in
            let area = try await create(StagedRun(path), contacts: 25, onMissing: policy)
            let destination = MemoryDestination { $0.key == "memory-contact-24" ? Rejection(.ruleViolated) : nil }
            try await loadAll(destination, area)
            try check(destination, contacts: 25)
            try await Scene.expectBalance(area, [.created: 24, .rejected: 1])
            let lost: Outcome = policy == "quarantine" ? .rejected : .skipped
            try await Scene.expectBalance(area, of: reports, [.created: 23, lost: 2])
            for outcome in try await area.outcomes(of: reports) where outcome.outcome == lost {
                #expect([0, 24].contains(outcome.ordinal) && outcome.code == "MZ-REF-02")
            }
            #expect(try await Images.all(area, reports).isEmpty, "what this run made had no values before")
            try await area.close()
        }
    }

    @Test(arguments: [1, 4, 5, 6], [0, 4])
    func `are written once, whatever was cut off`(write: Int, arrived: Int) async throws {
        for error in [down, flaky] {
            try await withTemporaryFolder { path in
                let run = StagedRun(path)
                var area = try await create(run, contacts: 25)
                let destination = MemoryDestination(faults: [write: .lost(after: arrived, error)]) {
                    $0.key == "memory-contact-24" ? Rejection(.ruleViolated) : nil
                }
                do { try await loadAll(destination, area) } catch {
                    destination.set([:])
                    try await area.close()
                    area = try await run.open()
                    try await loadAll(destination, area)
                }
                try check(destination, contacts: 25)
                try await Scene.expectBalance(area, of: reports, [.created: 23, .rejected: 2])
                try await area.close()
            }
        }
    }

    @Test func `keep what the field of an older record held`() async throws {
        try await withTemporaryFolder { path in
            let destination = MemoryDestination()
            let earlier = try await create(StagedRun("\(path)/earlier"), contacts: 12)
            try await loadAll(destination, earlier)
            try await earlier.close()
            let area = try await create(StagedRun(path), contacts: 20)
            try await loadAll(destination, area)
            // Contacts 0 to 11 are older; the first of them had no link, and has none.
            try await Scene.expectBalance(area, of: reports, [.created: 8, .updated: 11, .rejected: 1])
            let images = try await Images.all(area, reports)
            #expect(images.map(\.place.ordinal).sorted() == Array(1...11))
            for (place, fields) in images {
                let parent = destination.record("memory-contact-\(place.ordinal - 1)", of: "Contact")?.id ?? ""
                #expect(fields == #"{"ReportsToId":"\#(parent)"}"#)
            }
            try await area.close()
        }
    }

    @Test func `leave a field alone that an existing record has filled, where only blanks are set`() async throws {
        try await withTemporaryFolder { path in
            let destination = MemoryDestination(existing: [
                ("Contact", #"{"Email":"p3@x.test","ReportsToId":"somebody"}"#),
                ("Contact", #"{"Email":"p4@x.test","ReportsToId":null}"#),
            ])
            let area = try await create(StagedRun(path), contacts: 6)
            var target = Scene.contacts
            target.matches = [.init(keys: ["Email"], action: .fillBlanks)]
            try await Scene.load(destination, area, target)
            try await Scene.load(destination, area, Self.target)
            try await Scene.expectBalance(area, of: reports, [.created: 4, .skipped: 1, .rejected: 1])
            #expect(destination.held.first { $0.id == "old-0" }?.fields["ReportsToId"]?.text == "somebody")
            #expect(destination.held.first { $0.id == "old-1" }?.references.count == 1)
            try await area.close()
        }
    }
}
