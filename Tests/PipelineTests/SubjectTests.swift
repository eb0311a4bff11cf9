// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Testing

/// Requests of one person about what is staged of her: people with companies from NDJSON to NDJSON.
@Suite struct SubjectTests {
    private struct World: Sendable {
        let folder: String
        let workplace: Workplace

        static let pipeline = """
            migratez: 1
            name: people
            source:
              connector: ndjson
              objects: { person: { file: people.ndjson, id: id }, note: { file: notes.ndjson, id: id } }
            target: { connector: ndjson, dir: ./out }
            values: { stage: { map: { a: Alpha }, otherwise: quarantine } }
            retention: { spent_chunks: keep }
            objects:
              person:
                to: people
                dedupe: { within: [ { keys: [email] } ] }
                fields: { Name: name, Email: email, Stage: { from: stage, values: stage, required: true } }
              note: { to: notes, fields: { Text: text } }
            """

        static let people = """
            {"id":"1","name":"Ada Lovelace","email":"Ada@Example.com","phone":"+1 (415) 555-0123","stage":"a"}
            {"id":"2","name":"Grace Hopper","email":"grace@example.com","phone":"4155550199","stage":"a"}
            {"id":"3","name":"Countess L.","email":"ada@example.com","phone":null,"stage":"a"}
            {"id":"4","name":"Ada's \\u0022other\\u0022 row","email":"ada@example.org","phone":"1-415-555-0123","stage":"z"}

            """
        static let notes = """
            {"id":"9","text":"Please write to <ada@example.com>.\\nThanks"}
            {"id":"10","text":"ada@example.com.au is somebody else, as is xada@example.com"}

            """

        func begin() async throws -> (Run, RunSetup) {
            let connection = try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            return (try await Run.begin(connection, in: workplace) { _ in }, setup)
        }

        func goOn(_ stages: Set<Stage>) async throws {
            let connection = try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            let run = try await Run.reopen(try entry, connection, in: workplace) { _ in }
            try await RunExecution(run, setup, progress: SilentProgress()).execute(stages)
            try await run.close()
        }

        var entry: RunRegistry.Entry { get throws { try RunRegistry(workplace).find(nil) } }

        /// Every byte of every staged chunk, and of the files that arrived.
        func staged() async throws -> String {
            let inspection = try await workplace.inspectWithKey(nil)
            var all: [UInt8] = []
            for chunk in try await inspection.manifest.read({ try $0.chunks() })
            where [.sealed, .spent].contains(chunk.state) {
                var reader = try inspection.openChunkReader(chunk, verifyDigest: true)
                var block: [UInt8] = []
                while try reader.next(into: &block) { all += block }
            }
            return String(decoding: all, as: UTF8.self)
        }

        func arrived() throws -> String {
            try ["people", "notes"].map { try String(contentsOfFile: "\(folder)/out/\($0).ndjson", encoding: .utf8) }
                .joined()
        }

        func balances() async throws -> [Reconciliation] {
            try await RunInspection(try entry.folder(in: workplace)).manifest.read { try $0.reconciliation() }
        }
    }

