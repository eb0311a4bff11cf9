// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import GRDB
import MigratezConnectorKit
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// Tables of a database that become custom objects of a HubSpot account, which lacks them.
@Suite(.serialized) struct `Objects that do not exist yet` {
    private struct World {
        let folder: String
        let workplace: Workplace
        let server: SimulatorServer

        func connect() async throws -> (PlanConnection, RunSetup) {
            let connection = try await PlanConnection.open("\(folder)/p.yaml", in: workplace)
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            return (connection, setup)
        }

        func edit(_ old: String, _ new: String) throws {
            let text = try String(contentsOfFile: "\(folder)/p.yaml", encoding: .utf8)
            #expect(text.contains(old))
            try text.replacing(old, with: new).write(toFile: "\(folder)/p.yaml", atomically: true, encoding: .utf8)
        }

        func ask(_ path: String) async throws -> JSONValue {
            let response = try await workplace.http.send(
                HTTPRequest(.get, server.baseURL + path, headers: [HTTPHeader("Authorization", "Bearer x")]))
            return try JSONValue(parsing: response.body)
        }

        /// The names of all custom objects.
        func objects() async throws -> [String] {
            try await ask("/crm/v3/schemas")["results"]?.elements.compactMap { $0["name"]?.text } ?? []
        }

        /// How many records of an object there are, by its type id.
        func count(_ type: String) async throws -> Int {
            try #require(await ask("/_simulator/state")[type]?["live"]?.int)
        }
    }

    private static let pipeline = """
        migratez: 1
        name: projects
        source:
          connector: sqlite
          file: crm.sqlite
          objects:
            project: { links: { company: { column: company }, contact: { column: contact } } }
            milestone: { links: { project: { column: project } } }
        target: { connector: hubspot, base_url: "${env:INTO}", auth: { token: "${env:SECRET}" } }
        staging: { dir: ./staging }
        values:
          stage: { map: { o: open, d: done }, otherwise: { use: open } }
        objects:
          company: { to: company, fields: { name: name } }
          contact: { to: contact, fields: { lastname: name, email: email } }
          project:
            to: project
            create: { label: Project, plural: Projects, display: title }
            fields:
              budget: { from: budget, type: decimal }
              title: title
              stage: { from: stage, values: stage }
              begun: { from: begun, type: date }
              summary: { expr: "title + ': ' + stage" }
          milestone: { to: milestone, create: true, fields: { name: name } }
        links:
          - { from: project, to: company, as: project_to_company }
          - { from: project, to: contact, as: project_to_contact }
          - { from: milestone, to: project, as: milestone_to_project }

        """

    private func withWorld(
        _ options: HubSpotOptions = HubSpotOptions(), _ body: (World) async throws -> Void
    ) async throws {
        let account = try HubSpotSimulator(SyntheticCRM(seed: 12, counts: .init(owners: 2)), options: options)
        // An account that has a custom object already.
        let other = try HubSpotSimulator(
            SyntheticCRM(seed: 12, counts: .init(companies: 20, owners: 2)), options: HubSpotOptions(subscriptions: 35))
        try await TwoAccounts.with(other, account) { accounts in
            try await DatabaseQueue(path: "\(accounts.folder)/crm.sqlite").write { database in
                try database.execute(
                    sql: """
                        CREATE TABLE company (id INTEGER PRIMARY KEY, name TEXT);
                        CREATE TABLE contact (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
                        CREATE TABLE project (id INTEGER PRIMARY KEY, title TEXT, budget NUMERIC, stage TEXT,
                            begun TEXT, company INTEGER, contact INTEGER);
                        CREATE TABLE milestone (id INTEGER PRIMARY KEY, name TEXT, project INTEGER);
                        """)
                for id in 1...30 {
                    try database.execute(
                        sql: """
                            INSERT INTO company VALUES (\(id), 'Firm \(id)');
                            INSERT INTO contact VALUES (\(id), 'Person \(id)', 'p\(id)@firm.test');
                            INSERT INTO project VALUES (\(id), 'Bridge \(id)', \(id).5, '\(["o", "d", "x"][id % 3])',
                                '2026-01-\(9 + id % 20 + 1)', \(id), \(31 - id));
                            INSERT INTO milestone VALUES (\(id), 'Stone \(id)', \((id + 1) / 2));
                            """)
                }
            }
            try Self.pipeline.write(toFile: accounts.file, atomically: true, encoding: .utf8)
            try await body(World(folder: accounts.folder, workplace: accounts.workplace, server: accounts.into))
        }
    }

