// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import Testing

/// Somebody who works in the destination while we are not looking.
struct OrgEditor: Sendable {
    private let org: SalesforceSimulator
    private let token: String

    init(_ world: MainJobWorld) async throws {
        org = world.org
        let body = "grant_type=client_credentials&client_id=migratez&client_secret=\(MainJobWorld.secret)"
        let answer = try await Self.send(
            world.org, .post, "/services/oauth2/token", body, [("Content-Type", "application/x-www-form-urlencoded")])
        token = try #require(answer["access_token"]?.text)
    }

    /// Sets fields of a record.
    func change(_ object: String, _ id: String, _ fields: String) async throws {
        _ = try await send(.patch, "sobjects/\(object)/\(id)", fields)
    }

    /// Makes a record; returns its id.
    func create(_ object: String, _ fields: String) async throws -> String {
        try #require(await send(.post, "sobjects/\(object)", fields)["id"]?.text)
    }

    func delete(_ object: String, _ id: String) async throws {
        _ = try await send(.delete, "sobjects/\(object)/\(id)", "")
    }

    private func send(_ method: SimulatorRequest.Method, _ path: String, _ body: String) async throws -> JSONValue {
        try await Self.send(
            org, method, "/services/data/v67.0/\(path)", body,
            [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")])
    }

    private static func send(
        _ org: SalesforceSimulator, _ method: SimulatorRequest.Method, _ target: String, _ body: String,
        _ headers: [(String, String)]
    ) async throws -> JSONValue {
        let fields = headers + [("Host", "127.0.0.1:1")]
        let response = await org.respond(
            to: SimulatorRequest(
                method: method, target: target, headers: SimulatorHeaders(fields.map { ($0.0, $0.1) }),
                body: Array(body.utf8)))
        try #require(response.status < 300, "\(method) \(target): \(response.status)")
        guard case .bytes(let bytes) = response.body, !bytes.isEmpty else { return .null }
        return try JSONValue(parsing: bytes)
    }
}
