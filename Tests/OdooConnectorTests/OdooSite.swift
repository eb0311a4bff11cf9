// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezOdooConnector
import MigratezOdooSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport

/// A simulated database behind real HTTP, with a clock that waits for nobody.
struct OdooSite: Sendable {
    let simulator: OdooSimulator
    let server: SimulatorServer
    let http: CurlClient
    let clock: ManualClock
    /// 19 speaks JSON-2, 17 JSON-RPC only.
    let version: Int
    /// What the database was filled with.
    let crm: SyntheticCRM?

    static func run(
        records: Int = 0, counts: SyntheticCRM.Counts? = nil, version: Int = 19, options: OdooOptions = OdooOptions(),
        _ body: (OdooSite) async throws -> Void
    ) async throws {
        let clock = ManualClock(advancesBySleeping: true)
        var options = options
        options.clock = clock
        options.version = version
        let filling = counts ?? (records > 0 ? .init(records: records) : nil)
        let crm = filling.map { SyntheticCRM(seed: 0x6F64_6F6F, counts: $0) }
        let simulator = try OdooSimulator(crm, options: options)
        let http = try CurlClient()
        try await SimulatorServer.run(simulator) { server in
            try await body(
                OdooSite(simulator: simulator, server: server, http: http, clock: clock, version: version, crm: crm))
        }
    }

    private func settings(_ more: [String: String], key: String) -> ConnectorSettings {
        var texts = more.merging(["base_url": server.baseURL]) { own, _ in own }
        if version < 19 {
            texts["api_version"] = "json-rpc"
            texts["database"] = "acme"
            texts["auth.user"] = "admin"
        }
        return ConnectorSettings(texts: texts, secrets: ["auth.token": Secret(key)])
    }

    func source(_ texts: [String: String] = [:], key: String = "key") throws -> OdooSource {
        try OdooSource(settings: settings(texts, key: key), http: http, clock: clock)
    }

    func destination(_ texts: [String: String] = [:], key: String = "key") throws -> OdooDestination {
        try OdooDestination(settings: settings(texts, key: key), http: http, clock: clock)
    }

    /// The answer to a call of somebody else's.
    func call(_ model: String, _ method: String, _ arguments: JSONValue) async throws -> JSONValue {
        let response: HTTPResponse
        if version >= 19 {
            response = try await post("/json/2/\(model)/\(method)", arguments)
            return try JSONValue(parsing: response.body)
        }
        // Ids are a record set there, which is the method's own object and comes first.
        let ids = arguments["ids"].map { JSONValue.array([$0]) } ?? []
        let others = JSONValue.object(arguments.members.filter { $0.key != "ids" })
        response = try await post(
            "/jsonrpc",
            [
                "jsonrpc": "2.0", "method": "call", "id": 1,
                "params": [
                    "service": "object", "method": "execute_kw",
                    "args": ["acme", 2, "somebody-else", .string(model), .string(method), ids, others],
                ],
            ])
        return try JSONValue(parsing: response.body)["result"] ?? .null
    }

    private func post(_ path: String, _ body: JSONValue) async throws -> HTTPResponse {
        try await http.send(
            HTTPRequest(
                .post, server.baseURL + path,
                headers: [
                    HTTPHeader("Authorization", "Bearer somebody-else"),
                    HTTPHeader("Content-Type", "application/json"),
                ], body: .bytes(body.serialized())))
    }
}
