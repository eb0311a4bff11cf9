// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezHubSpotConnector
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

struct HubSpotCustomObjectTests {
    private static let name = "p1000001_subscription"
    private static let type = "2-30000001"

    private func run(_ body: (HubSpotAccount) async throws -> Void) async throws {
        try await HubSpotAccount.run(.init(records: 400), options: HubSpotOptions(subscriptions: 250), body)
    }

    @Test(arguments: ["v3", "2026-03"])
    func `custom objects are listed, and known by both of their names`(version: String) async throws {
        try await run { account in
            let source = try account.source(["api_version": version])
            let own = [
                OwnObject(name: Self.name, label: "Subscriptions", aliases: [Self.name, Self.type, "subscription"])
            ]
            #expect(try await source.ownObjects() == own)
            #expect(try await account.destination(["api_version": version]).ownObjects() == own)
            for name in [Self.name, Self.type] {
                let schema = try await source.discover([try #require(StreamName(name))])[0]
                #expect(schema.label == "Subscriptions")
                #expect(schema.field("title")?.isRequired == true)
                #expect(schema.field("contract_number")?.isUnique == true)
                #expect(schema.field("plan")?.options.map(\.value) == ["basic", "team", "enterprise"])
                let target = try await account.destination(["api_version": version]).discover([name])[0]
                #expect(target.name == name && target.holdsKey && target.field("title")?.isRequired == true)
            }
        }
    }

    @Test func `who names an object wrongly is told the right name`() async throws {
        try await run { account in
            for (name, hint) in [
                ("2-5", "it has: \(Self.name) (\(Self.type))"), ("subscription", "write \(Self.name) or \(Self.type)"),
            ] {
                let error = await #expect(throws: MigratezError.self) {
                    try await account.source().discover([StreamName(name)!])
                }
                #expect(error?.code == .invalidSetting && error?.hint == hint)
            }
        }
    }

    @Test(arguments: ["v3", "2026-09"])
    func `records and links of a custom object are read to the last`(version: String) async throws {
        try await run { account in
            let stream = try #require(StreamName(Self.name))
            let fields = ["title", "contract_number", "seats", "remarks"]
            let records = try await readAll(stream, fields: fields) {
                try account.source(["api_version": version, "page_size": "30"])
            }
            let ids = records.compactMap { $0["id"]?.text }
            #expect(Set(ids).count == 215 && ids.count == 215)
            let numbers = Set(records.compactMap { $0["properties"]?["contract_number"]?.text })
            #expect(numbers == Set((0..<250).filter { $0 % 7 != 6 }.map { "C-\(10_000 + $0)" }))
            let source = try account.source(["api_version": version])
            let payers = try await source.readLinks(
                from: stream, to: CRMObject.contact.stream, of: ids.map { (id: $0, bytes: []) })
            #expect(payers.count > 90 && payers.allSatisfy { $0.label == "Billing contact" })
            let companies = try await source.readLinks(
                from: stream, to: CRMObject.company.stream, of: ids.map { (id: $0, bytes: []) })
            #expect(companies.count > 120 && companies.allSatisfy { $0.label == nil })
            // From the other end the label is the other one.
            let back = try await source.readLinks(
                from: CRMObject.contact.stream, to: stream, of: Set(payers.map(\.to)).map { (id: $0, bytes: []) })
            #expect(back.count == payers.count && back.allSatisfy { $0.label == "Pays for" })
            #expect(try await source.linkLabels(from: stream, to: CRMObject.contact.stream) == ["Billing contact"])
            let address = try await source.recordAddress(of: stream, id: "5")
            #expect(address?.hasSuffix("/record/\(Self.type)/5") == true)
        }
    }

    @Test func `a record without what its object requires is refused by the field's name`() async throws {
        try await run { account in
            let destination = try account.destination()
            try await destination.prepare(
                try await destination.discover([Self.name]).flatMap(destination.requirements))
            let rows = [#"{"seats":"3"}"#, #"{"title":"Fine"}"#].enumerated().map { number, fields in
                Batch.Row(key: "row-\(number)", fields: Array(fields.utf8))
            }
            let receipts = try await destination.write(
                Batch(object: Self.name, rows: rows), by: destination.route(for: Self.name, expectedRows: 2),
                intent: KeptIntent())
            guard case .rejected(let rejection)? = receipts.first(where: { $0.key == "row-0" })?.result else {
                Issue.record("\(receipts)")
                return
            }
            #expect(rejection.code == .requiredFieldMissing && rejection.fields == ["title"])
            let made = receipts.first { $0.key == "row-1" }
            guard case .created(let id)? = made?.result else {
                Issue.record("\(receipts)")
                return
            }
            #expect(try await destination.referrers(object: Self.name, ids: [id]).isEmpty)
        }
    }

    @Test(arguments: ["v3", "2026-03"])
    func `labels that are missing are planned, created once, and put on links`(version: String) async throws {
        try await run { account in
            let destination = try account.destination(["api_version": version])
            let object = "\(Self.type)_to_contact"
            let labels = ["Billing contact", "Décision-maker #1", "VIP"]
            let schema = try await destination.discover([object])[0]
            let needed = destination.requirements(ofLabels: labels, in: "label", of: schema)
            #expect(needed.map(\.object) == [object])
            #expect(needed.flatMap { $0.field.options.map(\.value) } == ["Décision-maker #1", "VIP"])
            #expect(destination.requirements(ofLabels: labels, in: "primary", of: schema).isEmpty)
            try await destination.prepare(needed)
            try await account.destination().prepare(needed)
            let after = try await destination.discover([object])[0]
            #expect(destination.requirements(ofLabels: labels, in: "label", of: after).isEmpty)

            let ids = try await readAll(try #require(StreamName(Self.type)), fields: []) { try account.source() }
                .compactMap { $0["id"]?.text }
            let contact = try #require(account.ids(.contact).first)
            let row = Batch.Row(
                key: "link-1", fields: Array(#"{"label":"VIP"}"#.utf8),
                references: [
                    .init(field: "from", object: Self.type, key: "a", targetID: ids[0]),
                    .init(field: "to", object: "contact", key: "b", targetID: contact),
                ])
            let batch = Batch(object: object, rows: [row])
            let written = try await destination.write(
                batch, by: destination.route(for: object, expectedRows: 1), intent: KeptIntent())
            guard case .created(let id)? = written.first?.result else {
                Issue.record("\(written)")
                return
            }
            let read = try await destination.read(object: object, ids: [id], fields: ["label"])
            #expect(read.map { String(decoding: $0.fields, as: UTF8.self) } == [#"{"label":"VIP"}"#])
            // A link that came with its label goes with it, though users defined the unlabelled type, too.
            #expect(try await destination.delete(object: object, ids: [id]).map(\.result) == [.deleted])
            let rest = try await account.source().readLinks(
                from: StreamName(Self.type)!, to: CRMObject.contact.stream, of: [(id: ids[0], bytes: [])])
            #expect(!rest.contains { $0.to == contact })
        }
    }

    @Test func `a label that HubSpot does not take is named, with the way out`() async throws {
        let options = HubSpotOptions(scopes: ["crm.objects.contacts.read", "crm.objects.companies.read"])
        try await HubSpotAccount.run(.init(records: 50), options: options) { account in
            let destination = try account.destination()
            let schema = try await destination.discover(["contact_to_company"])[0]
            let needed = destination.requirements(ofLabels: ["New"], in: "label", of: schema)
            let error = await #expect(throws: MigratezError.self) { try await destination.prepare(needed) }
            #expect(error?.code == .permissionMissing && error?.hint?.contains("crm.schemas.contacts.write") == true)
        }
        try await HubSpotAccount.run(.init(records: 50), options: HubSpotOptions(labelsPerPairMax: 0)) { account in
            let destination = try account.destination()
            let schema = try await destination.discover(["contact_to_company"])[0]
            let needed = destination.requirements(ofLabels: ["New"], in: "label", of: schema)
            let error = await #expect(throws: MigratezError.self) { try await destination.prepare(needed) }
            #expect(error?.code == .requestRefused && error?.message.contains("'New'") == true)
        }
    }
}

/// What every destination must do, with an object that somebody defined.
struct `HubSpot conforms with a custom object` {
    /// Contents are those of files, whatever else is written.
    @Test(arguments: DestinationConformance.allCases.filter { $0 != .contents })
    func `as a destination`(check: DestinationConformance) async throws {
        let options = HubSpotOptions(tokens: ["token"], subscriptions: 30)
        try await HubSpotAccount.run(.init(records: 100), options: options) { account in
            try await check.check(SubscriptionSubject(account: account))
        }
    }
}

private struct SubscriptionSubject: DestinationSubject {
    let account: HubSpotAccount

    func makeDestination() throws -> any Destination { try account.destination() }
    var destinationCapabilities: DestinationCapabilities { HubSpotDestination.capabilities }
    let object = "p1000001_subscription"

    func fields(_ number: Int, version: Int) -> [String: String] {
        ["contract_number": "T-\(number)", "title": "Ünïcode \"\(number)\" 👩‍👩‍👧", "seats": String(version * 7)]
    }

    var creation: ObjectCreation? {
        ObjectCreation(
            object: "invoice_of_ours", label: "Invoice", plural: "Invoices",
            fields: [FieldSchema(name: "number", label: "Number", kind: .text)], linkedWith: [object])
    }

    var refused: (fields: [String: String], code: ErrorCode)? { (["plan": "no such plan"], .notInPicklist) }

    var link: LinkSubject? {
        LinkSubject(
            object: "\(object)_to_company", fromField: "from", toField: "to", toObject: "company",
            toFields: ["name": "Acme"])
    }

    func count() async throws -> Int {
        let state = try await account.ask(.get, "/_simulator/state", token: "token")
        return try #require(state["2-30000001"]?["live"]?.int)
    }

    func createByOthers(_ fields: [String: String]) async throws -> String? {
        let body: JSONValue = ["properties": .object(fields.map { .init($0.key, .string($0.value)) })]
        return try await account.ask(.post, "/crm/v3/objects/2-30000001", body, token: "token")["id"]?.text
    }
}
