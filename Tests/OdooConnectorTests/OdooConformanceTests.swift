// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezOdooConnector
import MigratezOdooSimulator
import MigratezSimulatorKit
import MigratezTestKit
import Testing

/// Both sides of the connector against the simulated database, by the suite that every connector passes, by both
/// interfaces.
///
/// Three of its questions do not arise: the server has no allowance that could be used up and no headers about one, and a
/// key of its cannot be renewed by a program. `OdooFailureTests` asks what happens in their place.
@Suite(.serialized) struct `Odoo conforms` {
    static let versions = [19, 17]

    @Test(arguments: SourceConformance.allCases, versions)
    func `as a source`(check: SourceConformance, version: Int) async throws {
        try await OdooSubject.run(records: 400, version: version) { try await check.check($0) }
    }

    @Test(arguments: [RemoteSourceConformance.throttle, .faults, .dry], versions)
    func `as a source through a network`(check: RemoteSourceConformance, version: Int) async throws {
        try await OdooSubject.run(records: 400, version: version) { try await check.check($0) }
    }

    @Test(arguments: DestinationConformance.allCases, versions)
    func `as a destination`(check: DestinationConformance, version: Int) async throws {
        try await OdooSubject.run(version: version) { try await check.check($0) }
    }

    @Test(arguments: [RemoteDestinationConformance.throttle, .lostCalls, .errors, .dry], versions)
    func `as a destination through a network`(check: RemoteDestinationConformance, version: Int) async throws {
        try await OdooSubject.run(version: version) { try await check.check($0) }
    }

    @Test func `questions that do not arise are these three`() {
        let left: [RemoteSourceConformance] = [.token, .quota, .rate]
        #expect(RemoteSourceConformance.allCases.count == 3 + left.count)
        #expect(RemoteDestinationConformance.allCases.count == 4 + left.count)
    }
}

/// A database with the synthetic CRM, or with nothing but users.
private struct OdooSubject: RemoteSourceSubject, RemoteDestinationSubject {
    let site: OdooSite
    let streams: [ExpectedStream]
    let links: [ExpectedLinks]
    let peopleCount: Int

    static func run(
        records: Int = 0, version: Int, _ body: (OdooSubject) async throws -> Void
    ) async throws {
        try await OdooSite.run(records: records, version: version) { site in
            let content = try DatabaseContent(site.simulator)
            try await body(
                OdooSubject(
                    site: site, streams: content.streams, links: content.links, peopleCount: content.peopleCount))
        }
    }

    // MARK: As a source

    func makeSource() throws -> any Source { try site.source(["page_size": "40"]) }
    var sourceCapabilities: SourceCapabilities { OdooSource.capabilities }
    var unlinked: (from: StreamName, to: StreamName)? { (DatabaseContent.company, DatabaseContent.contact) }

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
        let rule =
            switch fault {
            case .throttled: Fault.status(429, retryAfter: .seconds(1))
            case .failing: Fault.status(503, retryAfter: nil)
            case .lost: Fault.drop
            case .lostAnswer: Fault.commitThenDrop
            case .cutOff: Fault.badJSON
            }
        let method = streams.isEmpty ? "load" : "search_read"
        let path = site.version < 19 ? "/jsonrpc" : "/json/2/res.partner/\(method)"
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

    var streams: [ExpectedStream] = []
    var links: [ExpectedLinks] = []
    var peopleCount = 0

    private var ids: [StreamName: Set<String>] = [:]
    private var records: [StreamName: [(id: Int64, values: JSONValue)]] = [:]

    init(_ simulator: OdooSimulator) throws {
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
