// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

/// Runs that go on from earlier ones, between both simulated CRMs.
@Suite(.serialized) struct `Delta runs` {
    private static let follow = "delta: { on_delete: delete, deletions: \"<= 50%\" }\nverify:"

    @Test func `write nothing when nothing changed`() async throws {
        try await MainJobWorld.with(records: 300) { world in
            try await world.move().close()
            let first = try OrgPicture(world.org)
            world.salesforce.journal.reset()
            let run = try await world.goOn()
            let picture = try OrgPicture(world.org)
            #expect(picture == first, "\(picture.differences(from: first).joined(separator: "\n"))")
            #expect(world.salesforce.journal.counts.writes == 0, "\(world.salesforce.journal.counts.byRoute)")
            for balance in try await run.staging.manifest.read({ try $0.reconciliation() }) {
                #expect(balance.isClosed && balance[.created] == 0 && balance[.updated] == 0, "\(balance.stream.name)")
            }
            #expect(try await run.staging.manifest.read { try $0.removalCounts() }.isEmpty)
            try await run.close()
        }
    }

    /// The strongest thing that can be said of a delta run: it leaves the destination as a whole run leaves an empty one.
    @Test(arguments: [1, 2] as [UInt64])
    func `leave what a whole run into an empty organisation would`(seed: UInt64) async throws {
        try await MainJobWorld.with(records: 600, seed: seed, edit: Self.following) { world in
            try await world.move().close()
            for round in 0..<2 {
                try await Self.work(in: world, round: round)
                let run = try await world.goOn()
                for balance in try await run.staging.manifest.read({ try $0.reconciliation() }) {
                    #expect(balance.isClosed, "\(balance.stream.name)")
                }
                let verified = try await Verification(run, scope: .all, progress: SilentProgress()).verify()
                for result in verified { #expect(result.isGood, "\(result)") }
                try await run.close()
                let expected = try await world.wholeRunElsewhere()
                let picture = try OrgPicture(world.org)
                #expect(picture == expected, "\(picture.differences(from: expected).joined(separator: "\n"))")
            }
        }
    }

    /// The same day's work, followed by runs that are cut off at every so many of their changes.
    @Test(arguments: [true, false])
    func `go on after they were cut off anywhere`(arrives: Bool) async throws {
        try await MainJobWorld.with(records: 200, edit: Self.following) { world in
            try world.edit("order: by_parent }", "order: by_parent, batch: { records: 4 } }")
            try await world.move().close()
            try await Self.work(in: world, round: 0)
            var cuts = 0
            while true {
                var workplace = world.workplace
                workplace.http = CutLine(world.workplace.http, changes: arrives ? 1 : 2, arrives: arrives)
                let connection = try await PlanConnection.open(world.pipeline, in: workplace)
                let setup = try await RunSetup.discover(
                    connection.plan, source: connection.source, destination: connection.destination)
                let run =
                    cuts == 0
                    ? try await Run.begin(connection, goesOn: true, in: workplace) { _ in }
                    : try await Run.reopen(RunRegistry(workplace).find(nil), connection, in: workplace) { _ in }
                do {
                    try await RunExecution(run, setup, progress: SilentProgress())
                        .execute([.extract, .transform, .load])
                    try await run.close()
                    break
                } catch let error as MigratezError {
                    #expect(error.code == .unreachable, "\(error)")
                    try await run.close()
                    cuts += 1
                }
                try #require(cuts < 200)
            }
            #expect(cuts > 5)
            let expected = try await world.wholeRunElsewhere()
            let picture = try OrgPicture(world.org)
            #expect(picture == expected, "\(picture.differences(from: expected).joined(separator: "\n"))")
        }
    }

    // MARK: Conflicts

    @Test(arguments: ["source", "target", "newest", "quarantine"], [true, false])
    func `let the rule decide where both sides changed a field`(rule: String, sourceIsLast: Bool) async throws {
        try await MainJobWorld.with(records: 200) { world in
            try world.edit("max: 128, truncate: true }", "max: 128, truncate: true, on_conflict: \(rule) }")
            try await world.move().close()
            let (editor, org) = (SourceEditor(world), try await OrgEditor(world))
            let contacts = try OrgPicture(world.org).ids["Contact"] ?? [:]
            let (key, id) = try #require(contacts.min { $0.key < $1.key })
            let source = String(key.dropFirst("hubspot-contact-".count))
            let there: JSONValue = ["Title": "Changed there", "Department": "Sales", "MailingCity": "Bergen"]
            let here: JSONValue = ["jobtitle": "Changed here"]
            if sourceIsLast {
                try await org.change("Contact", id, String(decoding: there.serialized(), as: UTF8.self))
                try await Task.sleep(for: .milliseconds(1100))
                try await editor.change("contacts", source, here)
            } else {
                try await editor.change("contacts", source, here)
                try await Task.sleep(for: .milliseconds(1100))
                try await org.change("Contact", id, String(decoding: there.serialized(), as: UTF8.self))
            }
            let run = try await world.goOn()
            let record = try #require(
                try OrgPicture(world.org).records["Contact"]?.first { $0["Id"]?.text == id })
            let isSource = rule == "source" || (rule == "newest" && sourceIsLast)
            #expect(record["Title"]?.text == (isSource ? "Changed here" : "Changed there"))
            // The source did not change the city, and knows nothing of the department.
            #expect(record["MailingCity"]?.text == "Bergen" && record["Department"]?.text == "Sales")
            let (counts, balance) = try await run.staging.manifest.read { view in
                (try view.conflictCounts(), try view.reconciliation().first { $0.stream.name.text == "contact" })
            }
            let decision: FieldConflict.Decision = rule == "quarantine" ? .quarantine : isSource ? .source : .target
            #expect(counts.map(\.field) == ["Title"] && counts.map(\.decision) == [decision])
            #expect(balance?[.updated] == (isSource ? 1 : 0))
            try await run.close()
            // Another run finds the same unless it was settled.
            let again = try await world.goOn()
            let later = try await again.staging.manifest.read { try $0.conflictCounts() }
            #expect(later.isEmpty == (rule != "quarantine"))
            try await again.close()
        }
    }

