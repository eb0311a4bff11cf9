// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import MigratezZohoConnector
import MigratezZohoSimulator
import Testing

/// Both sides of the connector against the simulated organisation, by the suite that every connector passes.
@Suite(.serialized) struct `Zoho conforms` {
    @Test(arguments: SourceConformance.allCases, ["coql", "bulk"])
    func `as a source`(check: SourceConformance, route: String) async throws {
        try await ZohoSubject.run(route, fills: true) { try await check.check($0) }
    }

    @Test(arguments: RemoteSourceConformance.allCases, ["coql", "bulk"])
    func `as a source through a network`(check: RemoteSourceConformance, route: String) async throws {
        try await ZohoSubject.run(route, fills: true) { try await check.check($0) }
    }

    @Test(arguments: DestinationConformance.allCases, ["records", "bulk"])
    func `as a destination`(check: DestinationConformance, route: String) async throws {
        try await ZohoSubject.run(route) { try await check.check($0) }
    }

    @Test(arguments: RemoteDestinationConformance.allCases, ["records", "bulk"])
    func `as a destination through a network`(check: RemoteDestinationConformance, route: String) async throws {
        try await ZohoSubject.run(route) { try await check.check($0) }
    }
}

/// An organisation with two fifths of its credits left, so that Zoho tells how many there are.
private struct ZohoSubject: RemoteSourceSubject, RemoteDestinationSubject {
    let org: ZohoOrg
    let isBulk: Bool
    let streams: [ExpectedStream]
    let links: [ExpectedLinks]
    let contents: [ExpectedContents]
    /// The account that files are written to; a source has none.
    private let parent: String?
    private let quote: (id: String, product: String)?
    private let writesBefore: Int

    static func run(_ route: String, fills: Bool = false, _ body: (ZohoSubject) async throws -> Void) async throws {
        let counts = SyntheticCRM.Counts(
            contacts: 260, companies: 40, deals: 50, notes: 160, tasks: 30, calls: 10, meetings: 10,
            files: 240, products: 8, lineItems: 30)
        try await ZohoOrg.run(fills ? counts : nil) { options in
            // A job costs 50 credits or 500.
            options.credits = route == "bulk" ? 100_000 : 2_000
            options.creditsUsed = options.credits * 3 / 5
            options.users.append(.init(email: "gone@acme.test", name: "Gone", isActive: false))
        } _: { org in
            var contents: [ExpectedContents] = []
            var parent: String?
            var quote: (id: String, product: String)?
            if fills {
                contents = [try expectedContents(org)]
            } else {
                parent = try await org.create("Accounts", ["Account_Name": "Acme"])
                let product = try await org.create("Products", ["Product_Name": "Plan"])
                let line: JSONValue = ["Product_Name": ["id": .string(product)], "Quantity": 1]
                quote = (try await org.create("Quotes", ["Subject": "Renewal", "Quoted_Items": [line]]), product)
            }
            try await body(
                ZohoSubject(
                    org: org, isBulk: route == "bulk", streams: fills ? try expected(org.simulator) : [],
                    links: fills ? try expectedLinks(org.simulator) : [], contents: contents, parent: parent,
                    quote: quote,
                    writesBefore: org.server.journal.counts.writes))
        }
    }

    // MARK: As a source

    private static let modules = [
        "Contacts", "Accounts", "Deals", "Notes", "Tasks", "Calls", "Events", "Quotes", items,
    ]
    private static let items = "Quoted_Items"

    /// What the simulator has stored, seen past the connector.
    private static func expected(_ simulator: ZohoSimulator) throws -> [ExpectedStream] {
        try modules.map { module in
            let documents = try simulator.records(of: module)
            let names = Set(documents.values.flatMap { $0.members.map(\.key) }).subtracting(["$se_module"])
            return ExpectedStream(
                StreamName(module)!,
                records: Dictionary(
                    uniqueKeysWithValues: documents.map { id, document in
                        let values = names.map { name in
                            let value = document[name]
                            return (name, value?.bool.map { $0 ? "true" : "false" } ?? value?.text)
                        }
                        return (Self.id(id, document, module), Dictionary(uniqueKeysWithValues: values))
                    }))
        }
    }

    /// Rows of a subform are known with their record.
    private static func id(_ id: String, _ document: JSONValue, _ module: String) -> String {
        module == items ? "\(document["Parent_Id"]?.text ?? ""):\(id)" : id
    }

