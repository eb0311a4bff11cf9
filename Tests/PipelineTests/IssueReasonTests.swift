// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

/// Why single records were rejected, and what is counted of those that come back.
@Suite(.serialized) struct `Rejected records` {
    @Test(arguments: [
        (
            "Lead Source: bad value for restricted picklist field: Webinar EU",
            "Lead Source: bad value for restricted picklist field: …"
        ),
        (
            "data value too large: A very long remark about (max length=20)",
            "data value too large: … (max length=20)"
        ),
        ("'ada@x.test' is not an 'email'", "'…' is not an 'email'"),
        ("no such person: somebody@else.test", "no such person: …"),
        ("duplicate of 0035g00000AbCdE, call +1 415 555 0123", "duplicate of 0035g00000AbCdE, call +…"),
        ("the field Webinars is required", "the field Webinars is required"),
    ])
    func `are told of without their values`(_ text: String, _ expected: String) {
        let record =
            #"{"n":4,"fields":{"email":"ada@x.test","source":"Webinar EU","w":"Webinar","#
            + #""remark":"A very long remark about something that was cut off"}}"#
        #expect(VendorText.redacted(text, of: Array(record.utf8)) == expected)
    }

    @Test func `say the reason that was stored with them, and the way out`() async throws {
        let lines = (0..<3).map { #"{"id":"\#($0)","name":"p\#($0)","stage":"zz"}"# }
        try await FileWorld.with(lines) { world in
            let entry = try RunRegistry(world.workplace).find(nil)
            let inspection = try await world.workplace.inspectWithKey(nil)
            let stream = try #require(StreamName("person"))
            let entries = try await IssueReasons(inspection, plan: entry.plan).entries(
                of: stream, code: "MZ-PICK-02", limit: 2, showsValues: false)
            #expect(entries.map(\.reject.sourceID) == ["0", "1"])
            #expect(entries.allSatisfy { $0.reason.hasPrefix("a value is not in the pipeline's value map") })
            #expect(entries.allSatisfy { $0.remedy.contains("add it to values.stage") && $0.vendorText == nil })
            #expect(entries.allSatisfy { $0.reject.fields == ["Stage"] })
        }
    }

    @Test func `count in the fill rates once a person has corrected them`() async throws {
        let lines = [
            #"{"id":"0","name":"p0","note":"n","stage":"a"}"#, #"{"id":"1","name":"p1","note":"n","stage":"zz"}"#,
            #"{"id":"2","name":"p2","note":"n","stage":"zz"}"#, #"{"id":"3","name":"p3","stage":"zz"}"#,
        ]
        try await FileWorld.with(lines) { world in
            _ = try await world.export()
            // Row 0 is p1: its note goes. Row 2 is p3: it gets one. p2 stays rejected.
            try world.edit([
                (0, "person.Stage", "Alpha"), (0, "person.Note", ""), (2, "person.Stage", "Alpha"),
                (2, "person.Note", "new"),
            ])
            #expect(try await world.importSheet().edited == 2)
            let counts = try await fieldCounts(world)
            #expect(counts["", FieldCount.mapped] == 3)
            #expect(counts["Name", "filled"] == 3 && counts["Name", "source_filled"] == 3)
            #expect(counts["Stage", "filled"] == 3 && counts["Stage", "source_filled"] == 3)
            #expect(counts["Note", "filled"] == 2, "p0's own, and what p3 was given")
            #expect(counts["Note", "source_filled"] == 2, "p0 and p1")
        }
    }

    /// The counts of people in the newest run.
    private func fieldCounts(_ world: FileWorld) async throws -> Counts {
        let entry = try RunRegistry(world.workplace).find(nil)
        let inspection = try RunInspection(try entry.folder(in: world.workplace))
        let stream = try #require(StreamName("person"))
        return Counts(rows: try await inspection.manifest.read { try $0.fieldCounts(of: stream) })
    }

    private struct Counts {
        var rows: [FieldCount]
        subscript(field: String, measure: String) -> Int {
            rows.first { $0.field == field && $0.measure == measure }?.count ?? 0
        }
    }

    @Test func `of a cancelled run stay as they are, and it is said why`() async throws {
        try await FileWorld.with([#"{"id":"1","name":"p1","stage":"zz"}"#]) { world in
            _ = try await world.export()
            try world.edit([(0, "person.Stage", "Alpha")])
            let entry = try RunRegistry(world.workplace).find(nil)
            try await RunControl.withManifest(of: try entry.folder(in: world.workplace)) { manifest in
                try await manifest.commit { try $0.setActivity(.cancelled) }
            }
            let error = await #expect(throws: MigratezError.self) { try await world.importSheet() }
            #expect(error?.code == .wrongRunState && error?.message.contains("was cancelled") == true)
            #expect(error?.hint?.contains("confirm") == true)
        }
    }

    @Test func `an estimate in the report is that of the screen`() async throws {
        #expect(TimeToGo.seconds(10...30).estimate == .seconds(20))
        #expect(TimeToGo.done.estimate == .zero)
        #expect([TimeToGo.unknown, .waiting, .atLeast(5)].allSatisfy { $0.estimate == nil })
        try await FileWorld.with([#"{"id":"1","name":"p1","stage":"a"}"#]) { world in
            let (connection, setup) = try await world.connect()
            let run = try await Run.begin(connection, in: world.workplace) { _ in }
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract])
            // With one stage at work and done, nothing is left, though no record has its outcome.
            let last = try await run.staging.manifest.read { try $0.samples().last }
            #expect(last?.remaining == 0)
            try await run.close()
        }
    }
}
