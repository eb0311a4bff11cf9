// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezRESTConnector
import MigratezRESTSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport

/// A simulated account of one of the vendors, with a clock that waits for nobody.
struct VendorAccount: Sendable {
    let vendor: RESTSimulator.Vendor
    let crm: SyntheticCRM
    let server: SimulatorServer
    let http: CurlClient
    let clock: ManualClock

    static func run(
        _ vendor: RESTSimulator.Vendor, records: Int = 400, options: RESTSimulator.Options = RESTSimulator.Options(),
        _ body: (VendorAccount) async throws -> Void
    ) async throws {
        let crm = SyntheticCRM(seed: 0x7265_7374, counts: .init(records: records))
        let clock = ManualClock(advancesBySleeping: true)
        var options = options
        options.clock = clock
        let simulator = try RESTSimulator(vendor, crm, options: options)
        let http = try CurlClient()
        try await SimulatorServer.run(simulator, configuration: SimulatorServer.Configuration(seed: 7, clock: clock)) {
            server in
            try await body(VendorAccount(vendor: vendor, crm: crm, server: server, http: http, clock: clock))
        }
    }

    /// A source by the vendor's definition, or by a changed text of it.
    func source(_ texts: [String: String] = [:], changing change: (String) -> String = { $0 }) throws -> RESTSource {
        guard let text = ShippedDefinitions.texts[vendor.rawValue] else {
            throw MigratezError(.internalError, "there is no definition of \(vendor)")
        }
        let definition = try DefinitionReader.read(change(text), file: "\(vendor).yaml").get()
        let base =
            switch vendor {
            case .attio, .sell: "/v2"
            case .close: "/api/v1"
            case .copper: "/developer_api/v1"
            case .freshsales: "/crm/sales/api"
            }
        var all = texts.merging(["base_url": server.baseURL + base]) { own, _ in own }
        var secrets = ["auth.key": Secret("key"), "auth.token": Secret("key")]
        switch vendor {
        case .close:
            secrets = ["auth.client_secret": Secret("secret"), "auth.refresh_token": Secret("refresh")]
            all["auth.client_id"] = "client"
            all["auth.token_url"] = server.baseURL + "/oauth2/token/"
        case .copper: all["settings.user_email"] = "admin@acme.test"
        case .freshsales: all["settings.bundle"] = "acme"
        case .attio, .sell: break
        }
        return try RESTSource(
            definition, settings: ConnectorSettings(texts: all, secrets: secrets), http: http, clock: clock)
    }

    /// The answer to a request of somebody else's, with the account's key.
    func ask(_ method: HTTPMethod, _ path: String, _ body: JSONValue?) async throws -> JSONValue {
        let key = vendor == .close ? "Basic \(Base64.encoded(Array("key:".utf8)))" : "Bearer key"
        let response = try await http.send(
            HTTPRequest(
                method, server.baseURL + path,
                headers: [HTTPHeader("Authorization", key), HTTPHeader("Content-Type", "application/json")],
                body: body.map { .bytes($0.serialized()) } ?? .empty))
        guard response.isSuccess else { throw MigratezError(.requestRefused, "\(path): \(response.status)") }
        return response.body.isEmpty ? .null : try JSONValue(parsing: response.body)
    }
}
