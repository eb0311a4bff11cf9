// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// Somebody who works in the source between two runs.
struct SourceEditor: Sendable {
    private let world: MainJobWorld

    init(_ world: MainJobWorld) { self.world = world }

    /// Ids of records that are there at first.
    func ids(_ object: CRMObject, _ count: Int, from first: Int = 0) -> [String] {
        (0..<world.crm.counts[object]).filter { !world.crm.isArchived(object, at: $0) }.dropFirst(first).prefix(count)
            .map { String(world.crm.id(of: object, at: $0)) }
    }

    func change(_ objects: String, _ id: String, _ properties: JSONValue) async throws {
        _ = try await send(.patch, "/crm/v3/objects/\(objects)/\(id)", ["properties": properties])
    }

    @discardableResult
    func create(_ objects: String, _ properties: JSONValue) async throws -> String {
        try #require(await send(.post, "/crm/v3/objects/\(objects)", ["properties": properties])["id"]?.text)
    }

    func archive(_ objects: String, _ id: String) async throws {
        _ = try await send(.delete, "/crm/v3/objects/\(objects)/\(id)", nil)
    }

    @discardableResult
    func merge(_ objects: String, _ other: String, into primary: String) async throws -> String {
        let body: JSONValue = ["primaryObjectId": .string(primary), "objectIdToMerge": .string(other)]
        return try #require(await send(.post, "/crm/v3/objects/\(objects)/merge", body)["id"]?.text)
    }

    func link(_ from: String, _ id: String, _ to: String, _ toID: String) async throws {
        _ = try await send(.put, "/crm/v4/objects/\(from)/\(id)/associations/default/\(to)/\(toID)", nil)
    }

    func unlink(_ from: String, _ id: String, _ to: String, _ toID: String) async throws {
        _ = try await send(.delete, "/crm/v4/objects/\(from)/\(id)/associations/\(to)/\(toID)", nil)
    }

    /// The ids of the records that one is linked to.
    func links(_ from: String, _ id: String, _ to: String) async throws -> [String] {
        try await send(.get, "/crm/v4/objects/\(from)/\(id)/associations/\(to)", nil)["results"]?.elements
            .compactMap { $0["toObjectId"]?.text } ?? []
    }

    private func send(_ method: HTTPMethod, _ path: String, _ body: JSONValue?) async throws -> JSONValue {
        var request = HTTPRequest(
            method, world.hubspot.baseURL + path,
            headers: [
                HTTPHeader("Authorization", "Bearer \(MainJobWorld.token)"),
                HTTPHeader("Content-Type", "application/json"),
            ])
        if let body { request.body = .bytes(body.serialized()) }
        let response = try await world.workplace.http.send(request)
        try #require(response.isSuccess, "\(method) \(path): \(String(decoding: response.body, as: UTF8.self))")
        return response.body.isEmpty ? .null : try JSONValue(parsing: response.body)
    }
}
