// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import MigratezZohoConnector
import MigratezZohoSimulator

/// A simulated organisation behind real HTTP, with a clock that waits for nobody.
struct ZohoOrg: Sendable {
    let crm: SyntheticCRM?
    let simulator: ZohoSimulator
    let server: SimulatorServer
    let http: CurlClient
    let clock: ManualClock

    static let somebody = "somebody-else"

    static func run(
        _ counts: SyntheticCRM.Counts? = nil, faults: String = "", _ change: (inout ZohoOptions) -> Void = { _ in },
        _ body: (ZohoOrg) async throws -> Void
    ) async throws {
        let crm = counts.map { SyntheticCRM(seed: 0x7A6F_686F, counts: $0) }
        let clock = ManualClock(advancesBySleeping: true)
        var options = ZohoOptions()
        options.clock = clock
        options.otherTokens = [somebody]
        // Each connector that a test makes is a process of its own and asks for a token.
        options.tokensMax = 1_000
        options.users += (crm?.owners ?? []).map { .init(email: $0.email, name: "Owner", isActive: $0.isActive) }
        change(&options)
        let simulator = try ZohoSimulator(crm, options: options)
        let http = try CurlClient()
        let configuration = SimulatorServer.Configuration(faults: try FaultPlan(parsing: faults), seed: 7)
        try await SimulatorServer.run(simulator, configuration: configuration) { server in
            try await body(ZohoOrg(crm: crm, simulator: simulator, server: server, http: http, clock: clock))
        }
    }

    static let secrets = ["auth.client_secret": Secret("secret"), "auth.refresh_token": Secret("refresh")]

    func settings(_ texts: [String: String] = [:]) -> ConnectorSettings {
        let base = ["base_url": server.baseURL, "auth.client_id": "client"]
        return ConnectorSettings(texts: texts.merging(base) { own, _ in own }, secrets: Self.secrets)
    }

    func source(_ texts: [String: String] = [:]) throws -> ZohoSource {
        try ZohoSource(settings: settings(texts), http: http, clock: clock)
    }

    func destination(_ texts: [String: String] = [:]) throws -> ZohoDestination {
        try ZohoDestination(settings: settings(texts), http: http, clock: clock)
    }

    /// A destination for which the fields that hold our key are there.
    func prepared(_ modules: [String], _ texts: [String: String] = [:]) async throws -> ZohoDestination {
        let destination = try destination(texts)
        try await destination.prepare(destination.discover(modules).flatMap(destination.requirements))
        return destination
    }

    /// The answer to a request of somebody else's.
    func ask(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, bulk: Bool = false
    ) async throws -> JSONValue {
        let response = try await send(method, path, body, bulk: bulk)
        return response.body.isEmpty ? .null : try JSONValue(parsing: response.body)
    }

    func send(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, bulk: Bool = false
    ) async throws -> HTTPResponse {
        try await http.send(
            HTTPRequest(
                method, server.baseURL + (bulk ? "/crm/bulk/v8" : "/crm/v8") + path,
                headers: [
                    HTTPHeader("Authorization", "Zoho-oauthtoken \(Self.somebody)"),
                    HTTPHeader("Content-Type", "application/json"),
                ], body: body.map { .bytes($0.serialized()) } ?? .empty))
    }

    /// Makes a record as somebody else would, and gives its id.
    func create(_ module: String, _ fields: JSONValue) async throws -> String {
        let answer = try await ask(.post, "/\(module)", ["data": [fields]])
        guard let id = answer["data"]?[0]?["details"]?["id"]?.text else {
            throw MigratezError(
                .internalError, "the record was not made: \(String(decoding: answer.serialized(), as: UTF8.self))")
        }
        return id
    }
}

extension Destination {
    /// Writes by the way that this many rows go.
    func put(_ object: String, _ rows: [Batch.Row], intent: any WriteIntent = KeptIntent()) async throws -> [Receipt] {
        try await write(
            Batch(object: object, rows: rows), by: route(for: object, expectedRows: rows.count), intent: intent)
    }

    func found(_ object: String, _ rows: [Batch.Row], note: String? = nil) async throws -> [Receipt] {
        try await resolve(
            Batch(object: object, rows: rows), by: route(for: object, expectedRows: rows.count), note: note)
    }
}

extension Batch.Row {
    init(_ key: String, _ fields: JSONValue, _ references: [Batch.Reference] = [], id: String? = nil) {
        self.init(key: key, fields: fields.serialized(), references: references, targetID: id)
    }
}

extension Receipt {
    var id: String? {
        switch result {
        case .created(let id), .updated(let id): id
        case .rejected: nil
        }
    }

    var isCreated: Bool { if case .created = result { true } else { false } }

    var rejection: Rejection? { if case .rejected(let rejection) = result { rejection } else { nil } }
}