    @Test func `keep what the destination had where only blanks were filled`() async throws {
        try await MainJobWorld.with(records: 200) { world in
            let editor = SourceEditor(world)
            let source = try await editor.create(
                "contacts",
                ["lastname": "Lovelace", "email": "ada.lovelace@acme.test", "jobtitle": "Analyst", "city": "London"])
            let org = try await OrgEditor(world)
            let id = try await org.create(
                "Contact", #"{"LastName":"Byron","Email":"ada.lovelace@acme.test","MailingCity":"Oslo"}"#)
            try await world.move().close()
            try await editor.change("contacts", source, ["city": "Paris", "jobtitle": "Countess", "lastname": "King"])
            try await world.goOn().close()
            let record = try #require(
                try OrgPicture(world.org).records["Contact"]?.first { $0["Id"]?.text == id })
            #expect(record["MailingCity"]?.text == "Oslo" && record["LastName"]?.text == "Byron")
            #expect(record["Title"]?.text == "Countess", "a field that the run had filled follows the source")
        }
    }

    private static func following(_ text: String) -> String { text.replacing("verify:", with: follow) }

    /// A day's work in the source: changes, new records, deletions, merges, links made and taken away.
    private static func work(in world: MainJobWorld, round: Int) async throws {
        let editor = SourceEditor(world)
        let first = round * 40
        let contacts = editor.ids(.contact, 30, from: first)
        let companies = editor.ids(.company, 12, from: round * 12)
        let deals = editor.ids(.deal, 10, from: round * 10)
        let notes = editor.ids(.note, 6, from: round * 6)
        for id in contacts[0..<6] { try await editor.change("contacts", id, ["jobtitle": .string("Chair \(round)")]) }
        try await editor.change("contacts", contacts[6], ["phone": "", "city": "", "notes": "Line\nbreak"])
        try await editor.change("contacts", contacts[7], ["email": .string("new.address.\(round)@acme.test")])
        for id in contacts[8..<11] { try await editor.archive("contacts", id) }
        try await editor.merge("contacts", contacts[11], into: contacts[12])
        try await editor.merge("contacts", contacts[13], into: contacts[14])
        let newcomer = try await editor.create(
            "contacts", [
                "lastname": .string("Newcomer \(round)"), "email": .string("newcomer.\(round)@acme.test"),
            ])
        try await editor.link("contacts", newcomer, "companies", companies[0])
        for id in contacts[15..<20] {
            for company in try await editor.links("contacts", id, "companies").prefix(1) {
                try await editor.unlink("contacts", id, "companies", company)
            }
            try await editor.link("contacts", id, "companies", companies[1])
        }
        try await editor.change("companies", companies[2], ["name": .string("Renamed \(round)")])
        try await editor.merge("companies", companies[3], into: companies[4])
        try await editor.archive("companies", companies[5])
        try await editor.change("deals", deals[0], ["dealstage": "closedwon", "amount": "1234.50"])
        try await editor.archive("deals", deals[1])
        try await editor.link("deals", deals[2], "contacts", contacts[20])
        for contact in try await editor.links("deals", deals[3], "contacts") {
            try await editor.unlink("deals", deals[3], "contacts", contact)
        }
        try await editor.change("notes", notes[0], ["hs_note_body": .string("<p>Changed \(round)</p>")])
        try await editor.archive("notes", notes[1])
    }
}

extension MainJobWorld {
    /// Begins a run that goes on from the last one, and takes it through all stages.
    func goOn() async throws -> Run {
        let (connection, setup) = try await connect()
        let run = try await Run.begin(connection, goesOn: true, in: workplace) { _ in }
        do {
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        } catch {
            try await run.close()
            throw error
        }
        return run
    }

    /// What an organisation holds that was empty before the same pipeline brought all of the source there.
    func wholeRunElsewhere() async throws -> OrgPicture {
        var options = OrgOptions()
        options.users += crm.owners.map { .init(email: $0.email, name: "Owner", isActive: $0.isActive) }
        options.clientSecret = Self.secret
        let other = try SalesforceSimulator(options: options)
        let server = SimulatorServer.Configuration(clock: HurriedClock())
        return try await SimulatorServer.run(other, configuration: server) { server in
            try await withTemporaryFolder { state in
                var workplace = workplace
                workplace.environment["SALESFORCE_BASE_URL"] = server.baseURL
                workplace.stateFolder = state
                let connection = try await PlanConnection.open(pipeline, in: workplace)
                let setup = try await RunSetup.discover(
                    connection.plan, source: connection.source, destination: connection.destination)
                let run = try await Run.begin(connection, in: workplace) { _ in }
                try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
                try await run.close()
                return try OrgPicture(other)
            }
        }
    }
}
