// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezOdooConnector
import MigratezOdooSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

/// Both sides of the connector against the simulated database, by the suite that every connector passes, by both
/// interfaces.
///
/// Three of its questions do not arise: the server has no allowance that could be used up and no headers about one, and a
/// key of its cannot be renewed by a program. `OdooFailureTests` asks what happens in their place.
@Suite(.serialized) struct `Odoo conforms` {
    static let versions = [19, 17]
    /// As many of this seed's as make more than one page and have an empty one (the 88th), small ones and some of more than
    /// one piece among them; only for the questions about contents, because their bytes take time.
    private static let files = 90

    @Test(arguments: SourceConformance.allCases, versions)
    func `as a source`(check: SourceConformance, version: Int) async throws {
        let files = check == .contents ? Self.files : 0
        try await OdooSubject.run(records: 400, files: files, version: version) { try await check.check($0) }
    }

    @Test(arguments: [RemoteSourceConformance.throttle, .faults, .contents, .dry], versions)
    func `as a source through a network`(check: RemoteSourceConformance, version: Int) async throws {
        let files = check == .contents ? Self.files : 0
        try await OdooSubject.run(records: 400, files: files, version: version) { try await check.check($0) }
    }

    @Test(arguments: DestinationConformance.allCases, versions)
    func `as a destination`(check: DestinationConformance, version: Int) async throws {
        try await OdooSubject.run(version: version) { try await check.check($0) }
    }

    @Test(arguments: [RemoteDestinationConformance.throttle, .lostCalls, .errors, .unkeyed, .contents, .dry], versions)
    func `as a destination through a network`(check: RemoteDestinationConformance, version: Int) async throws {
        try await OdooSubject.run(version: version) { try await check.check($0) }
    }

    @Test func `questions that do not arise are these three`() {
        let left: [RemoteSourceConformance] = [.token, .quota, .rate]
        #expect(RemoteSourceConformance.allCases.count == 4 + left.count)
        #expect(RemoteDestinationConformance.allCases.count == 6 + left.count)
    }
}

/// A database with the synthetic CRM, or with nothing but users.
private struct OdooSubject: RemoteSourceSubject, RemoteDestinationSubject {
    let site: OdooSite
    let streams: [ExpectedStream]
    let links: [ExpectedLinks]
    let contents: [ExpectedContents]
    let peopleCount: Int

    static func run(
        records: Int = 0, files: Int = 0, version: Int, _ body: (OdooSubject) async throws -> Void
    ) async throws {
        let counts = records > 0 ? SyntheticCRM.Counts(records: records, files: files) : nil
        try await OdooSite.run(counts: counts, version: version) { site in
            let content = try DatabaseContent(site.simulator, site.crm)
            try await body(
                OdooSubject(
                    site: site, streams: content.streams, links: content.links, contents: content.contents,
                    peopleCount: content.peopleCount))
        }
    }

    // MARK: As a source

    func makeSource() throws -> any Source { try site.source(["page_size": "40"]) }
    var sourceCapabilities: SourceCapabilities { OdooSource.capabilities }
    var unlinked: (from: StreamName, to: StreamName)? { (DatabaseContent.company, DatabaseContent.contact) }

    var editor: AccountEditor? {
        let site = site
        return AccountEditor(
            DatabaseContent.contact,
            create: { number in
                let values: JSONValue = ["name": .string("Edited \(number)"), "email": "edited@conformance.test"]
                return try #require(try await site.call("res.partner", "create", ["vals_list": [values]])[0]?.text)
            },
            change: { id in
                _ = try await site.call(
                    "res.partner", "write", ["ids": [.number(id)], "vals": ["function": "Changed"]])
            }, delete: { _ = try await site.call("res.partner", "unlink", ["ids": [.number($0)]]) })
    }

    // MARK: As a destination

    func makeDestination() throws -> any Destination { try site.destination() }
    var destinationCapabilities: DestinationCapabilities { OdooDestination.capabilities }
    let object = "contact"

