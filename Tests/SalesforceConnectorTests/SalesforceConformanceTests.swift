// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezTestKit
import MigratezTransport
import Testing

/// Both sides of the connector against the simulated org, by the suite that every connector passes.
@Suite(.serialized) struct `Salesforce conforms` {
    @Test(arguments: SourceConformance.allCases, ["rest", "bulk2"])
    func `as a source`(check: SourceConformance, route: String) async throws {
        try await SalesforceSubject.run(route: route, fills: true) { try await check.check($0) }
    }

    @Test(arguments: RemoteSourceConformance.allCases, ["rest", "bulk2"])
    func `as a source through a network`(check: RemoteSourceConformance, route: String) async throws {
        try await SalesforceSubject.run(route: route, fills: true) { try await check.check($0) }
    }

    @Test(arguments: DestinationConformance.allCases)
    func `as a destination`(check: DestinationConformance) async throws {
        try await SalesforceSubject.run { try await check.check($0) }
    }

    @Test(arguments: RemoteDestinationConformance.allCases)
    func `as a destination through a network`(check: RemoteDestinationConformance) async throws {
        try await SalesforceSubject.run { try await check.check($0) }
    }
}

/// An org with 1,500 requests a day and sessions of an hour.
private struct SalesforceSubject: RemoteSourceSubject, RemoteDestinationSubject {
    let org: SalesforceSimulator
    let server: SimulatorServer
    let clock: ManualClock
    let route: String
    let streams: [ExpectedStream]
    let links: [ExpectedLinks]
    let contents: [ExpectedContents]
    /// Requests that filled the org.
    private let writesBefore: Int

    private static let dailyRequests = 1_500
    private static let somebody = "somebody-else"

    static func run(
        route: String = "rest", fills: Bool = false, _ body: (SalesforceSubject) async throws -> Void
    ) async throws {
        let clock = ManualClock(advancesBySleeping: true)
        var options = OrgOptions()
        options.staticTokens = [somebody]
        options.sessionLifetime = .seconds(3_600)
        options.dailyRequestsMax = dailyRequests
        options.users.append(OrgOptions.User(email: "gone@acme.test", name: "Gone", isActive: false))
        let org = try SalesforceSimulator(options: options, clock: clock)
        try await SimulatorServer.run(org) { server in
            let content =
                fills
                ? try await OrgContent.fill(
                    server.baseURL, org, try makeSalesforceDestination(server.baseURL, clock: clock)) : nil
            try await body(
                SalesforceSubject(
                    org: org, server: server, clock: clock, route: route, streams: content?.streams ?? [],
                    links: content?.links ?? [], contents: content?.contents ?? [],
                    writesBefore: server.journal.counts.writes))
        }
    }

    // MARK: As a source

    func makeSource() throws -> any Source {
        try makeSalesforceSource(server.baseURL, clock: clock, ["extract.api": route, "page_size": "200"])
    }

    /// What a job brings is not cut.
    var sourceCapabilities: SourceCapabilities {
        var capabilities = SalesforceSource.capabilities
        if route == "bulk2" { capabilities.slicedBy = nil }
        return capabilities
    }

    var unlinked: (from: StreamName, to: StreamName)? { (OrgContent.account, OrgContent.contact) }
    let peopleCount = 3

    var editor: AccountEditor? {
        let url = server.baseURL
        return AccountEditor(
            OrgContent.account,
            create: { number in
                let answer = try await OrgContent.post(url, "/sobjects/Account", ["Name": .string("Edited \(number)")])
                return try #require(answer["id"]?.text)
            },
            change: { _ = try await OrgContent.ask(.patch, url, "/sobjects/Account/\($0)", ["Phone": "+1 555"]) },
            delete: { _ = try await OrgContent.ask(.delete, url, "/sobjects/Account/\($0)", nil) })
    }

    // MARK: As a destination

