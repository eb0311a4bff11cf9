// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezRESTConnector
import MigratezRESTSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// Attio as a destination, by the suite that every connector passes.
struct `Attio conforms` {
    @Test(arguments: DestinationConformance.allCases)
    func `as a destination`(check: DestinationConformance) async throws {
        try await AttioSubject.run { try await check.check($0) }
    }

    /// Attio has no allowance of a long window.
    @Test(arguments: RemoteDestinationConformance.allCases.filter { $0 != .quota && $0 != .rate })
    func `as a destination through a network`(check: RemoteDestinationConformance) async throws {
        try await AttioSubject.run { try await check.check($0) }
    }
}

struct `Writing to Attio` {
    private func write(
        _ destination: RESTDestination, _ object: String, _ rows: [Batch.Row]
    ) async throws -> [String: Receipt.Result] {
        let receipts = try await destination.write(
            Batch(object: object, rows: rows), by: destination.route(for: object, expectedRows: rows.count),
            intent: KeptIntent())
        return Dictionary(receipts.map { ($0.key, $0.result) }, uniquingKeysWith: { $1 })
    }

    private func prepared(_ account: VendorAccount) async throws -> RESTDestination {
        let destination = try account.destination()
        let schemas = try await destination.discover(["company", "contact", "deal"])
        try await destination.prepare(schemas.flatMap(destination.requirements))
        return destination
    }

    private func id(_ result: Receipt.Result?) throws -> String {
        guard case .created(let id)? = result else {
            throw MigratezError(.internalError, "\(String(describing: result))")
        }
        return id
    }

