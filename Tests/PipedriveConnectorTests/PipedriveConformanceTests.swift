// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipedriveConnector
import MigratezPipedriveSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// Both sides of the connector against the simulated company, by the suite that every connector passes.
struct `Pipedrive conforms` {
    @Test(arguments: SourceConformance.allCases)
    func `as a source`(check: SourceConformance) async throws {
        try await PipedriveSubject.run(files: 60) { try await check.check($0) }
    }

    @Test(arguments: RemoteSourceConformance.allCases)
    func `as a source through a network`(check: RemoteSourceConformance) async throws {
        try await PipedriveSubject.run(files: 60) { try await check.check($0) }
    }

    @Test(arguments: DestinationConformance.allCases)
    func `as a destination`(check: DestinationConformance) async throws {
        try await PipedriveSubject.run { try await check.check($0) }
    }

    @Test(arguments: RemoteDestinationConformance.allCases)
    func `as a destination through a network`(check: RemoteDestinationConformance) async throws {
        try await PipedriveSubject.run { try await check.check($0) }
    }

    @Test(arguments: DestinationConformance.allCases)
    func `as a destination of leads`(check: DestinationConformance) async throws {
        try await PipedriveSubject.run { try await check.check(try PipedriveLeadSubject($0)) }
    }

    @Test(arguments: RemoteDestinationConformance.allCases)
    func `as a destination of leads through a network`(check: RemoteDestinationConformance) async throws {
        try await PipedriveSubject.run { try await check.check(try PipedriveLeadSubject($0)) }
    }
}

/// A company with 400 records, access tokens of an hour, and 20,000 tokens a day.
struct PipedriveSubject: RemoteSourceSubject, RemoteDestinationSubject {
    let company: PipedriveCompany
    let contents: [ExpectedContents]

    private static let dailyTokens = 20_000
    static let ownToken = "the-test's-own"

    static func run(files: Int = 0, _ body: (PipedriveSubject) async throws -> Void) async throws {
        let options = PipedriveOptions(
            tokens: [ownToken], burst: .init(requests: 1_000_000), dailyTokens: dailyTokens, searchLag: .seconds(3_600))
        var counts = SyntheticCRM.Counts(records: 400, files: files)
        counts.leads = 60
        counts.products = 12
        counts.lineItems = 150
        try await PipedriveCompany.run(counts, options: options) { company in
            var contents: [ExpectedContents] = []
            if files > 0 { contents = [try expectedContents(company)] }
            try await body(PipedriveSubject(company: company, contents: contents))
        }
    }

    // MARK: As a source

    private var secrets: [String: Secret] {
        ["auth.client_secret": Secret("secret"), "auth.refresh_token": Secret("refresh")]
    }

    private var settings: [String: String] {
        ["auth.client_id": "client", "rate.daily_tokens": String(Self.dailyTokens)]
    }

    func makeSource() throws -> any Source {
        try company.source(settings.merging(["page_size": "20"]) { $1 }, secrets: secrets)
    }

    var sourceCapabilities: SourceCapabilities { PipedriveSource.capabilities }