    func fields(_ number: Int, version: Int) -> [String: String] {
        [
            "email": "c\(number)@conformance.test", "name": "Ünïcode \"\(number)\" 👩‍👩‍👧",
            "function": "Title; \(version) 100%",
        ]
    }

    var refused: (fields: [String: String], code: ErrorCode)? { (["type": "no such type"], .notInPicklist) }
    /// Links are fields of records.
    var link: LinkSubject? { nil }

    /// Every file hangs on the same record, the superuser's partner, which is there before any other: what hangs on nothing
    /// is no file of a record's.
    var content: ContentSubject? {
        ContentSubject(
            object: "file", field: "datas",
            row: { number in
                let partner = try #require(try site.simulator.records(of: "res.partner").first)
                let fields: JSONValue = [
                    "name": .string("Ünïcode \"\(number)\".pdf"), "mimetype": "application/pdf",
                ]
                return Batch.Row(
                    key: "conformance-record-\(number)", fields: fields.serialized(),
                    references: [.init(field: "res_id", object: "contact", key: "p", targetID: String(partner.id))])
            },
            count: { try site.simulator.count(of: "ir.attachment") })
    }

    func count() async throws -> Int {
        try site.simulator.records(of: "res.partner").filter { record in
            record.values["is_company"] == false && record.values["partner_share"] == true
        }.count
    }

    func createByOthers(_ fields: [String: String]) async throws -> String? {
        let values = JSONValue.object(fields.map { .init($0.key, .string($0.value)) })
        return try await site.call("res.partner", "create", ["vals_list": [values]])[0]?.text
    }

    // MARK: The network

    func inject(_ fault: ConformanceFault, times: Int) {
        inject(fault, times, into: "res.partner/\(streams.isEmpty ? "load" : "search_read")")
    }

    /// Contents have a model of their own, and are read by another method than records.
    func injectIntoContents(_ fault: ConformanceFault, times: Int) {
        inject(fault, times, into: "ir.attachment/\(streams.isEmpty ? "load" : "read")")
    }

    /// By JSON-RPC all calls have one address, so there the next call is hit, whichever it is: of a write the look-up
    /// before it. `OdooFileTests` loses the write itself.
    private func inject(_ fault: ConformanceFault, _ times: Int, into call: String) {
        let rule =
            switch fault {
            case .throttled: Fault.status(429, retryAfter: .seconds(1))
            case .failing: Fault.status(503, retryAfter: nil)
            case .lost: Fault.drop
            case .lostAnswer: Fault.commitThenDrop
            case .cutOff: Fault.badJSON
            }
        let path = site.version < 19 ? "/jsonrpc" : "/json/2/\(call)"
        site.server.faults.inject(FaultPlan.Rule(rule, .next(times), pathPrefix: path))
    }

    func expireToken() async throws {}
    func exhaustQuota() async throws {}

    var writes: Int { site.server.journal.counts.writes }