    private static func expectedLinks(_ simulator: ZohoSimulator) throws -> [ExpectedLinks] {
        func lookups(_ from: String, _ field: String, _ to: String) throws -> Set<Edge> {
            let targets = try simulator.records(of: to)
            return Set(
                try simulator.records(of: from).compactMap { id, document in
                    guard let target = document[field]?.text, targets[target] != nil else { return nil }
                    return Edge(from: Self.id(id, document, from), to: target, isPrimary: true)
                })
        }
        let deals = try simulator.records(of: "Deals")
        var contacts: Set<Edge> = []
        for role in try simulator.contactRoles() where deals[role.deal] != nil {
            let isPrimary = deals[role.deal]?["Contact_Name"]?.text == role.contact
            contacts.insert(Edge(from: role.deal, to: role.contact, isPrimary: isPrimary, label: role.role))
        }
        return [
            ("Contacts", "Accounts", try lookups("Contacts", "Account_Name", "Accounts")),
            ("Deals", "Contacts", contacts), ("Notes", "Contacts", try lookups("Notes", "Parent_Id", "Contacts")),
            ("Tasks", "Deals", try lookups("Tasks", "What_Id", "Deals")),
            ("Events", "Accounts", try lookups("Events", "What_Id", "Accounts")),
            ("Calls", "Contacts", try lookups("Calls", "Who_Id", "Contacts")),
            (items, "Quotes", try lookups(items, "Parent_Id", "Quotes")),
            (items, "Products", try lookups(items, "Product_Name", "Products")),
        ].map { ExpectedLinks(from: StreamName($0.0)!, to: StreamName($0.1)!, edges: $0.2) }
    }

    /// Sizes of files whose bytes come in more pieces than one, and not so large that reading them takes long.
    private static let severalPieces = (256 << 10) + 1..<1_000_000

    /// Of the files of accounts an empty one, one of several pieces and small ones; the organisation does not give the last
    /// of these, as if it were gone since it was listed.
    private static func expectedContents(_ org: ZohoOrg) throws -> ExpectedContents {
        let crm = try #require(org.crm)
        var files: [(record: String, id: String, file: CRMFile)] = []
        for (id, document) in try org.simulator.attachments() where document["module"]?.text == "Accounts" {
            let record = try #require(document["record"]?.text)
            let origin = try #require(document["origin"]?.int)
            files.append((record, id, crm.file(at: origin)))
        }
        files.sort { $0.file.index < $1.file.index }
        let empty = try #require(files.first { $0.file.size == 0 })
        let large = try #require(files.first { severalPieces.contains($0.file.size) })
        let small = files.filter { (1..<severalPieces.lowerBound).contains($0.file.size) }.prefix(9)
        let gone = try #require(small.last)
        let path = "/crm/v8/Accounts/\(gone.record)/Attachments/\(gone.id)"
        org.server.faults.inject(FaultPlan.Rule(.status(404, retryAfter: nil), .share(1), pathPrefix: path))
        var digests: [String: [UInt8]] = [:]
        for (record, id, file) in [empty, large] + small.dropLast() {
            digests["Accounts:\(record):\(id)"] = file.sha256
        }
        return ExpectedContents(
            StreamName("Attachments")!, digests: digests, unavailable: ["Accounts:\(gone.record):\(gone.id)"])
    }

    /// Files are listed record by record: those of the few accounts leave credits for the rest.
    func makeSource() throws -> any Source {
        try org.source([
            "page_size": "200", "attachments_of": "Accounts", "extract.api": isBulk ? "bulk" : "coql",
        ])
    }

    var sourceCapabilities: SourceCapabilities { ZohoSource.capabilities }
    var unlinked: (from: StreamName, to: StreamName)? { (StreamName("Accounts")!, StreamName("Contacts")!) }
    var peopleCount: Int { 3 + (org.crm?.counts.owners ?? 0) }

    var editor: AccountEditor? {
        let org = org
        return AccountEditor(
            StreamName("Contacts")!,
            create: { try await org.create("Contacts", ["Last_Name": .string("Edited \($0)")]) },
            change: { id in
                let answer = try await org.ask(.put, "/Contacts/\(id)", ["data": [["Title": "Changed"]]])
                try #require(answer["data"]?[0]?["code"] == "SUCCESS")
            },
            delete: { id in
                let answer = try await org.ask(.delete, "/Contacts?ids=\(id)")
                try #require(answer["data"]?[0]?["code"] == "SUCCESS")
            })
    }

    // MARK: As a destination

    func makeDestination() throws -> any Destination {
        try org.destination([
            "load.contact_role": "Evaluator", "load.api": isBulk ? "bulk" : "records", "load.bulk_rows_min": "1",
        ])
    }

    var destinationCapabilities: DestinationCapabilities { ZohoDestination.capabilities }
    let object = "Contacts"

    func fields(_ number: Int, version: Int) -> [String: String] {
        [
            "Email": "c\(number)@conformance.test", "Last_Name": "Ünïcode \"\(number)\" 'O''Brien' 👩‍👩‍👧",
            "Title": "Title; \(version)",
        ]
    }

