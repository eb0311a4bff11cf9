// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipedriveConnector
import MigratezPipedriveSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport

/// A simulated company behind real HTTP, with a clock that waits for nobody.
struct PipedriveCompany: Sendable {
    let crm: SyntheticCRM
    let simulator: PipedriveSimulator
    let server: SimulatorServer
    let http: CurlClient
    let clock: ManualClock

    static func run(
        _ counts: SyntheticCRM.Counts = SyntheticCRM.Counts(records: 400),
        options: PipedriveOptions = PipedriveOptions(), faults: String = "",
        _ body: (PipedriveCompany) async throws -> Void
    ) async throws {
        let crm = SyntheticCRM(seed: 0x7069_7065, counts: counts)
        let clock = ManualClock(advancesBySleeping: true)
        var options = options
        options.clock = clock
        let simulator = try PipedriveSimulator(crm, options: options)
        let configuration = SimulatorServer.Configuration(faults: try FaultPlan(parsing: faults), seed: 7)
        let http = try CurlClient()
        try await SimulatorServer.run(simulator, configuration: configuration) { server in
            try await body(
                PipedriveCompany(crm: crm, simulator: simulator, server: server, http: http, clock: clock))
        }
    }

    func source(
        _ texts: [String: String] = [:], secrets: [String: Secret] = ["auth.api_token": Secret("token")]
    ) throws -> PipedriveSource {
        try PipedriveSource(settings: settings(texts, secrets), http: http, clock: clock)
    }

    func destination(
        _ texts: [String: String] = [:], secrets: [String: Secret] = ["auth.api_token": Secret("token")]
    ) throws -> PipedriveDestination {
        try PipedriveDestination(settings: settings(texts, secrets), http: http, clock: clock)
    }

    private func settings(_ texts: [String: String], _ secrets: [String: Secret]) -> ConnectorSettings {
        ConnectorSettings(
            texts: texts.merging(["base_url": server.baseURL, "auth.url": server.baseURL]) { own, _ in own },
            secrets: secrets)
    }

    /// The answer to a request of somebody else's.
    func ask(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, token: String = "somebody-else"
    ) async throws -> (status: Int, answer: JSONValue) {
        let response = try await http.send(
            HTTPRequest(
                method, server.baseURL + path,
                headers: [HTTPHeader("x-api-token", token), HTTPHeader("Content-Type", "application/json")],
                body: body.map { .bytes($0.serialized()) } ?? .empty))
        return (response.status, response.body.isEmpty ? .null : try JSONValue(parsing: response.body))
    }

    /// Reads an object to its end, page by page, each from a source of its own as after a crash.
    func readAll(_ name: String, _ texts: [String: String] = [:]) async throws -> [JSONValue] {
        let stream = StreamName(name)!
        var records: [JSONValue] = []
        var cursor: Cursor?
        repeat {
            let page = try await source(texts).readPage(of: stream, fields: [], after: cursor)
            records += try page.records.map { try JSONValue(parsing: Array(page.bytes[$0])) }
            cursor = page.next
        } while cursor != nil
        return records
    }

    /// A batch for the connector; `fields` by key.
    static func batch(_ object: String, _ rows: [(key: String, fields: JSONValue)]) -> Batch {
        Batch(object: object, rows: rows.map { Batch.Row(key: $0.key, fields: $0.fields.serialized()) })
    }
}

extension Destination {
    func put(_ batch: Batch, _ intent: KeptIntent = KeptIntent()) async throws -> [Receipt] {
        try await write(batch, by: route(for: batch.object, expectedRows: batch.rows.count), intent: intent)
    }

    /// Makes what the objects need.
    func prepare(for objects: [String]) async throws {
        try await prepare(try await discover(objects).flatMap(requirements))
    }
}
