// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezTransport

/// The machine's time, with waits cut short: the other side works in real time, and nobody wants to wait for it.
struct HastyClock: WallClock {
    var now: Timestamp { SystemWallClock().now }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: min(duration, .milliseconds(3))) }
}

/// A simulated org, a connector to it, and what a test asks of both.
struct Sandbox: Sendable {
    let org: SalesforceSimulator
    let server: SimulatorServer
    let destination: SalesforceDestination
    let intent = RecordedIntent()

    /// Runs `body` against an org with the stamp field on the named objects.
    static func run(
        _ options: OrgOptions = OrgOptions(), settings: [String: String] = [:],
        secrets: [String: Secret] = ["auth.refresh_token": Secret("r")],
        stamped: [String] = ["Account", "Contact", "Opportunity", "Task", "ContentVersion"],
        _ body: (Sandbox) async throws -> Void
    ) async throws {
        var options = options
        options.staticTokens = ["somebody-else"]
        let org = try SalesforceSimulator(options: options)
        try await SimulatorServer.run(org) { server in
            let destination = try makeDestination(server.baseURL, clock: HastyClock(), settings, secrets: secrets)
            let sandbox = Sandbox(org: org, server: server, destination: destination)
            let schemas = stamped.isEmpty ? [] : try await destination.discover(stamped)
            try await destination.prepare(schemas.flatMap(destination.requirements))
            try await body(sandbox)
        }
    }

    func write(_ batch: Batch, _ route: String = "collections") async throws -> [Receipt] {
        var way = destination.route(for: batch.object, expectedRows: batch.rows.count)
        way.name = route
        return try await destination.write(batch, by: way, intent: intent)
    }

    func resolve(_ batch: Batch, note: String? = nil) async throws -> [Receipt] {
        let way = destination.route(for: batch.object, expectedRows: batch.rows.count)
        return try await destination.resolve(batch, by: way, note: note)
    }

    /// Hits the next requests below a path of the interface.
    func inject(_ fault: Fault, times: Int = 1, at path: String) {
        server.faults.inject(FaultPlan.Rule(fault, .next(times), pathPrefix: "/services/data/v67.0" + path))
    }

    /// All records of an object as the org holds them.
    func records(_ object: String) throws -> [JSONValue] {
        var records: [JSONValue] = []
        try org.records(of: object) { records.append(try JSONValue(parsing: $0)) }
        return records
    }

    /// How often a route was asked.
    func calls(_ route: String) -> Int { server.journal.counts.byRoute[route] ?? 0 }
}

extension Sandbox {
    /// A contact that somebody else made.
    static func createContact(_ sandbox: Sandbox, lastName: String, email: String) async throws {
        let request = HTTPRequest(
            .post, sandbox.server.baseURL + "/services/data/v67.0/sobjects/Contact",
            headers: [
                HTTPHeader("Authorization", "Bearer somebody-else"), HTTPHeader("Content-Type", "application/json"),
            ],
            body: .bytes(
                JSONValue.object([
                    .init("LastName", .string(lastName)), .init("Email", .string(email)),
                ]).serialized()))
        let response = try await sharedClient.get().send(request)
        guard response.status == 201 else { throw MigratezError(.requestRefused, "the contact was not made") }
    }
}
