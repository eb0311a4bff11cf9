// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
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

/// Both sides of the connector against the simulated account, by the suite that every connector passes.
struct `HubSpot conforms` {
    @Test(arguments: SourceConformance.allCases)
    func `as a source`(check: SourceConformance) async throws {
        try await HubSpotSubject.run { try await check.check($0) }
    }

    @Test(arguments: RemoteSourceConformance.allCases)
    func `as a source through a network`(check: RemoteSourceConformance) async throws {
        try await HubSpotSubject.run { try await check.check($0) }
    }

    @Test(arguments: DestinationConformance.allCases)
    func `as a destination`(check: DestinationConformance) async throws {
        try await HubSpotSubject.run { try await check.check($0) }
    }

    @Test(arguments: RemoteDestinationConformance.allCases)
    func `as a destination through a network`(check: RemoteDestinationConformance) async throws {
        try await HubSpotSubject.run { try await check.check($0) }
    }

    @Test(arguments: ["2026-03", "2026-09"])
    func `as a destination by dated paths`(version: String) async throws {
        for check in [DestinationConformance.schema, .write, .partial, .delete, .links] {
            try await HubSpotSubject.run(version: version) { try await check.check($0) }
        }
    }
}

/// An account with 400 records, tokens that expire, and 900 requests a day.
private struct HubSpotSubject: RemoteSourceSubject, RemoteDestinationSubject {
    let account: HubSpotAccount
    let version: String

    private static let dailyRequests = 900
    private static let ownToken = "the-test's-own"

    static func run(version: String = "v3", _ body: (HubSpotSubject) async throws -> Void) async throws {
        let options = HubSpotOptions(
            tokens: [ownToken], rate: .init(requests: 100_000, window: .seconds(10), daily: dailyRequests))
        try await HubSpotAccount.run(.init(records: 400), options: options) { account in
            try await body(HubSpotSubject(account: account, version: version))
        }
    }

    // MARK: As a source

    private var secrets: [String: Secret] {
        ["auth.client_secret": Secret("secret"), "auth.refresh_token": Secret("refresh")]
    }

    private var settings: [String: String] { ["auth.client_id": "client", "api_version": version] }

    func makeSource() throws -> any Source {
        try account.source(settings.merging(["page_size": "40"]) { $1 }, secrets: secrets)
    }

    var sourceCapabilities: SourceCapabilities { HubSpotSource.capabilities }

    var streams: [ExpectedStream] {
        [CRMObject.contact, .company, .deal, .note].map { object in
            var records: [String: [String: String?]] = [:]
            for index in 0..<account.crm.counts[object] where !account.crm.isArchived(object, at: index) {
                records[String(account.crm.id(of: object, at: index))] = values(account.crm.record(object, at: index))
            }
            return ExpectedStream(object.stream, records: records)
        }
    }

    private func values(_ record: any SyntheticRecord) -> [String: String?] {
        func values<Record: SyntheticRecord>(_ record: Record) -> [String: String?] {
            Dictionary(Record.Field.allCases.map { ($0.rawValue, record[$0]) }, uniquingKeysWith: { $1 })
        }
        return values(record)
    }

    var links: [ExpectedLinks] {
        [LinkKind.contactToCompany, .dealToContact, .noteToDeal].map { kind in
            ExpectedLinks(
                from: kind.from.stream, to: kind.to.stream,
                edges: account.crm.edges(kind).filter { edge in
                    !account.crm.isArchived(edge.from, of: kind.from) && !account.crm.isArchived(edge.to, of: kind.to)
                })
        }
    }

    var unlinked: (from: StreamName, to: StreamName)? { nil }
    var peopleCount: Int { account.crm.counts.owners }

    // MARK: As a destination

    func makeDestination() throws -> any Destination {
        try account.destination(settings, secrets: secrets)
    }

    var destinationCapabilities: DestinationCapabilities { HubSpotDestination.capabilities }
    let object = "contact"

    func fields(_ number: Int, version: Int) -> [String: String] {
        [
            "email": "c\(number)@conformance.test", "lastname": "Ünïcode \"\(number)\" 👩‍👩‍👧",
            "jobtitle": "Title; \(version)",
        ]
    }

    var refused: (fields: [String: String], code: ErrorCode)? {
        (["lifecyclestage": "no such stage"], .notInPicklist)
    }

