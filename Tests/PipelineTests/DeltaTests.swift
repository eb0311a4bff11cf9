// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
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

    @Test func `bring files up to date as they do an organisation`() async throws {
        try await withTemporaryFolder { folder in
            let variables = ["EXPORT_DIR": "\(folder)/export"]
            let edit: (String) -> String = { Self.following($0.replacing("tests:", with: "verify: {}\ntests:")) }
            try await MainJobWorld.with(
                records: 300, pipeline: "hubspot-to-ndjson", variables: variables, edit: edit
            ) { world in
                try await world.move().close()
                try await Self.work(in: world, round: 0)
                try await world.goOn().close()
                var workplace = world.workplace
                workplace.environment["EXPORT_DIR"] = "\(folder)/whole"
                workplace.stateFolder = "\(folder)/state"
                try await world.wholeRun(in: workplace)
            }
            for object in ["companies", "contacts", "deals", "notes"] {
                let (delta, whole) = (
                    try Self.records("\(folder)/export/\(object).ndjson"),
                    try Self.records("\(folder)/whole/\(object).ndjson")
                )
                #expect(!whole.isEmpty)
                #expect(
                    delta == whole,
                    "\(object): \(Set(delta).subtracting(whole).prefix(3)) and \(Set(whole).subtracting(delta).prefix(3))"
                )
            }
        }
    }

    /// The records of a file without what depends on the order in which they came: our own keys, which stay with a record
    /// that takes over another one's place.
    private static func records(_ path: String) throws -> [String] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
            let members = try JSONValue(parsing: Array(line.utf8)).members
                .filter { !$0.value.isNull && !["migratez_id", "company"].contains($0.key) }
            return members.map { "\($0.key)=\($0.value.text ?? "")" }.sorted().joined(separator: "|")
        }.sorted()
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

    // MARK: What is gone

    @Test func `only list what is gone unless the pipeline wants it deleted`() async throws {
        try await MainJobWorld.with(records: 200) { world in
            try await world.move().close()
            let before = try world.org.count(of: "Contact")
            let editor = SourceEditor(world)
            let contacts = editor.ids(.contact, 8)
            for id in contacts[0..<3] { try await editor.archive("contacts", id) }
            let run = try await world.goOn()
            #expect(try world.org.count(of: "Contact") == before)
            let counts = try await run.staging.manifest.read { try $0.removalCounts() }
            let contact = counts.filter { $0.stream.text == "contact" }
            #expect(contact.allSatisfy { $0.fate == .deleted && $0.outcome == .kept })
            #expect(contact.reduce(0) { $0 + $1.count } > 0)
            let verified = try await Verification(run, progress: SilentProgress()).verify()
            for result in verified { #expect(result.isGood, "\(result.stream)") }
            try await run.close()
        }
    }

    @Test func `delete nothing if too much is gone`() async throws {
        try await MainJobWorld.with(records: 200) { world in
            try world.edit("verify:", "delta: { on_delete: delete }\nverify:")
            try await world.move().close()
            let before = try OrgPicture(world.org)
            let editor = SourceEditor(world)
            for id in editor.ids(.note, 20) { try await editor.archive("notes", id) }
            let failure = await #expect(throws: MigratezError.self) { try await world.goOn() }
            #expect(failure?.code == .gateBreached && failure?.message.contains("'note'") == true)
            #expect(try OrgPicture(world.org) == before)
        }
    }

    @Test func `keep records that somebody changed or others need`() async throws {
        try await MainJobWorld.with(records: 300, edit: Self.following) { world in
            try world.edit("on_delete: delete,", "on_delete: delete, on_conflict: target,")
            let (editor, org) = (SourceEditor(world), try await OrgEditor(world))
            let company = try await editor.create("companies", ["name": "Lonely", "domain": "lonely.test"])
            try await world.move().close()
            let picture = try OrgPicture(world.org)
            let contact = try #require(picture.ids["Contact"]?.min { $0.key < $1.key })
            let account = try #require(picture.ids["Account"]?.first { $0.key == "hubspot-company-\(company)" })
            try await org.change("Contact", contact.value, #"{"LastName":"Changed there"}"#)
            _ = try await org.create("Contact", #"{"LastName":"Newcomer","AccountId":"\#(account.value)"}"#)
            try await editor.archive("contacts", String(contact.key.dropFirst("hubspot-contact-".count)))
            try await editor.archive("companies", company)
            let run = try await world.goOn()
            let removals = try await run.staging.manifest.read { view in
                try ["contact", "company"].map { name in
                    try view.removals(of: #require(StreamName(name)), after: nil, limit: 100)
                }
            }
            #expect(removals[0].first { $0.targetID == contact.value }?.outcome == .edited)
            #expect(removals[1].first { $0.targetID == account.value }?.outcome == .needed)
            let left = try OrgPicture(world.org)
            #expect(left.ids["Contact"]?[contact.key] != nil && left.ids["Account"]?[account.key] != nil)
            try await run.close()
        }
    }

    // MARK: Before and after

    @Test func `are taken back, and the next one goes on from the run before`() async throws {
        try await MainJobWorld.with(records: 300) { world in
            try await world.move().close()
            let first = try OrgPicture(world.org)
            let editor = SourceEditor(world)
            for id in editor.ids(.contact, 6) {
                try await editor.change("contacts", id, ["jobtitle": "Chair", "city": ""])
            }
            let newcomer = try await editor.create("contacts", ["lastname": "Newcomer", "email": "new@acme.test"])
            let run = try await world.goOn()
            let second = try OrgPicture(world.org)
            #expect(second != first)
            let balances = try await RunUndo(run).execute(isDryRun: false)
            #expect(balances.allSatisfy { $0.isClosed && $0[.deleted] == $0.created && $0[.restored] == $0.updated })
            let undone = try OrgPicture(world.org)
            #expect(undone == first, "\(undone.differences(from: first).joined(separator: "\n"))")
            try await run.close()
            let again = try await world.goOn()
            let third = try OrgPicture(world.org)
            #expect(third == second, "\(third.differences(from: second).joined(separator: "\n"))")
            #expect(third.ids["Contact"]?["hubspot-contact-\(newcomer)"] != nil)
            try await again.close()
        }
    }

    @Test func `need an earlier run, or what was kept of it`() async throws {
        try await MainJobWorld.with(records: 100) { world in
            let none = await #expect(throws: MigratezError.self) { try await world.goOn() }
            #expect(none?.code == .wrongRunState && none?.hint?.contains("migratez run") == true)
            let first = try await world.end(world.move()).verify()
            #expect(!first.notCovered.contains { $0.contains("baseline") }, "nothing was kept")
            let shredded = await #expect(throws: MigratezError.self) { try await world.goOn() }
            #expect(shredded?.hint?.contains("keep: [report, baseline]") == true)
            try world.edit("keep: [report, id_map]", "keep: [report, baseline]")
            let whole = try await world.move()
            let certificate = try await world.end(whole).verify()
            #expect(certificate.notCovered.contains { $0.contains("baseline") })
            let editor = SourceEditor(world)
            let contact = editor.ids(.contact, 1)[0]
            try await editor.change("contacts", contact, ["jobtitle": "Chair"])
            world.salesforce.journal.reset()
            let run = try await world.goOn()
            let balance = try await run.staging.manifest.read { view in
                try view.reconciliation().first { $0.stream.name.text == "contact" }
            }
            #expect(balance?[.updated] == 1 && balance?[.created] == 0)
            #expect(world.salesforce.journal.counts.writes == 1)
            try await world.end(run)
            // Of each pipeline the last one stays.
            let files = try FileManager.default.contentsOfDirectory(atPath: world.staging)
            #expect(files.filter { $0.hasSuffix("-baseline.sqlite") } == ["\(run.id)-baseline.sqlite"])
            let path = "\(world.staging)/\(run.id)-baseline.sqlite"
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            // It holds no value: neither as it is nor as a fingerprint that anybody without its key could make.
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
            for record in try OrgPicture(world.org).records["Contact"] ?? [] {
                for text in [record["Email"]?.text, record["LastName"]?.text].compactMap({ $0 }) where text.count > 4 {
                    #expect(!bytes.contains(Array(text.utf8)))
                }
            }
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
            "contacts",
            [
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
    /// Takes a loaded run to its certificate.
    @discardableResult
    func end(_ run: Run) async throws -> CertificateFiles {
        _ = try await Verification(run, progress: SilentProgress()).verify()
        try await run.staging.manifest.commit { try $0.confirm(by: "Ada", basis: "verified", isAbandoned: false) }
        try await run.close()
        let entry = try #require(RunRegistry(workplace).entries().first { $0.run == run.id.text })
        return try await RunEnding(workplace).shred(entry)
    }

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
                try await wholeRun(in: workplace)
                return try OrgPicture(other)
            }
        }
    }

    /// A whole run of the pipeline in another workplace.
    func wholeRun(in workplace: Workplace) async throws {
        let connection = try await PlanConnection.open(pipeline, in: workplace)
        let setup = try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
        let run = try await Run.begin(connection, in: workplace) { _ in }
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        try await run.close()
    }
}