    /// As they stand in the simulator's own source, so that a new one is noticed.
    var vendorCodes: [String] {
        let folder = repositoryRoot.appending(path: "Sources/Simulators/Odoo")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        var codes: Set<String> = []
        for name in files {
            let text = (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
            for match in text.matches(of: /OdooFailure\(\s*"([a-z]+(?:\.[A-Za-z]+)+)"/) {
                codes.insert(String(match.1))
            }
        }
        return codes.sorted()
    }

    func knows(_ vendorCode: String) -> Bool { VendorErrorTable.odoo.known(vendorCode) != nil }
}

/// What a database holds, read from its store.
struct DatabaseContent {
    static let company = StreamName("company")!
    static let contact = StreamName("contact")!
    static let deal = StreamName("deal")!
    static let note = StreamName("note")!
    static let meeting = StreamName("meeting")!
    static let file = StreamName("file")!

    var streams: [ExpectedStream] = []
    var links: [ExpectedLinks] = []
    var contents: [ExpectedContents] = []
    var peopleCount = 0

    private var ids: [StreamName: Set<String>] = [:]
    private var records: [StreamName: [(id: Int64, values: JSONValue)]] = [:]

    /// - Parameter crm: what the database was filled with; the contents of its files are in no store.
    init(_ simulator: OdooSimulator, _ crm: SyntheticCRM?) throws {
        peopleCount = try simulator.count(of: "res.users")
        let partners = try simulator.records(of: "res.partner")
        let leads = try simulator.records(of: "crm.lead")
        guard !leads.isEmpty else { return }
        add(
            Self.contact, partners.filter { $0.values["is_company"] == false && $0.values["partner_share"] == true },
            ["name", "email", "phone", "function", "city", "parent_id", "comment", "active"])
        add(
            Self.company, partners.filter { $0.values["is_company"] == true },
            ["name", "website", "street", "country_id", "user_id", "x_annual_revenue", "active"])
        add(
            Self.deal, leads.filter { $0.values["type"] == "opportunity" },
            ["name", "stage_id", "expected_revenue", "date_deadline", "x_deal_type", "active"])
        add(Self.note, try simulator.records(of: "mail.message"), ["body", "date", "author_id", "res_id"])
        add(Self.meeting, try simulator.records(of: "calendar.event"), ["name", "start", "stop", "location"])
        if let crm, crm.counts.files > 0 {
            contents = [ExpectedContents(Self.file, digests: try Self.digests(simulator, crm))]
        }
        link(Self.contact, Self.company) { [$0["parent_id"]] }
        link(Self.deal, Self.contact) { [$0["partner_id"]] }
        link(Self.deal, Self.company) { [$0["partner_id"]] }
        link(Self.note, Self.deal) { [$0["model"] == "crm.lead" ? $0["res_id"] : nil] }
        link(Self.note, Self.contact) { [$0["model"] == "res.partner" ? $0["res_id"] : nil] }
        link(Self.meeting, Self.contact) {
            ($0["partner_ids"]?.elements ?? []) + [$0["res_model"] == "res.partner" ? $0["res_id"] : nil]
        }
    }

    private mutating func add(_ stream: StreamName, _ all: [(id: Int64, values: JSONValue)], _ fields: [String]) {
        records[stream] = all
        ids[stream] = Set(all.map { String($0.id) })
        let expected = all.map { record in
            (
                String(record.id),
                Dictionary(
                    uniqueKeysWithValues: fields.map { field -> (String, String?) in
                        let value = record.values[field]
                        let number = field == "expected_revenue" || field == "x_annual_revenue" ? "0" : nil
                        return (field, value?.bool.map { $0 ? "true" : "false" } ?? value?.text ?? number)
                    })
            )
        }
        streams.append(ExpectedStream(stream, records: Dictionary(uniqueKeysWithValues: expected)))
    }

    /// By the number of its file that an attachment is stored with: two files may have one name.
    ///
    /// None is unavailable: an attachment that the key's user may not read is not listed either.
    private static func digests(_ simulator: OdooSimulator, _ crm: SyntheticCRM) throws -> [String: [UInt8]] {
        var digests: [String: [UInt8]] = [:]
        for attachment in try simulator.records(of: "ir.attachment") {
            guard let index = attachment.values["~file"]?.int else { continue }
            digests[String(attachment.id)] = crm.file(at: index).sha256
        }
        return digests
    }

    private mutating func link(_ from: StreamName, _ to: StreamName, _ ends: (JSONValue) -> [JSONValue?]) {
        var edges: Set<Edge> = []
        for record in records[from] ?? [] {
            let listed = Set((record.values["partner_ids"]?.elements ?? []).compactMap(\.text))
            for id in Set(ends(record.values).compactMap { $0?.text }) where ids[to]?.contains(id) == true {
                // One of a list of people is not the one that a record hangs on.
                edges.insert(Edge(from: String(record.id), to: id, isPrimary: !listed.contains(id)))
            }
        }
        links.append(ExpectedLinks(from: from, to: to, edges: edges))
    }
}
