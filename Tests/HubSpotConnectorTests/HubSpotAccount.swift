// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezHubSpotConnector
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport

/// A simulated account behind real HTTP, with a clock that waits for nobody.
struct HubSpotAccount: Sendable {
    let crm: SyntheticCRM
    let server: SimulatorServer
    let http: CurlClient
    let clock: ManualClock

    static func run(
        _ counts: SyntheticCRM.Counts = SyntheticCRM.Counts(records: 2_000), options: HubSpotOptions = HubSpotOptions(),
        faults: String = "", _ body: (HubSpotAccount) async throws -> Void
    ) async throws {
        let crm = SyntheticCRM(seed: 0x6875_6273, counts: counts)
        let clock = ManualClock(advancesBySleeping: true)
        var options = options
        options.clock = clock
        let simulator = try HubSpotSimulator(crm, options: options)
        let configuration = SimulatorServer.Configuration(faults: try FaultPlan(parsing: faults), seed: 7)
        let http = try CurlClient()
        try await SimulatorServer.run(simulator, configuration: configuration) { server in
            try await body(HubSpotAccount(crm: crm, server: server, http: http, clock: clock))
        }
    }

    func source(
        _ texts: [String: String] = [:], secrets: [String: Secret] = ["auth.token": Secret("token")]
    ) throws -> HubSpotSource {
        let texts = texts.merging(["base_url": server.baseURL]) { own, _ in own }
        return try HubSpotSource(settings: ConnectorSettings(texts: texts, secrets: secrets), http: http, clock: clock)
    }

    /// The ids of all records of an object, in the order of a list.
    func ids(_ object: CRMObject, archived: Bool = false) -> [String] {
        (0..<crm.counts[object]).filter { crm.isArchived(object, at: $0) == archived }
            .map { String(crm.id(of: object, at: $0)) }
    }
}

extension CRMObject {
    var stream: StreamName {
        let name =
            switch self {
            case .contact: "contact"
            case .company: "company"
            case .deal: "deal"
            case .note: "note"
            case .task: "task"
            case .call: "call"
            case .meeting: "meeting"
            case .file: "file"
            case .email: "email"
            case .product: "product"
            case .lineItem: "line_item"
            case .lead: "lead"
            }
        return StreamName(name)!
    }
}

/// Reads an object to its end, page by page, each from a source of its own as after a crash.
func readAll(
    _ object: StreamName, fields: [String], from source: () throws -> HubSpotSource
) async throws -> [JSONValue] {
    var records: [JSONValue] = []
    var cursor: Cursor?
    repeat {
        let page = try await source().readPage(of: object, fields: fields, after: cursor)
        records += try page.records.map { try JSONValue(parsing: Array(page.bytes[$0])) }
        cursor = page.next
    } while cursor != nil
    return records
}