    @Test func `names, lists and references take their forms, and a cleared one is cleared`() async throws {
        try await VendorAccount.run(.attio, records: 60) { account in
            let destination = try await prepared(account)
            let company = try id(
                try await write(
                    destination, "company",
                    [Batch.Row(key: "c", fields: Array(#"{"name":"Acme","domain":"acme.test"}"#.utf8))])["c"])
            let fields =
                #"{"first_name":"Ada","last_name":"Lovelace","name":"Ada Lovelace","email":"ada@acme.test","lifecycle":"lead"}"#
            var row = Batch.Row(
                key: "p", fields: Array(fields.utf8),
                references: [.init(field: "company_id", object: "company", key: "c", targetID: company)])
            let person = try id(try await write(destination, "contact", [row])["p"])
            let names = ["name", "first_name", "email", "lifecycle", "company_id"]
            let read = try await destination.read(object: "contact", ids: [person], fields: names)
            #expect(read.first?.key == "p")
            #expect(
                read.map { String(decoding: $0.fields, as: UTF8.self) } == [
                    #"{"name":"Ada Lovelace","first_name":"Ada","email":"ada@acme.test","lifecycle":"lead","company_id":"\#(company)"}"#
                ])
            row.references = []
            row.fields = Array(#"{"email":null,"company_id":null,"lifecycle":null}"#.utf8)
            #expect(try await write(destination, "contact", [row])["p"] == .updated(id: person))
            let cleared = try await destination.read(object: "contact", ids: [person], fields: names)
            #expect(
                cleared.map { String(decoding: $0.fields, as: UTF8.self) } == [
                    #"{"name":"Ada Lovelace","first_name":"Ada","email":null,"lifecycle":null,"company_id":null}"#
                ])
        }
    }

    @Test func `what Attio refuses is refused by its own code, row by row`() async throws {
        try await VendorAccount.run(.attio, records: 60) { account in
            let destination = try await prepared(account)
            _ = try await write(
                destination, "contact", [Batch.Row(key: "1", fields: Array(#"{"email":"a@x.test"}"#.utf8))])
            let rows = [
                ("taken", #"{"email":"A@x.test"}"#), ("fine", #"{"email":"b@x.test"}"#), ("half", #"{"name":"Half"}"#),
                ("read-only", #"{"created_at":"2026-01-01T00:00:00Z"}"#),
            ].map { Batch.Row(key: $0, fields: Array($1.utf8)) }
            let results = try await write(destination, "contact", rows)
            func code(_ key: String) -> ErrorCode? {
                guard case .rejected(let rejection)? = results[key] else { return nil }
                return rejection.code
            }
            #expect(
                code("taken") == .duplicate && code("half") == .wrongType && code("read-only") == .permissionMissing)
            guard case .rejected(let taken)? = results["taken"] else { return }
            #expect(taken.vendorCode == "uniqueness_conflict" && taken.vendorText?.contains("A@x.test") == true)
            _ = try id(results["fine"])
            let stage = try await write(
                destination, "deal", [Batch.Row(key: "d", fields: Array(#"{"name":"D","stage":"no such"}"#.utf8))])
            guard case .rejected(let rejection)? = stage["d"] else {
                Issue.record("\(stage)")
                return
            }
            #expect(rejection.code == .notInPicklist)
        }
    }

    @Test func `what is only read says so`() async throws {
        try await VendorAccount.run(.attio, records: 20) { account in
            let destination = try account.destination()
            let error = await #expect(throws: MigratezError.self) { try await destination.discover(["note"]) }
            #expect(error?.code == .notSupported && error?.hint == "there are: company, contact, deal")
        }
        for name in ["close", "copper", "freshsales", "sell"] {
            let definition = try #require(ShippedDefinitions.all[name])
            #expect(definition.destinationCapabilities == nil)
            #expect(throws: MigratezError.self) {
                try RESTDestination(
                    definition, settings: ConnectorSettings(secrets: ["auth.key": Secret("k")]), http: CurlClient(),
                    clock: ManualClock(advancesBySleeping: true))
            }
        }
    }
}

extension VendorAccount {
    func destination() throws -> RESTDestination {
        let definition = try #require(ShippedDefinitions.all[vendor.rawValue])
        return try RESTDestination(
            definition,
            settings: ConnectorSettings(
                texts: ["base_url": server.baseURL + "/v2"], secrets: ["auth.token": Secret("key")]), http: http,
            clock: clock)
    }
}

private struct AttioSubject: RemoteDestinationSubject {
    let account: VendorAccount

    static func run(_ body: (AttioSubject) async throws -> Void) async throws {
        try await VendorAccount.run(.attio, records: 100, options: .init(key: "key")) {
            try await body(AttioSubject(account: $0))
        }
    }

    func makeDestination() throws -> any Destination { try account.destination() }

    var destinationCapabilities: DestinationCapabilities {
        ShippedDefinitions.all["attio"]?.destinationCapabilities
            ?? DestinationCapabilities(routes: [], upsertKey: nil, links: "", createdDate: nil, undoes: false)
    }

    let object = "contact"

    func fields(_ number: Int, version: Int) -> [String: String] {
        ["email": "c\(number)@conformance.test", "job_title": "Ünïcode \"\(number)\" 👩‍👩‍👧; \(version)"]
    }

    var refused: (fields: [String: String], code: ErrorCode)? { nil }
    var link: LinkSubject? { nil }

    func count() async throws -> Int {
        let answer = try await account.http.send(HTTPRequest(.get, account.server.baseURL + "/_simulator/state"))
        return try #require(try JSONValue(parsing: answer.body)["people"]?.int)
    }

    func createByOthers(_ fields: [String: String]) async throws -> String? {
        let body: JSONValue = [
            "data": [
                "values": [
                    "email_addresses": [.string(fields["email"] ?? "")],
                    "job_title": .string(fields["job_title"] ?? ""),
                ]
            ]
        ]
        let answer = try await account.http.send(
            HTTPRequest(
                .post, account.server.baseURL + "/v2/objects/people/records",
                headers: [HTTPHeader("Authorization", "Bearer key"), HTTPHeader("Content-Type", "application/json")],
                body: .bytes(body.serialized())))
        return try JSONValue(parsing: answer.body)["data"]?["id"]?["record_id"]?.text
    }

    /// Into what is written; what is there is looked up by another address.
    func inject(_ fault: ConformanceFault, times: Int) {
        let rule =
            switch fault {
            case .throttled: Fault.status(429, retryAfter: .date(.seconds(2)))
            case .failing: Fault.status(503, retryAfter: nil)
            case .lost: Fault.drop
            case .lostAnswer: Fault.commitThenDrop
            case .cutOff: Fault.badJSON
            }
        account.server.faults.inject(
            FaultPlan.Rule(rule, .next(times), pathPrefix: "/v2/objects/people/records?matching_attribute"))
    }

    var tellsDailyUse: Bool { false }
    func expireToken() async throws { account.clock.advance(by: .seconds(3_700)) }
    func exhaustQuota() async throws { Issue.record("Attio has no such quota") }
    var writes: Int { account.server.journal.counts.writes }

    /// As they stand in the simulator's own source, so that a new one is noticed.
    var vendorCodes: [String] {
        let path = repositoryRoot.appending(path: "Sources/Simulators/REST/AttioVendor+Writing.swift")
        let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
        return Set(text.matches(of: /VendorFailure\(\s*\d+, "([a-z_]+)"/).map { String($0.1) }).sorted()
    }

    func knows(_ vendorCode: String) -> Bool {
        ShippedDefinitions.texts["attio"]?.contains("code: \(vendorCode),") ?? false
    }
}
