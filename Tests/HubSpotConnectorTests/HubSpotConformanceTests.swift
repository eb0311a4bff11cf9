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
        try await HubSpotSubject.run(files: check == .contents ? HubSpotSubject.files : 0) { try await check.check($0) }
    }

    @Test(arguments: RemoteSourceConformance.allCases)
    func `as a source through a network`(check: RemoteSourceConformance) async throws {
        try await HubSpotSubject.run(files: check == .contents ? HubSpotSubject.files : 0) { try await check.check($0) }
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
        for check in [DestinationConformance.schema, .objects, .write, .partial, .delete, .links, .contents] {
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
    /// Enough that four are empty, one has 60 bytes, and some come in more than one piece.
    static let files = 60

    /// - Parameter files: none unless contents are read: HubSpot hangs files of contacts, companies and deals on notes of
    ///   their own, which are not among the notes of the synthetic CRM that the other checks expect.
    static func run(
        version: String = "v3", files: Int = 0, _ body: (HubSpotSubject) async throws -> Void
    ) async throws {
        let options = HubSpotOptions(
            tokens: [ownToken], rate: .init(requests: 100_000, window: .seconds(10), daily: dailyRequests))
        try await HubSpotAccount.run(.init(records: 400, files: files), options: options) { account in
            let subject = HubSpotSubject(account: account, version: version)
            if let gone = subject.gone {
                let status = try await account.status(.delete, "/files/v3/files/\(gone)", token: ownToken)
                try #require(status == 204)
            }
            try await body(subject)
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

    var contents: [ExpectedContents] {
        let files = account.attachedFiles
        return [
            ExpectedContents(
                CRMObject.file.stream,
                digests: Dictionary(uniqueKeysWithValues: files.dropFirst().map { (String($0.id), $0.sha256) }),
                unavailable: Set(files.prefix(1).map { String($0.id) }))
        ]
    }

    /// A file that somebody deleted, and that a note names still.
    private var gone: Int? { account.attachedFiles.first?.id }

    var editor: AccountEditor? {
        let account = account
        let contacts = "/crm/v3/objects/contacts"
        @Sendable func ask(_ method: HTTPMethod, _ path: String, _ properties: JSONValue?) async throws -> JSONValue {
            try await account.ask(method, path, properties.map { ["properties": $0] }, token: Self.ownToken)
        }
        return AccountEditor(
            CRMObject.contact.stream,
            create: {
                try #require(await ask(.post, contacts, ["email": .string("e\($0)@conformance.test")])["id"]?.text)
            },
            change: { _ = try await ask(.patch, "\(contacts)/\($0)", ["jobtitle": "Changed"]) },
            delete: { _ = try await ask(.delete, "\(contacts)/\($0)", nil) })
    }

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

    var creation: ObjectCreation? {
        ObjectCreation(
            object: "conformance_thing", label: "Thing", plural: "Things",
            fields: [
                FieldSchema(name: "worth", label: "Worth", kind: .decimal),
                FieldSchema(name: "title", label: "Ünïcode \"title\"", kind: .text),
                FieldSchema(name: "remarks", label: "Remarks", kind: .longText),
                FieldSchema(name: "is_big", label: "Big", kind: .bool),
                FieldSchema(name: "made_on", label: "Made on", kind: .date),
                FieldSchema(name: "made_at", label: "Made at", kind: .dateTime),
                FieldSchema(
                    name: "colours", label: "Colours", kind: .choices,
                    options: ["red", "green"].map { .init(value: $0, label: $0.uppercased()) }, isRestricted: true),
            ], linkedWith: ["contact", "company", "note"])
    }

    var content: ContentSubject? {
        ContentSubject(
            object: "file", field: "file",
            row: { number in
                // With a time, so that a note that carries the file is made and taken away with it.
                let fields: JSONValue = [
                    "file_name": .string("Ünïcode \"\(number)\" 👩‍👩‍👧.pdf"),
                    "hs_timestamp": .string("2024-05-01T10:00:00.000Z"),
                ]
                return Batch.Row(key: "conformance-file-\(number)", fields: fields.serialized())
            },
            count: { try await countFiles() })
    }

    /// Uploaded files have ids in a row, and nothing lists them. A check writes five; twenty show any that are doubled.
    ///
    /// By a dated path, on which no fault is laid.
    private func countFiles() async throws -> Int {
        var count = 0
        let first = account.crm.firstFreeID(of: .file)
        for id in first..<first + 20 {
            let status = try await account.status(.get, "/files/2026-03/files/\(id)", token: Self.ownToken)
            if status == 200 { count += 1 }
        }
        return count
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
        account.server.faults.inject(
            FaultPlan.Rule(Self.fault(fault), .next(times), pathPrefix: "/crm/v3/objects/contacts"))
    }

    /// Where there are files to read, into their download; else into what has to do with sending them.
    ///
    /// A file's path is looked up before it is sent, and addresses of both begin alike: a number of faults would be used
    /// up by the look-up and its repetitions. So there each request goes wrong the first time that it comes, the upload
    /// too, and whatever `times` says.
    func injectIntoContents(_ fault: ConformanceFault, times: Int) {
        let rule =
            account.crm.counts.files > 0
            ? FaultPlan.Rule(Self.fault(fault), .next(times), pathPrefix: "/hubfs-signed")
            : FaultPlan.Rule(Self.fault(fault), .once, pathPrefix: "/files/v3/files")
        account.server.faults.inject(rule)
    }

    private static func fault(_ fault: ConformanceFault) -> Fault {
        switch fault {
        case .throttled: .status(429, retryAfter: .seconds(1))
        case .failing: .status(503, retryAfter: nil)
        case .lost: .drop
        case .lostAnswer: .commitThenDrop
        case .cutOff: .badJSON
        }
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
            // The kinds of access of files look like codes: there, only what stands in a failure is one.
            let files = folder.appending(path: "HubSpotSimulator+Files.swift")
            let text = (try? String(contentsOf: files, encoding: .utf8)) ?? ""
            for match in text.matches(of: /HubSpotFailure\(\s*\d+,\s*"([A-Z_]+)"/) { codes.insert(String(match.1)) }
            // Names of limits stand beside their category.
            return codes.subtracting(["TEN_SECONDLY_ROLLING", "RATE_LIMIT"]).sorted()
        }
    }

    func knows(_ vendorCode: String) -> Bool { VendorErrorTable.hubSpot.rules.contains { $0.vendorCode == vendorCode } }
}

extension HubSpotAccount {
    /// The files that hang on something; others are not part of the CRM and are not read.
    fileprivate var attachedFiles: [CRMFile] {
        (0..<crm.counts.files).map { crm.file(at: $0) }.filter { !$0.isArchived && !$0.parents.isEmpty }
    }

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