    private func execute(_ run: Run, _ setup: RunSetup) async throws {
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        for balance in try await run.staging.manifest.read({ try $0.reconciliation() }) {
            #expect(balance.isClosed && balance[.rejected] == 0 && balance[.created] == 30, "\(balance.stream.name)")
        }
        for report in try await Verification(run, scope: .all, progress: SilentProgress()).verify() {
            #expect(report.isGood && report.compared == report.loaded, "\(report.stream): \(report.differences)")
        }
    }

    @Test func `are planned, created by the run, filled and linked, and stay when it is undone`() async throws {
        try await withWorld { world in
            let (connection, setup) = try await world.connect()
            #expect(setup.diagnostics.map(\.description) == [])
            #expect(setup.objectCreations.map(\.object) == ["project", "milestone"])
            let project = try #require(setup.objectCreations.first)
            #expect(project.label == "Project" && project.plural == "Projects" && project.displayField == "title")
            #expect(
                project.fields.map { "\($0.name) \($0.kind.rawValue)" } == [
                    "budget decimal", "title text", "stage choice", "begun date", "summary text",
                ])
            #expect(project.fields[2].options.map(\.value) == ["done", "open"])
            #expect(Set(project.linkedWith) == ["company", "contact", "milestone"])
            #expect(setup.objectCreations[1].label == "milestone" && setup.objectCreations[1].displayField == "name")
            #expect(setup.creations.filter { $0.object == "project" }.map(\.field.name) == ["migratez_id"])
            let forecast = try await RunForecast.make(connection, setup)
            #expect(forecast.objectCreations == setup.objectCreations && forecast.missingRights.isEmpty)
            let saved = try PlanFile(connection, setup, forecast, now: world.workplace.clock.now)
            try saved.check(connection, setup)
            // What is not there yet cannot be shown, and is in nobody's way.
            let shown = try await connection.schemas(of: .target, object: nil).map(\.name)
            #expect(shown == ["company", "contact"])
            #expect(try await MappingSuggestion.make(connection, object: nil).allSatisfy { $0.object != "project" })
            #expect(world.server.journal.counts.writes == 0)

            let run = try await Run.begin(connection, in: world.workplace) { _ in }
            try await execute(run, setup)
            #expect(try await world.objects() == ["project", "milestone"])
            for type in ["2-30000001", "2-30000002"] { #expect(try await world.count(type) == 30, "\(type)") }
            // A plan is not outdated by what it said would be created.
            let (again, after) = try await world.connect()
            #expect(after.objectCreations.isEmpty && after.creations.isEmpty)
            try saved.check(again, after)
            #expect(try await again.schemas(of: .target, object: nil).count == 7)

            let balances = try await RunUndo(run).execute(isDryRun: false)
            #expect(balances.allSatisfy { $0.isClosed && $0.kept == 0 })
            try await run.close()
            #expect(try await world.count("2-30000001") == 0)
            #expect(try await world.objects() == ["project", "milestone"])
        }
    }

    @Test func `are created once, though a run was cut off between them and their records`() async throws {
        try await withWorld { world in
            let (connection, setup) = try await world.connect()
            // What a run did that was killed then: the first object is there, the rest of it is not.
            try await connection.destination.create([setup.objectCreations[0]])
            let run = try await Run.begin(connection, in: world.workplace) { _ in }
            try await execute(run, setup)
            try await run.close()
            #expect(try await world.objects() == ["project", "milestone"])

            let (next, later) = try await world.connect()
            #expect(later.objectCreations.isEmpty && later.diagnostics.isEmpty)
            let second = try await Run.begin(next, in: world.workplace) { _ in }
            try await RunExecution(second, later, progress: SilentProgress()).execute([.extract, .transform, .load])
            try await second.close()
            #expect(try await world.count("2-30000001") == 30)
            #expect(world.server.journal.counts.byRoute["create schema"] == 2)
        }
    }

    @Test func `are refused at their place in the file, all at once`() async throws {
        try await withWorld { world in
            try world.edit("to: milestone, create: true", "to: mile-stone, create: true")
            try world.edit("display: title", "display: stage")
            try world.edit("as: milestone_to_project", "as: mile-stone_to_project")
            let (_, setup) = try await world.connect()
            let found = setup.diagnostics.filter { $0.severity == .error }
            #expect(found.map(\.position.line) == [18, 25], "\(found)")
            #expect(found.map(\.code) == [.wrongForm, .wrongForm])
            #expect(found[1].remedy == "Use letters, digits and _, a letter first")
        }
    }