    var refused: (fields: [String: String], code: ErrorCode)? { (["Lead_Source": "no such source"], .notInPicklist) }

    var link: LinkSubject? {
        LinkSubject(
            object: "Contact_Roles", fromField: "Contact", toField: "Deal", toObject: "Deals",
            toFields: ["Deal_Name": "Renewal", "Stage": "Closed won"])
    }

    var content: ContentSubject? {
        guard let parent else { return nil }
        let simulator = org.simulator
        return ContentSubject(
            object: "Attachments", field: "file",
            row: { number in
                Batch.Row(
                    "conformance-file-\(number)", ["File_Name": .string("Ängebot \"\(number)\"; 100% 契約.pdf")],
                    [.init(field: "Parent_Id", object: "Accounts", key: "conformance-parent", targetID: parent)])
            }, count: { try simulator.attachments().count })
    }

    var unkeyed: [UnkeyedSubject] {
        guard let quote else { return [] }
        let (server, simulator) = (org.server, org.simulator)
        return [
            UnkeyedSubject(
                object: Self.items,
                fields: {
                    ["Quantity": String($0 + $1), "List_Price": "9.5", "Description": "Cömment \"\($0)\"; \($1)"]
                },
                references: {
                    [
                        .init(field: "Parent_Id", object: "Quotes", key: "conformance-quote", targetID: quote.id),
                        .init(
                            field: "Product_Name", object: "Products", key: "conformance-product",
                            targetID: quote.product),
                    ]
                },
                inject: { fault, times in
                    server.faults.inject(
                        FaultPlan.Rule(Self.fault(for: fault), .next(times), pathPrefix: "/crm/v8/Quotes"))
                    // The record is looked at before it is written.
                    server.faults.inject(FaultPlan.Rule(.trickle, .next(1), pathPrefix: "/crm/v8/Quotes/"))
                }, count: { try simulator.count(of: Self.items) })
        ]
    }

    func count() async throws -> Int { try org.simulator.count(of: "Contacts") }

    func createByOthers(_ fields: [String: String]) async throws -> String? {
        try await org.create("Contacts", .object(fields.map { .init($0.key, .string($0.value)) }))
    }

    // MARK: The network

    func inject(_ fault: ConformanceFault, times: Int) {
        let path =
            isBulk
            ? "/crm/bulk/v8" + (streams.isEmpty ? "/write" : "/read")
            : "/crm/v8" + (streams.isEmpty ? "/Contacts" : "/coql")
        org.server.faults.inject(FaultPlan.Rule(Self.fault(for: fault), .next(times), pathPrefix: path))
    }

    /// A source asks for nothing but the file. A destination looks at the record's files before it sends one: that answer
    /// comes slowly but whole, so that what goes wrong is the sending.
    func injectIntoContents(_ fault: ConformanceFault, times: Int) {
        let path = parent.map { "/crm/v8/Accounts/\($0)/Attachments" } ?? "/crm/v8/"
        org.server.faults.inject(FaultPlan.Rule(Self.fault(for: fault), .next(times), pathPrefix: path))
        guard parent != nil else { return }
        // The rule that was given last comes first, and spares a request that it hits the others.
        org.server.faults.inject(FaultPlan.Rule(.trickle, .next(1), pathPrefix: path + "?"))
    }

    private static func fault(for fault: ConformanceFault) -> Fault {
        switch fault {
        case .throttled: .status(429, retryAfter: .seconds(1))
        case .failing: .status(503, retryAfter: nil)
        case .lost: .drop
        case .lostAnswer: .commitThenDrop
        case .cutOff: .badJSON
        }
    }

    func expireToken() async throws { org.clock.advance(by: .seconds(4_000)) }

    func exhaustQuota() async throws {
        // A job that is refused for what it asks costs as much as another one.
        while isBulk, try await org.ask(.post, "/write", [:], bulk: true)["code"] != "LIMIT_EXCEEDED" {}
        for _ in 0...800 where try await org.send(.get, "/users").status == 429 { return }
        Issue.record("the credits are not used up")
    }

    var writes: Int { org.server.journal.counts.writes - writesBefore }

    /// As they stand in the simulator's own source, so that a new one is noticed.
    var vendorCodes: [String] {
        let folder = repositoryRoot.appending(path: "Sources/Simulators/Zoho")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        var codes: Set<String> = []
        for name in files {
            let text = (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
            for match in text.matches(of: /(?:RowFailure\(|ZohoFailure\(\s*\d+,)\s*"([A-Z]+(?:_[A-Z]+)+)"/) {
                codes.insert(String(match.1))
            }
        }
        return codes.sorted()
    }

    func knows(_ vendorCode: String) -> Bool { VendorErrorTable.zoho.rules.contains { $0.vendorCode == vendorCode } }
}