    /// A run that was taken through `stages`.
    private func withRun(_ stages: Set<Stage>, _ body: (World) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            for (name, text) in [
                ("pipeline.yaml", World.pipeline), ("people.ndjson", World.people), ("notes.ndjson", World.notes),
            ] { try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8) }
            let workplace = try Workplace(
                environment: [:], clock: HurriedClock(), http: try CurlClient(TransportConfiguration()),
                stateFolder: "\(folder)/state")
            let world = World(folder: folder, workplace: workplace)
            let (run, setup) = try await world.begin()
            try await RunExecution(run, setup, progress: SilentProgress()).execute(stages)
            try await run.close()
            try await body(world)
        }
    }

    private static let ada = SubjectQuery(emails: ["ada@example.com"], phones: ["415 555 0123"])

    @Test func `a person is found by address and number, in any case, in texts and behind escapes`() async throws {
        try await withRun([.extract]) { world in
            func ordinals(_ query: SubjectQuery) async throws -> [String] {
                try await world.workplace.findSubject(query, in: try world.entry).records
                    .map { "\($0.stream) \($0.ordinal)" }
            }
            let byAddress = SubjectQuery(emails: ["ADA@example.COM"], phones: [])
            #expect(try await ordinals(byAddress) == ["person 0", "person 2", "note 0"])
            #expect(
                try await ordinals(SubjectQuery(emails: [], phones: ["(415) 555-0123"])) == ["person 0", "person 3"])
            #expect(try await ordinals(Self.ada) == ["person 0", "person 2", "person 3", "note 0"])
            #expect(try await ordinals(SubjectQuery(emails: ["nobody@example.com"], phones: [])) == [])
            let error = await #expect(throws: MigratezError.self) {
                try await ordinals(SubjectQuery(emails: ["ada"], phones: []))
            }
            #expect(error?.code == .invalidSetting && error?.message.contains("ada") == false)
            let entries = try world.workplace.auditLog.entries().filter { $0.action == .subjectFind }
            #expect(entries.count == 4 && entries.allSatisfy { $0.object?.count == 32 })
        }
    }

    @Test(arguments: [[.extract], [.extract, .transform]] as [Set<Stage>])
    func `what is erased before the load is in no chunk, does not arrive, and the balance closes`(
        stages: Set<Stage>
    ) async throws {
        try await withRun(stages) { world in
            #expect(try await world.staged().contains("Ada"))
            let receipt = try await world.workplace.holdSubject(
                Self.ada, in: try world.entry, as: .erased, by: "grace")
            #expect(receipt.held.count == 4 && receipt.loaded.isEmpty && !receipt.chunks.isEmpty)
            let staged = try await world.staged()
            for canary in ["Ada", "ada@example.com>", "Countess", "5550123", "555-0123", "Please write"] {
                #expect(!staged.contains(canary), "\(canary)")
            }
            #expect(staged.contains("Grace") && staged.contains("somebody else"))
            let again = try await world.workplace.holdSubject(Self.ada, in: try world.entry, as: .erased, by: "grace")
            #expect(again.held.isEmpty, "nothing is left that names the person")

            try await world.goOn(stages.contains(.transform) ? [.load] : [.transform, .load])
            let arrived = try world.arrived()
            #expect(arrived.contains("Grace") && !arrived.contains("Ada") && !arrived.contains("Countess"))
            for balance in try await world.balances() {
                #expect(balance.isClosed)
                #expect(balance[.created] == 1)
            }
            let folder = try world.entry.folder(in: world.workplace)
            let manifest = try RunInspection(folder).manifest
            let person = StreamName("person").unsafelyUnwrapped
            let outcomes = try await manifest.read { try $0.outcomes(of: person, from: 0, limit: 10) }
            #expect(outcomes.filter { $0.code == ErrorCode.erasedOnRequest.description }.count >= 2)
            #expect(try await manifest.read { try $0.holdCounts() }.map(\.count).reduce(0, +) == 4)
        }
    }

    @Test(arguments: [[.extract], [.extract, .transform]] as [Set<Stage>])
    func `what is restricted stays staged, does not arrive, and is counted`(stages: Set<Stage>) async throws {
        try await withRun(stages) { world in
            let receipt = try await world.workplace.holdSubject(
                Self.ada, in: try world.entry, as: .restricted, by: "grace")
            #expect(receipt.held.count == 4 && receipt.chunks.isEmpty)
            try await world.goOn(stages.contains(.transform) ? [.load] : [.transform, .load])
            #expect(try !world.arrived().contains("Ada") && !world.arrived().contains("Countess"))
            #expect(try await world.staged().contains("Ada Lovelace"))
            #expect(try await world.balances().allSatisfy { $0.isClosed && $0[.created] == 1 })
            let rejects = try await RunInspection(try world.entry.folder(in: world.workplace)).manifest
                .read { try $0.rejectCounts() }
            #expect(rejects.isEmpty, "what is held back is not offered to be tried again")
        }
    }

    @Test func `what was loaded already is told with its ids in the destination, and stays`() async throws {
        try await withRun([.extract, .transform, .load]) { world in
            let before = try world.arrived()
            let receipt = try await world.workplace.holdSubject(
                Self.ada, in: try world.entry, as: .erased, by: "grace")
            // The fourth was rejected, so it is the only one that can be erased.
            #expect(receipt.held.map(\.ordinal) == [3])
            #expect(receipt.loaded.count == 3)
            #expect(receipt.loaded.contains { $0.outcome?.targetID != nil })
            #expect(try await !world.staged().contains("other"))
            #expect(try world.arrived() == before)
            #expect(try await world.balances().allSatisfy(\.isClosed))
        }
    }

    @Test func `what is staged of a person is exported in both forms, for this user only`() async throws {
        try await withRun([.extract, .transform]) { world in
            let folder = "\(world.folder)/answer"
            let (finding, lines) = try await world.workplace.exportSubject(Self.ada, in: try world.entry, to: folder)
            #expect(finding.records.count == 4 && lines >= 6)
            let json = try Data(contentsOf: URL(filePath: "\(folder)/subject.json"))
            let list = try JSONValue(parsing: Array(json)).elements
            #expect(list.count == lines)
            let raw = try #require(list.first { $0["object"]?.text == "person" })
            #expect(raw["staged_as"]?.text == "raw")
            #expect(raw["record"]?["name"]?.text == "Ada Lovelace")
            #expect(!list.contains { $0["record"]?["name"]?.text == "Grace Hopper" })
            let rows = try FileWorld.rows(Array(Data(contentsOf: URL(filePath: "\(folder)/subject.csv"))))
            #expect(rows.contains(["person", "raw", "0", "email", "Ada@Example.com"]))
            #expect(rows.contains(["note", "raw", "0", "text", "Please write to <ada@example.com>.\nThanks"]))
            let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/subject.csv")[.posixPermissions]
            #expect(mode as? Int == 0o600)
            let error = await #expect(throws: MigratezError.self) {
                try await world.workplace.exportSubject(Self.ada, in: try world.entry, to: folder)
            }
            #expect(error?.code == .invalidSetting)
        }
    }

    @Test func `what is corrected before the mapping or after it arrives as it was put right`() async throws {
        for (stages, field) in [([.extract], "name"), ([.extract, .transform], "Name")] as [(Set<Stage>, String)] {
            try await withRun(stages) { world in
                func correct(_ values: String) async throws -> SubjectCorrection.Receipt {
                    try await world.workplace.correctSubject(
                        SubjectQuery(emails: ["grace@example.com"], phones: []), in: try world.entry,
                        try .init(parsing: Array(values.utf8)), by: "ada")
                }
                for wrong in [#"{"person":{"none":"x"}}"#, #"{"deal":{"name":"x"}}"#, "[]", #"{"person":{}}"#] {
                    let error = await #expect(throws: MigratezError.self) { try await correct(wrong) }
                    #expect(error?.code == .invalidSetting, "\(wrong)")
                }
                let receipt = try await correct(#"{"person":{"\#(field)":"Grace \"Amazing\" Hopper"}}"#)
                #expect(receipt.corrected.map(\.ordinal) == [1] && receipt.left.isEmpty && receipt.chunks.count == 1)
                try await world.goOn(stages.contains(.transform) ? [.load] : [.transform, .load])
                #expect(try world.arrived().contains(#"Grace \"Amazing\" Hopper"#))
                #expect(try world.arrived().contains("Ada Lovelace"))
                let late = try await correct(#"{"person":{"Name":"x"}}"#)
                #expect(late.corrected.isEmpty && late.left.map(\.ordinal) == [1])
            }
        }
    }

    @Test func `a request that could miss records is refused, with the way out`() async throws {
        try await withRun([.extract]) { world in
            let folder = try world.entry.folder(in: world.workplace)
            try await RunControl.withManifest(of: folder) { manifest in
                let person = StreamName("person").unsafelyUnwrapped
                try await manifest.commit { try $0.set(.extract, of: person, to: .running) }
            }
            let error = await #expect(throws: MigratezError.self) {
                try await world.workplace.holdSubject(Self.ada, in: try world.entry, as: .erased, by: "grace")
            }
            #expect(error?.code == .wrongRunState && error?.hint?.contains("migratez extract") == true)
            #expect(
                try await world.workplace.findSubject(Self.ada, in: try world.entry).unread.map(\.text) == ["person"])
        }
    }
}