    @Test func `come from another account as they are there, and a new pipeline file says how`() async throws {
        try await withWorld { world in
            let draft = try PipelineDraft(
                from: "hubspot", to: "hubspot",
                sourceSettings: ["base_url": "${env:FROM}", "auth.token": "${env:SECRET}"],
                targetSettings: ["base_url": "${env:INTO}", "auth.token": "${env:SECRET}"])
            let text = try await draft.connectedText(
                for: "\(world.folder)/new.yaml", objects: nil, in: world.workplace)
            #expect(text.contains("#   p1000001_subscription   (Subscriptions)"))
            #expect(text.contains("# With `create: true` below an object, a run creates it where hubspot lacks it."))

            try """
            migratez: 1
            name: between-accounts
            source: { connector: hubspot, base_url: "${env:FROM}", auth: { token: "${env:SECRET}" } }
            target: { connector: hubspot, base_url: "${env:INTO}", auth: { token: "${env:SECRET}" } }
            staging: { dir: ./staging }
            objects:
              company: { to: company, fields: { name: name } }
              p1000001_subscription:
                to: subscription
                create: true
                fields:
                  contract_number: contract_number
                  title: title
                  plan: plan
                  seats: seats
                  starts_on: starts_on
                  remarks: remarks
                  hubspot_owner_id: { from: hubspot_owner_id, person: true }
            links:
              - { from: p1000001_subscription, to: company, as: subscription_to_company }

            """.write(toFile: "\(world.folder)/p.yaml", atomically: true, encoding: .utf8)
            let (connection, setup) = try await world.connect()
            #expect(setup.diagnostics.map(\.description) == [])
            let creation = try #require(setup.objectCreations.first)
            #expect(creation.label == "Subscriptions" && creation.displayField == "contract_number")
            #expect(
                creation.fields.map { "\($0.name) \($0.kind.rawValue)" } == [
                    "contract_number text", "title text", "plan choice", "seats decimal", "starts_on date",
                    "remarks longText",
                ])
            #expect(creation.fields[2].options.map(\.value) == ["basic", "team", "enterprise"])
            let run = try await Run.begin(connection, in: world.workplace) { _ in }
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            for balance in try await run.staging.manifest.read({ try $0.reconciliation() }) {
                #expect(balance.isClosed && balance[.rejected] == 0, "\(balance.stream.name)")
            }
            for report in try await Verification(run, scope: .all, progress: SilentProgress()).verify() {
                #expect(report.isGood && report.loaded > 0, "\(report.stream): \(report.differences)")
            }
            try await run.close()
            #expect(try await world.count("2-30000001") == 30)
        }
    }

    @Test func `must be asked for`() async throws {
        try await withWorld { world in
            try world.edit("create: true, ", "")
            let error = await #expect(throws: MigratezError.self) { try await world.connect() }
            #expect(error?.code == .invalidSetting && error?.message.contains("'milestone'") == true)
            #expect(error?.hint?.contains("create: true") == true)
        }
    }

    @Test func `end a run before anything is read where the account takes no more`() async throws {
        try await withWorld(HubSpotOptions(customObjectsMax: 1)) { world in
            let (connection, setup) = try await world.connect()
            let forecast = try await RunForecast.make(connection, setup)
            #expect(forecast.missingRights == ["hubspot: room for 2 more custom objects"])
            let run = try await Run.begin(connection, in: world.workplace) { _ in }
            let error = await #expect(throws: MigratezError.self) {
                try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            }
            #expect(error?.code == .objectsFull && error?.message.contains("milestone") == true)
            #expect(try await run.staging.manifest.read { try $0.streams().allSatisfy { $0.recordsRead == 0 } })
            try await run.close()
        }
    }

    /// What becomes of a field by its rule and by the source's field.
    @Test(arguments: [
        ("plain", "text", []), ("{ from: notes }", "longText", []), ("{ from: notes, type: text }", "text", []),
        ("{ from: level }", "choice", ["low", "high"]), ("{ from: level, lower: true }", "text", []),
        ("{ from: level, default: none }", "choice", ["low", "high", "none"]),
        ("{ from: level, default: '${run.date}' }", "text", []),
        ("{ from: level, values: keeps }", "choice", ["high", "least"]),
        ("{ from: level, values: closed }", "choice", ["least"]), ("{ from: plain, values: keeps }", "text", []),
        ("{ from: colours }", "choices", ["red", "blue"]), ("{ from: colours, values: closed }", "text", []),
        ("{ from: open_list }", "text", []), ("{ from: owner, person: true }", "reference", []),
        ("{ from: owner }", "text", []), ("{ from: plain, type: datetime }", "dateTime", []),
        ("{ from: plain, type: email }", "email", []), ("{ from: plain, html: sanitize }", "longText", []),
        ("{ from: plain, phone: US }", "phone", []), ("{ const: x }", "text", []),
        ("{ expr: amount * 2 }", "decimal", []), ("{ expr: amount > 2 }", "bool", []),
        ("{ expr: \"plain + 'x'\" }", "text", []), ("{ from: unheard_of }", "text", []),
    ])
    func `have fields of the kinds that the rules give`(_ rule: String, _ kind: String, _ options: [String]) throws {
        func list(_ name: String, _ kind: FieldSchema.Kind, _ values: [String], isRestricted: Bool) -> FieldSchema {
            FieldSchema(
                name: name, label: name, kind: kind, options: values.map { .init(value: $0, label: $0) },
                isRestricted: isRestricted)
        }
        let source = ObjectSchema(
            name: "deal", label: "Deals",
            fields: [
                FieldSchema(name: "plain", label: "Plain words", kind: .text),
                FieldSchema(name: "notes", label: "Notes", kind: .longText),
                FieldSchema(name: "amount", label: "Amount", kind: .decimal),
                FieldSchema(name: "owner", label: "Owner", kind: .reference, refersTo: ["owner"]),
                list("level", .choice, ["low", "high"], isRestricted: true),
                list("colours", .choices, ["red", "blue"], isRestricted: true),
                list("open_list", .choice, ["a"], isRestricted: false),
            ])
        let text = PipelineFileFixtures.minimal(
            objects: "  deal: { to: project, create: true, fields: { made: \(rule) } }",
            rest: """
                values:
                  keeps: { map: { low: least }, otherwise: keep }
                  closed: { map: { low: least }, otherwise: quarantine }
                """)
        let plan = try #require(PipelineFileFixtures.read(text).plan, "\(PipelineFileFixtures.read(text).diagnostics)")
        let wanted = plan.wantedObjects([StreamName("deal")!: source])
        let creation = try #require(wanted.first?.creation)
        #expect(creation.object == "project" && creation.label == "Deals" && creation.plural == "Deals")
        let made = try #require(creation.fields.first)
        #expect(made.kind.rawValue == kind && made.options.map(\.value) == options && creation.fields.count == 1)
        #expect(made.isRestricted == !options.isEmpty)
        if rule == "plain" { #expect(made.label == "Plain words") }
    }

    @Test func `take the fields of all streams that lead to them, and the lookups`() throws {
        let text = PipelineFileFixtures.minimal(
            objects: """
                  deal: { to: project, create: { label: Project }, fields: { name: dealname, level: level, tone: tone } }
                  ticket: { to: project, fields: { name: subject, level: { const: high }, tone: tone } }
                  contact: { to: person, fields: { name: lastname } }
                """,
            rest: """
                links:
                  - { from: deal, to: contact, as: project.lead }
                  - { from: ticket, to: contact, as: project_to_person }
                """)
        let plan = try #require(PipelineFileFixtures.read(text).plan, "\(PipelineFileFixtures.read(text).diagnostics)")
        func schema(_ tones: [String]) -> ObjectSchema {
            let options = tones.map { FieldSchema.Option(value: $0, label: $0) }
            return ObjectSchema(
                name: "x", label: "X",
                fields: ["level", "tone"].map {
                    FieldSchema(name: $0, label: $0, kind: .choice, options: options, isRestricted: true)
                })
        }
        let wanted = plan.wantedObjects([
            StreamName("deal")!: schema(["warm", "cold"]), StreamName("ticket")!: schema(["cold", "loud"]),
        ])
        #expect(wanted.map(\.creation.object) == ["project"] && wanted[0].creation.plural == "Project")
        let fields = wanted[0].creation.fields
        #expect(fields.map { "\($0.name) \($0.kind)" } == ["name text", "level text", "tone choice", "lead reference"])
        #expect(fields[1].options.isEmpty && !fields[1].isRestricted)
        #expect(fields[2].options.map(\.value) == ["warm", "cold", "loud"])
        #expect(fields[3].refersTo == ["person"] && wanted[0].creation.linkedWith == ["person"])
        #expect(plan.createdTargets == ["project"])
    }
}
