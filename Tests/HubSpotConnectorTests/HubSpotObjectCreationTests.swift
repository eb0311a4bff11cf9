// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezHubSpotConnector
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

struct HubSpotObjectCreationTests {
    /// An object as a pipeline asks for it.
    private static func wanted(
        _ name: String = "project", display: String? = nil, linkedWith: [String] = ["contact", "note", "company"],
        _ change: (inout [FieldSchema]) -> Void = { _ in }
    ) -> ObjectCreation {
        var fields = [
            FieldSchema(name: "budget", label: "Budget", kind: .decimal),
            FieldSchema(name: "title", label: "Title", kind: .text),
            FieldSchema(
                name: "stage", label: "Stage", kind: .choice,
                options: [.init(value: "open", label: "Open"), .init(value: "done", label: "Done", isActive: false)],
                isRestricted: true),
            FieldSchema(name: "running", label: "Running", kind: .bool),
            FieldSchema(name: "hubspot_owner_id", label: "hubspot_owner_id", kind: .reference),
        ]
        change(&fields)
        return ObjectCreation(
            object: name, label: "Project", plural: "Projects", displayField: display, fields: fields,
            linkedWith: linkedWith)
    }

    private func run(
        _ options: HubSpotOptions = HubSpotOptions(), _ body: (HubSpotAccount) async throws -> Void
    ) async throws {
        try await HubSpotAccount.run(.init(records: 40), options: options, body)
    }

    @Test func `a creation says what names a record, and leaves out what every object has`() async throws {
        try await run { account in
            let destination = try account.destination()
            let made = try destination.creation(of: Self.wanted())
            #expect(made.displayField == "title")
            #expect(made.fields.map(\.name) == ["budget", "title", "stage", "running"])
            #expect(try destination.creation(of: Self.wanted(display: "budget")).displayField == "budget")
            let numbers = Self.wanted { $0.removeAll { $0.kind == .text } }
            #expect(try destination.creation(of: numbers).displayField == "budget")

            // What is still to be created is planned with what it will have, links included.
            let names = ["contact", "project", "project_to_contact"]
            let schemas = try await destination.discover(names, after: [made])
            #expect(schemas.map(\.name) == names)
            #expect(schemas[1].label == "Projects" && schemas[1].holdsKey)
            #expect(schemas[1].field("stage")?.options.map(\.value) == ["open", "done"])
            #expect(schemas[1].field("hubspot_owner_id")?.refersTo == ["owner"])
            #expect(schemas[2].fields.map(\.name) == ["from", "to"])
            #expect(destination.requirements(of: schemas[1]).map(\.field.name) == ["migratez_id"])
            #expect(account.server.journal.counts.writes == 0)
        }
    }