    /// From the synthetic CRM, not from what the simulator stores.
    var streams: [ExpectedStream] {
        let crm = company.crm
        func records<Record: SyntheticRecord>(
            _ name: String, _ make: (Int) -> Record, _ values: (Record) -> [String: String?]?
        ) -> ExpectedStream {
            var records: [String: [String: String?]] = [:]
            for index in 0..<crm.counts[Record.object] where !crm.isArchived(Record.object, at: index) {
                let record = make(index)
                if let values = values(record) { records[String(record.id)] = values }
            }
            return ExpectedStream(StreamName(name)!, records: records)
        }
        func given(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
        return [
            records("person", crm.contact(at:)) { contact in
                [
                    "name": [given(contact[.firstname]), given(contact[.lastname])].compactMap(\.self)
                        .joined(separator: " ").nonEmpty ?? "Person \(contact.id)",
                    "email": given(contact[.email]), "phone": given(contact[.phone]) ?? given(contact[.mobilephone]),
                    "org_id": first(.contactToCompany, contact.index), "Position": given(contact[.jobtitle]),
                    "Remarks": given(contact[.notes]), "Birthday": given(contact[.birthday]),
                    "Income": given(contact[.annualrevenue]),
                    "Income_currency": given(contact[.annualrevenue]).map { _ in "USD" },
                    "Home_locality": given(contact[.city]),
                ]
            },
            records("organization", crm.company(at:)) { company in
                [
                    "name": given(company[.name]) ?? "Company \(company.id)", "website": given(company[.website]),
                    "address_locality": given(company[.address]) ?? given(company[.city]) == nil
                        ? nil : given(company[.city]), "Domain": given(company[.domain]),
                    "employee_count": given(company[.numberofemployees]),
                ]
            },
            records("deal", crm.deal(at:)) { deal in
                [
                    "title": given(deal[.dealname]) ?? "Deal \(deal.id)", "value": given(deal[.amount]) ?? "0",
                    "status": deal[.isWon] == "true" ? "won" : deal[.isClosed] == "true" ? "lost" : "open",
                    "person_id": first(.dealToContact, deal.index),
                    "is_archived": Seeding.isArchived(deal) ? "true" : "false",
                ]
            },
            records("note", crm.note(at:)) { note in
                let links = [LinkKind.noteToContact, .noteToCompany, .noteToDeal].map { first($0, note.index) }
                guard let body = given(note[.body]), links.contains(where: { $0 != nil }) else { return nil }
                return ["content": body, "person_id": links[0], "org_id": links[1], "deal_id": links[2]]
            },
            leads, lines,
        ]
    }

    /// The id of the first record that a link leads to.
    func first(_ kind: LinkKind, _ index: Int) -> String? {
        company.crm.links(kind, from: index).first { !$0.isDangling }.map { String($0.toID) }
    }

    var links: [ExpectedLinks] {
        let crm = company.crm
        func edges(_ kind: LinkKind, all: Bool) -> Set<Edge> {
            var edges: Set<Edge> = []
            for index in 0..<crm.counts[kind.from] where !crm.isArchived(kind.from, at: index) {
                let links = crm.links(kind, from: index).filter { !$0.isDangling }
                for (place, link) in (all ? links : Array(links.prefix(1))).enumerated() {
                    edges.insert(
                        Edge(
                            from: String(crm.id(of: kind.from, at: index)), to: String(link.toID),
                            isPrimary: place == 0))
                }
            }
            return edges
        }
        let person = StreamName("person")!
        let organization = StreamName("organization")!
        func ends(_ records: ExpectedStream, _ field: String, _ to: StreamName) -> ExpectedLinks {
            let edges = records.records.compactMap { id, values in
                (values[field] ?? nil).map { Edge(from: id, to: $0, isPrimary: true) }
            }
            return ExpectedLinks(from: records.stream, to: to, edges: Set(edges))
        }
        return [
            ends(leads, "person_id", person), ends(leads, "organization_id", organization),
            ends(lines, "deal_id", StreamName("deal")!), ends(lines, "product_id", StreamName("product")!),
            ExpectedLinks(from: person, to: organization, edges: edges(.contactToCompany, all: false)),
            ExpectedLinks(from: StreamName("deal")!, to: person, edges: edges(.dealToContact, all: true)),
        ]
    }

    /// Sizes of files whose bytes come in more pieces than one, and not so large that reading them takes long.
    private static let severalPieces = (256 << 10) + 1..<1_000_000

    /// Of the files an empty one, one of several pieces and small ones; the company does not give the last of these, as if
    /// it were gone since it was listed.
    private static func expectedContents(_ company: PipedriveCompany) throws -> ExpectedContents {
        let crm = company.crm
        let files = (0..<crm.counts.files).filter { !crm.isArchived(.file, at: $0) }.map { crm.file(at: $0) }
        let empty = try #require(files.first { $0.size == 0 })
        let large = try #require(files.first { severalPieces.contains($0.size) })
        let small = files.filter { (1..<severalPieces.lowerBound).contains($0.size) }.prefix(9)
        let gone = try #require(small.last)
        let path = "/api/v1/files/\(gone.id)/download"
        company.server.faults.inject(FaultPlan.Rule(.status(404, retryAfter: nil), .share(1), pathPrefix: path))
        var digests: [String: [UInt8]] = [:]
        for file in [empty, large] + small.dropLast() { digests[String(file.id)] = file.sha256 }
        return ExpectedContents(StreamName("file")!, digests: digests, unavailable: [String(gone.id)])
    }

    var unlinked: (from: StreamName, to: StreamName)? { (StreamName("organization")!, StreamName("person")!) }
    /// The owners and the administrator.
    var peopleCount: Int { company.crm.counts.owners + 1 }

    var editor: AccountEditor? {
        let company = company
        let persons = "/api/v2/persons"
        return AccountEditor(
            StreamName("person")!,
            create: { number in
                let body: JSONValue = ["name": .string("Edited \(number)")]
                let made = try await company.ask(.post, persons, body, token: Self.ownToken)
                return try #require(made.answer["data"]?["id"]?.text)
            },
            change: { id in
                let made = try await company.ask(.patch, "\(persons)/\(id)", ["name": "Changed"], token: Self.ownToken)
                try #require(made.status == 200)
            },
            delete: { id in
                let made = try await company.ask(.delete, "\(persons)/\(id)", token: Self.ownToken)
                try #require(made.status == 200)
            })
    }

    // MARK: As a destination

    func makeDestination() throws -> any Destination { try company.destination(settings, secrets: secrets) }

    var destinationCapabilities: DestinationCapabilities { PipedriveDestination.capabilities }
    let object = "person"

    func fields(_ number: Int, version: Int) -> [String: String] {
        [
            "email": "c\(number)@conformance.test", "name": "Ünïcode \"\(number)\" 👩‍👩‍👧",
            "Position": "Title; \(version)",
        ]
    }

    var refused: (fields: [String: String], code: ErrorCode)? {
        (["Lifecycle stage": "no such stage"], .notInPicklist)
    }

    var link: LinkSubject? {
        LinkSubject(
            object: "deal_participant", fromField: "person_id", toField: "deal_id", toObject: "deal",
            toFields: ["title": "Renewal"])
    }

    var content: ContentSubject? {
        let simulator = company.simulator
        return ContentSubject(
            object: "file", field: "file",
            row: { number in
                let person = try #require(try simulator.records(of: "persons").first).id
                let fields: JSONValue = ["name": .string("Ängebot \"\(number)\"; 100% 契約.pdf")]
                return Batch.Row(
                    key: "conformance-file-\(number)", fields: fields.serialized(),
                    references: [
                        .init(
                            field: "person_id", object: "person", key: "conformance-parent", targetID: String(person))
                    ])
            }, count: { try simulator.count(of: "files") })
    }

    var unkeyed: [UnkeyedSubject] { [noteRows, lineRows] }

    func count() async throws -> Int { try company.simulator.count(of: "persons") }

    /// By the fields' own keys, as the API has them.
    func createByOthers(_ fields: [String: String]) async throws -> String? {
        let list = try await company.ask(.get, "/api/v2/personFields?limit=500", token: Self.ownToken).answer
        let position = try #require(
            list["data"]?.elements.first { $0["field_name"]?.text == "Position" }?["field_code"]?.text)
        let answer = try await company.ask(
            .post, "/api/v2/persons",
            [
                "name": .string(fields["name"] ?? ""),
                "emails": [["value": .string(fields["email"] ?? ""), "primary": true, "label": "work"]],
                "custom_fields": .object([.init(position, .string(fields["Position"] ?? ""))]),
            ], token: Self.ownToken
        ).answer
        return try #require(answer["data"]?["id"]?.text)
    }

