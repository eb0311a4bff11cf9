// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// Reads records by id, or by the value of a unique property: from the database itself, never from the search index.
struct BatchRead: Sendable {
    private let client: HubSpotClient
    private let paths: HubSpotPaths

    init(_ connection: HubSpotConnection) {
        client = connection.client
        paths = connection.paths
    }

    /// One request's answer, valid JSON, with the records that exist in `results`.
    ///
    /// - Parameters:
    ///   - ids: at most 100.
    ///   - property: the unique property whose values `ids` are; `nil` = they are record ids.
    func answer(
        _ ids: [String], _ names: [String], of object: HubSpotObject, by property: String? = nil,
        isArchived: Bool = false
    ) async throws -> [UInt8] {
        var body: [JSONValue.Member] = [
            .init("properties", .array(names.map { .string($0) })), .init("propertiesWithHistory", []),
            .init("inputs", .array(ids.map { ["id": .string($0)] })),
        ]
        if let property { body.append(.init("idProperty", .string(property))) }
        let answer = try await client.post(
            paths.batchRead(object.type), [("archived", isArchived ? "true" : "false")], .object(body), class: "batch")
        try HubSpotAnswers.checkPartial(answer, what: "\(object.type) by id")
        return answer
    }

    /// Any number of records, as trees.
    func records(
        _ ids: [String], _ names: [String], of object: HubSpotObject, by property: String? = nil
    ) async throws -> [JSONValue] {
        var records: [JSONValue] = []
        var rest = ids[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let group = rest.prefix(HubSpotLimits.batchRecordsMax)
            rest = rest.dropFirst(group.count)
            let answer = try await answer(Array(group), names, of: object, by: property)
            records += answer.withUnsafeBufferPointer { JSONValue(validated: $0) }["results"]?.elements ?? []
        }
        return records
    }
}