    var link: LinkSubject? {
        LinkSubject(
            object: "contact_to_company", fromField: "from", toField: "to", toObject: "company",
            toFields: ["name": "Acme"])
    }

    func count() async throws -> Int {
        let answer = try await account.http.send(HTTPRequest(.get, account.server.baseURL + "/_simulator/state"))
        return try #require(try JSONValue(parsing: answer.body)["contacts"]?["live"]?.int)
    }

    func createByOthers(_ fields: [String: String]) async throws -> String? {
        let body: JSONValue = ["properties": .object(fields.map { .init($0.key, .string($0.value)) })]
        let answer = try await account.ask(.post, "/crm/v3/objects/contacts", body, token: Self.ownToken)
        return try #require(answer["id"]?.text)
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
        account.server.faults.inject(FaultPlan.Rule(rule, .next(times), pathPrefix: "/crm/v3/objects/contacts"))
    }

    func expireToken() async throws { account.clock.advance(by: .seconds(1_900)) }

    func exhaustQuota() async throws {
        for _ in 0...Self.dailyRequests {
            let answer = try await account.status(.get, "/crm/v3/owners", token: Self.ownToken)
            if answer == 429 { return }
        }
        Issue.record("the day's requests are not used up")
    }

    var writes: Int { account.server.journal.counts.writes }

    /// As they stand in the simulator's own source, so that a new one is noticed.
    var vendorCodes: [String] {
        get {
            let folder = repositoryRoot.appending(path: "Sources/Simulators/HubSpot")
            var codes: Set<String> = []
            for name in ["WriteRules.swift", "HubSpotFailure.swift", "Authorization.swift", "HubSpotSimulator.swift"] {
                let text = (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
                for match in text.matches(of: /"([A-Z]+(?:_[A-Z]+)+|CONFLICT|LOCKED)"/) {
                    codes.insert(String(match.1))
                }
            }
            // Names of limits stand beside their category.
            return codes.subtracting(["TEN_SECONDLY_ROLLING", "RATE_LIMIT"]).sorted()
        }
    }

    func knows(_ vendorCode: String) -> Bool { VendorErrorTable.hubSpot.rules.contains { $0.vendorCode == vendorCode } }
}

extension HubSpotAccount {
    func destination(
        _ texts: [String: String] = [:], secrets: [String: Secret] = ["auth.token": Secret("token")]
    ) throws -> HubSpotDestination {
        try HubSpotDestination(
            settings: ConnectorSettings(
                texts: texts.merging(["base_url": server.baseURL]) { own, _ in own }, secrets: secrets),
            http: http, clock: clock)
    }

    /// The answer to a request of somebody else's.
    func ask(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, token: String = "somebody-else"
    ) async throws -> JSONValue {
        let response = try await send(method, path, body, token: token)
        return response.body.isEmpty ? .null : try JSONValue(parsing: response.body)
    }

    func status(_ method: HTTPMethod, _ path: String, token: String) async throws -> Int {
        try await send(method, path, nil, token: token).status
    }

    private func send(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue?, token: String
    ) async throws -> HTTPResponse {
        try await http.send(
            HTTPRequest(
                method, server.baseURL + path,
                headers: [
                    HTTPHeader("Authorization", "Bearer \(token)"), HTTPHeader("Content-Type", "application/json"),
                ],
                body: body.map { .bytes($0.serialized()) } ?? .empty))
    }
}

extension SyntheticCRM {
    /// All links of a kind, one for each label.
    func edges(_ kind: LinkKind) -> Set<Edge> {
        let links = links(kind)
        var edges: Set<Edge> = []
        for index in 0..<counts[kind.from] {
            let from = String(id(of: kind.from, at: index))
            for link in links.links(from: index) {
                for label in link.labels.isEmpty ? [nil] : link.labels.map(Optional.some) {
                    edges.insert(Edge(from: from, to: String(link.toID), isPrimary: link.isPrimary, label: label))
                }
            }
        }
        return edges
    }

    /// Whether the record with this id was deleted; one that never was is not.
    func isArchived(_ id: String, of object: CRMObject) -> Bool {
        Int(id).flatMap { index(of: object, id: $0) }.map { isArchived(object, at: $0) } ?? false
    }
}