    // MARK: The network

    func inject(_ fault: ConformanceFault, times: Int) {
        company.server.faults.inject(
            FaultPlan.Rule(Self.fault(for: fault), .next(times), pathPrefix: "/api/v2/persons"))
    }

    /// A destination looks for the newest file before it sends one: that answer comes slowly but whole, so that what goes
    /// wrong is the sending. Of a source the same spares the next page, and the download has the fault.
    func injectIntoContents(_ fault: ConformanceFault, times: Int) {
        let path = "/api/v1/files"
        company.server.faults.inject(FaultPlan.Rule(Self.fault(for: fault), .next(times), pathPrefix: path))
        // The rule that was given last comes first, and spares a request that it hits the others.
        company.server.faults.inject(FaultPlan.Rule(.trickle, .next(1), pathPrefix: path + "?"))
    }

    static func fault(for fault: ConformanceFault) -> Fault {
        switch fault {
        case .throttled: .status(429, retryAfter: .seconds(1))
        case .failing: .status(503, retryAfter: nil)
        case .lost: .drop
        case .lostAnswer: .commitThenDrop
        case .cutOff: .badJSON
        }
    }

    func expireToken() async throws { company.clock.advance(by: .seconds(4_000)) }

    func exhaustQuota() async throws {
        for _ in 0...Self.dailyTokens / 20 {
            let status = try await company.ask(.get, "/api/v1/users", token: Self.ownToken).status
            if status == 429 { break }
        }
        // What is left of the day is less than a list costs.
        for _ in 0...20 {
            let status = try await company.ask(.get, "/api/v1/users/me", token: Self.ownToken).status
            if status == 429 { return }
        }
        Issue.record("the day's tokens are not used up")
    }

    var writes: Int { company.server.journal.counts.writes }

    /// As they stand in the simulator's own source, so that a new one is noticed; where there is no code, the status.
    var vendorCodes: [String] {
        let folder = repositoryRoot.appending(path: "Sources/Simulators/Pipedrive")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        var codes: Set<String> = []
        for name in files {
            let text = (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
            for match in text.matches(of: /PipedriveFailure\(\s*(\d{3}), (?:nil|"([A-Za-z_]+)")/) {
                codes.insert(match.2.map(String.init) ?? String(match.1))
            }
        }
        return codes.sorted()
    }

    func knows(_ vendorCode: String) -> Bool {
        VendorErrorTable.pipedrive.rules.contains { $0.vendorCode == vendorCode }
    }
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