    func makeDestination() throws -> any Destination {
        try makeSalesforceDestination(server.baseURL, clock: clock)
    }

    var destinationCapabilities: DestinationCapabilities { SalesforceDestination.capabilities }
    let object = "Contact"

    func fields(_ number: Int, version: Int) -> [String: String] {
        [
            "Email": "c\(number)@conformance.test", "LastName": "Ünïcode \"\(number)\" 👩‍👩‍👧",
            "Title": "Title; \(version)",
        ]
    }

    var refused: (fields: [String: String], code: ErrorCode)? { (["LeadSource": "no such source"], .notInPicklist) }

    var link: LinkSubject? {
        LinkSubject(
            object: "OpportunityContactRole", fromField: "ContactId", toField: "OpportunityId",
            toObject: "Opportunity",
            toFields: ["Name": "Renewal", "StageName": "Prospecting", "CloseDate": "2026-12-31"])
    }

    /// Versions are counted, not documents: a file that was sent twice may be one document with two of them.
    var content: ContentSubject? {
        ContentSubject(
            object: OrgFiles.object, field: OrgFiles.field, takesEmpty: false,
            row: { OrgFiles.row("conformance-record-\($0)") }, count: { try org.count(of: OrgFiles.object) })
    }

    func count() async throws -> Int { try org.count(of: "Contact") }

    func createByOthers(_ fields: [String: String]) async throws -> String? {
        let body = JSONValue.object(fields.map { .init($0.key, .string($0.value)) })
        let answer = try await OrgContent.post(server.baseURL, "/sobjects/Contact", body)
        return try #require(answer["id"]?.text)
    }

    // MARK: The network

    /// The platform has no throttle but the day's requests; a row lock is what only slows.
    func inject(_ fault: ConformanceFault, times: Int) {
        let paths = streams.isEmpty ? ["/composite/sobjects"] : route == "rest" ? ["/query"] : ["/jobs/query/"]
        inject(fault, times: times, at: paths)
    }

    /// Contents go by this path on both sides, whatever brings the records.
    func injectIntoContents(_ fault: ConformanceFault, times: Int) {
        inject(fault, times: times, at: ["/sobjects/\(OrgFiles.object)"])
    }

    private func inject(_ fault: ConformanceFault, times: Int, at paths: [String]) {
        let rule =
            switch fault {
            case .throttled: Fault.status(503, retryAfter: .seconds(1))
            case .failing: Fault.status(503, retryAfter: nil)
            case .lost: Fault.drop
            case .lostAnswer: Fault.commitThenDrop
            case .cutOff: Fault.badJSON
            }
        for path in paths {
            server.faults.inject(FaultPlan.Rule(rule, .next(times), pathPrefix: "/services/data/v67.0" + path))
        }
    }

    func expireToken() async throws { clock.advance(by: .seconds(4_000)) }

    func exhaustQuota() async throws {
        for _ in 0...Self.dailyRequests {
            let response = try await sharedClient.get().send(
                HTTPRequest(
                    .get, server.baseURL + "/services/data/v67.0/limits",
                    headers: [HTTPHeader("Authorization", "Bearer \(Self.somebody)")]))
            if response.status == 403 { return }
        }
        Issue.record("the day's requests are not used up")
    }

    var writes: Int { server.journal.counts.writes - writesBefore }

    /// As they stand in the simulator's own source, so that a new one is noticed.
    var vendorCodes: [String] {
        let folder = repositoryRoot.appending(path: "Sources/Simulators/Salesforce")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        var codes: Set<String> = []
        for name in files {
            let text = (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
            for match in text.matches(of: /(?:RowFailure\(|APIFailure\(\s*\d+,)\s*"([A-Z]+(?:_[A-Z]+)+)"/) {
                codes.insert(String(match.1))
            }
        }
        return codes.sorted()
    }

    func knows(_ vendorCode: String) -> Bool { VendorErrorTable.salesforce.known(vendorCode) != nil }
}