    @Test(arguments: ["v3", "2026-03"])
    func `what was created is there as it was planned, for records and links`(version: String) async throws {
        try await run { account in
            let destination = try account.destination(["api_version": version])
            let label = "project_to_contact"
            #expect(try await destination.missing(["project", "contact", "task"]) == ["project"])
            let creation = try destination.creation(of: Self.wanted())
            let planned = try await destination.discover(["project", label], after: [creation])
            let creations =
                destination.requirements(of: planned[0])
                + destination.requirements(ofLabels: ["Sponsor"], in: "label", of: planned[1])
            try await destination.create([creation])
            try await destination.prepare(creations)
            // Another process finds it by its bare name.
            let other = try account.destination(["api_version": version])
            #expect(try await other.missing(["project"]).isEmpty)
            let found = try await other.discover(["project", label])
            #expect(found.map(\.name) == ["project", label])
            for field in planned[0].fields where field.isCreateable {
                let there = try #require(found[0].field(field.name))
                #expect(there.kind == field.kind && there.isCreateable, "\(field.name)")
                #expect(there.options.map(\.value) == field.options.map(\.value), "\(field.name)")
            }
            #expect(found[0].field("migratez_id")?.isUnique == true)
            #expect(found[1].field("label")?.options.map(\.value) == ["Sponsor"])

            let route = other.route(for: "project", expectedRows: 1)
            let row = Batch.Row(key: "p-1", fields: Array(#"{"title":"Bridge","budget":"12.5","stage":"open"}"#.utf8))
            let receipts = try await other.write(
                Batch(object: "project", rows: [row]), by: route, intent: KeptIntent())
            guard case .created(let id)? = receipts.first?.result else {
                Issue.record("\(receipts)")
                return
            }
            let link = Batch.Row(
                key: "l-1", fields: Array(#"{"label":"Sponsor"}"#.utf8),
                references: [
                    .init(field: "from", object: "project", key: "p-1", targetID: id),
                    .init(field: "to", object: "contact", key: "c", targetID: account.ids(.contact)[0]),
                ])
            let linked = try await other.write(
                Batch(object: label, rows: [link]), by: other.route(for: label, expectedRows: 1), intent: KeptIntent())
            guard case .created(let linkID)? = linked.first?.result else {
                Issue.record("\(linked)")
                return
            }
            #expect(try await other.read(object: label, ids: [linkID], fields: ["label"]).count == 1)
            #expect(try await other.referrers(object: "project", ids: [id]) == [id: "contact"])
            #expect(try await other.recordAddress(of: "project", id: id)?.hasSuffix("/record/2-30000001/\(id)") == true)
            #expect(try await other.delete(object: "project", ids: [id]).map(\.result) == [.deleted])
        }
    }

    @Test func `an object that is there is left as it is, whoever made it`() async throws {
        try await run { account in
            let creation = try account.destination().creation(of: Self.wanted())
            for _ in 1...2 { try await account.destination().create([creation]) }
            #expect(account.server.journal.counts.byRoute["create schema"] == 1)
            let other = Self.wanted { $0.append(FieldSchema(name: "more", label: "More", kind: .text)) }
            let destination = try account.destination()
            try await destination.create([try destination.creation(of: other)])
            #expect(try await destination.discover(["project"])[0].field("more") == nil)
        }
    }

    @Test func `a creation whose answer was lost is neither doubled nor taken for a refusal`() async throws {
        try await run { account in
            account.server.faults.inject(FaultPlan.Rule(.commitThenDrop, .once, pathPrefix: "/crm/v3/schemas"))
            let destination = try account.destination()
            try await destination.create([try destination.creation(of: Self.wanted())])
            #expect(try await destination.ownObjects().map(\.label) == ["Projects"])
            #expect((account.server.journal.counts.byRoute["create schema"] ?? 0) > 1)
        }
    }

    @Test func `of two that are linked, the later one names the earlier one`() async throws {
        try await run { account in
            let destination = try account.destination()
            let pair = [
                Self.wanted("project", linkedWith: ["milestone", "contact"]),
                Self.wanted("milestone", linkedWith: ["project"]),
            ]
            try await destination.create(try pair.map { try destination.creation(of: $0) })
            let links = try await destination.discover(["milestone_to_project", "project_to_milestone"])
            #expect(links.map { $0.fields.map(\.name) } == [["from", "to"], ["from", "to"]])
        }
    }

    @Test func `what HubSpot would not take is told before anything is sent, with the way out`() async throws {
        let field = FieldSchema(name: "contact_id", label: "Contact", kind: .reference, refersTo: ["contact"])
        let cases: [(ObjectCreation, ErrorCode, String)] = [
            (Self.wanted("my-project"), .wrongForm, "letters, digits and _"),
            (Self.wanted("1st"), .wrongForm, "a letter first"),
            (Self.wanted("how_to_guide"), .wrongForm, "without _to_"),
            (Self.wanted(linkedWith: ["project"]), .notSupported, "association to itself"),
            (Self.wanted { $0.append(field) }, .notSupported, "project_to_contact"),
            (Self.wanted { $0[1].name = "Title" }, .wrongForm, "small letters"),
            (Self.wanted { $0[1].name = "hs_title" }, .wrongForm, "HubSpot's own"),
            (Self.wanted { $0[4].name = "manager" }, .notSupported, "hubspot_owner_id"),
            (Self.wanted(display: "running"), .wrongForm, "short text"),
            (Self.wanted { $0 = [$0[3]] }, .missingKey, "create.display"),
        ]
        try await run { account in
            let destination = try account.destination()
            for (wanted, code, hint) in cases {
                let error = #expect(throws: MigratezError.self) { try destination.creation(of: wanted) }
                #expect(error?.code == code && error?.hint?.contains(hint) == true, "\(String(describing: error))")
            }
            #expect(account.server.journal.counts.requests == 0)
        }
    }

    @Test func `an account that has all custom objects it may have is told before, and named at the attempt`()
        async throws
    {
        try await run(HubSpotOptions(subscriptions: 1, customObjectsMax: 1)) { account in
            let destination = try account.destination()
            let report = try await destination.account(for: ["contact", "project"])
            #expect(report.missingRights.contains("room for 1 more custom objects"))
            let creation = try destination.creation(of: Self.wanted())
            let error = await #expect(throws: MigratezError.self) { try await destination.create([creation]) }
            #expect(error?.code == .objectsFull && error?.message.contains("project") == true)
            #expect(error?.message.contains("may have 1 custom objects") == true && error?.hint != nil)
            #expect(!ErrorCode.objectsFull.advice.isEmpty && ErrorCode.objectsFull.description == "MZ-QUOTA-04")
        }
    }

    @Test func `a token without the scope is told which one it lacks`() async throws {
        var scopes: Set = ["crm.objects.contacts.read", "crm.schemas.custom.read", "crm.objects.owners.read"]
        try await run(HubSpotOptions(scopes: scopes)) { account in
            let destination = try account.destination()
            let missing = try await destination.account(for: ["project"]).missingRights
            #expect(missing == ["crm.objects.custom.read", "crm.objects.custom.write", "crm.schemas.custom.write"])
            let creation = try destination.creation(of: Self.wanted(linkedWith: []))
            let error = await #expect(throws: MigratezError.self) { try await destination.create([creation]) }
            #expect(error?.code == .permissionMissing && error?.message.contains("project") == true)
            #expect(error?.hint?.contains("crm.schemas.custom.write") == true)
        }
        scopes.remove("crm.schemas.custom.read")
        try await run(HubSpotOptions(scopes: scopes)) { account in
            let destination = try account.destination()
            let error = await #expect(throws: MigratezError.self) { try await destination.missing(["project"]) }
            #expect(error?.code == .permissionMissing && error?.hint?.contains("crm.schemas.custom.read") == true)
        }
    }

    @Test func `whoever names an object that is not there is told how it comes into being`() async throws {
        try await run(HubSpotOptions(subscriptions: 3)) { account in
            let destination = try account.destination()
            let error = await #expect(throws: MigratezError.self) { try await destination.discover(["project"]) }
            #expect(error?.code == .invalidSetting && error?.hint?.contains("create: true") == true)
            // One that is there goes by its bare name, too.
            let schema = try await destination.discover(["subscription"])[0]
            #expect(schema.name == "subscription" && schema.field("title")?.isRequired == true)
            #expect(try await destination.ownObjects()[0].isCalled("subscription"))
            // What it can be linked with is a person's choice, as it was there before.
            let link = await #expect(throws: MigratezError.self) {
                try await destination.discover(["subscription_to_product"])
            }
            #expect(link?.code == .requestRefused && link?.hint?.contains("Settings, Objects") == true)
        }
    }
}
