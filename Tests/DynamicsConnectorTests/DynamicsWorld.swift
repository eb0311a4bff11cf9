// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezDynamicsConnector
import MigratezDynamicsSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Synchronization

/// One client for all tests, as a process has one.
let sharedClient = Result { () throws(MigratezError) in try CurlClient() }

/// A simulated environment behind a server, connectors to it, and what a test asks of both.
struct DynamicsWorld: Sendable {
    static let somebody = "somebody-else"

    let environment: DynamicsSimulator
    let server: SimulatorServer
    let clock: ManualClock

    static func run(
        _ crm: SyntheticCRM? = nil, options: DynamicsOptions = DynamicsOptions(),
        _ body: (DynamicsWorld) async throws -> Void
    ) async throws {
        let clock = ManualClock(advancesBySleeping: true)
        var options = options
        options.staticTokens.insert(somebody)
        let environment = try DynamicsSimulator(crm, options: options, clock: clock)
        try await SimulatorServer.run(environment) { server in
            try await body(DynamicsWorld(environment: environment, server: server, clock: clock))
        }
    }

    private func settings(_ more: [String: String], secret: String) -> ConnectorSettings {
        ConnectorSettings(
            texts: [
                "base_url": server.baseURL, "login_url": server.baseURL, "auth.tenant": "acme.test",
                "auth.client_id": "migratez",
            ].merging(more) { $1 }, secrets: ["auth.client_secret": Secret(secret)])
    }

    func source(_ more: [String: String] = [:], secret: String = "secret-CANARY") throws -> DynamicsSource {
        try DynamicsSource(settings: settings(more, secret: secret), http: sharedClient.get(), clock: clock)
    }

    func destination(_ more: [String: String] = [:]) throws -> DynamicsDestination {
        try DynamicsDestination(settings: settings(more, secret: "secret"), http: sharedClient.get(), clock: clock)
    }

    /// A destination with everything created that the tables need.
    func prepared(_ tables: [String], _ more: [String: String] = [:]) async throws -> DynamicsDestination {
        let destination = try destination(more)
        try await destination.prepare(try await destination.discover(tables).flatMap(destination.requirements))
        return destination
    }

    /// Hits the next requests below a path of the Web API.
    func inject(_ fault: Fault, times: Int = 1, at path: String) {
        server.faults.inject(FaultPlan.Rule(fault, .next(times), pathPrefix: "/api/data/v9.2/" + path))
    }

    /// The answer to a request of somebody else's.
    func ask(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, prefer: String? = nil
    ) async throws -> HTTPResponse {
        var headers = [
            HTTPHeader("Authorization", "Bearer \(Self.somebody)"), HTTPHeader("Content-Type", "application/json"),
        ]
        if let prefer { headers.append(HTTPHeader("Prefer", prefer)) }
        return try await sharedClient.get().send(
            HTTPRequest(
                method, server.baseURL + "/api/data/v9.2/" + path, headers: headers,
                body: body.map { .bytes($0.serialized()) } ?? .empty))
    }

    /// A record that somebody else makes; its id.
    func create(_ set: String, _ id: String, _ fields: [String: String]) async throws -> String {
        let body = JSONValue.object(fields.map { .init($0.key, .string($0.value)) })
        let response = try await ask(.post, set, body, prefer: "return=representation")
        guard response.status == 201, let id = try JSONValue(parsing: response.body)[id]?.text else {
            throw MigratezError(.requestRefused, "\(set): \(response.status)")
        }
        return id
    }

    /// The one record of a table that has our key.
    func record(_ table: String, key: String) throws -> JSONValue? {
        try environment.records(of: table).first { $0["new_migratezid"]?.text == key }
    }

    func calls(_ route: String) -> Int { server.journal.counts.byRoute[route] ?? 0 }
}

extension DynamicsDestination {
    func put(_ object: String, _ rows: [Batch.Row]) async throws -> [Receipt] {
        try await write(
            Batch(object: object, rows: rows), by: route(for: object, expectedRows: rows.count), intent: KeptIntent())
    }
}

extension Batch.Row {
    init(_ key: String, _ fields: JSONValue, references: [Batch.Reference] = [], targetID: String? = nil) {
        self.init(key: key, fields: fields.serialized(), references: references, targetID: targetID)
    }
}

extension Receipt {
    var id: String? {
        switch result {
        case .created(let id), .updated(let id): id
        case .rejected: nil
        }
    }

    /// `created`, `updated` or the code.
    var word: String {
        switch result {
        case .created: "created"
        case .updated: "updated"
        case .rejected(let rejection): rejection.code.description
        }
    }
}
