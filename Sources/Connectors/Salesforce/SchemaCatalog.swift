// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport
import Synchronization

/// Descriptions of objects, asked for once per run and object.
final class SchemaCatalog: Sendable {
    /// Subrequests of one `composite/batch` call (REST API Developer Guide, "Batch").
    static let batchMax = 25

    private let api: SalesforceAPI
    private let stampField: String
    private let known = Mutex<[String: ObjectMetadata]>([:])

    init(api: SalesforceAPI, stampField: String) {
        self.api = api
        self.stampField = stampField
    }

    /// The object's description, from memory if it was asked for before.
    func metadata(of object: String) async throws -> ObjectMetadata {
        if let metadata = known.withLock({ $0[object] }) { return metadata }
        let all = try await describe([object])
        guard let metadata = all.first else { throw Self.unknown(object) }
        return metadata
    }

    /// Describes the objects anew, in the order of `objects`.
    ///
    /// - Throws: `requestRefused` naming the first object that the org does not show.
    func describe(_ objects: [String]) async throws -> [ObjectMetadata] {
        if let wrong = objects.first(where: { !SOQL.isName($0) }) { throw Self.unknown(wrong) }
        var result: [ObjectMetadata] = []
        var rest = objects[...]
        while !rest.isEmpty {
            let group = Array(rest.prefix(Self.batchMax))
            rest = rest.dropFirst(group.count)
            result += try await group.count == 1 ? [describeOne(group[0])] : describeBatch(group)
        }
        known.withLock { known in
            // Names of objects are compared without regard to case, so an object may go by several.
            for (object, metadata) in zip(objects, result) { known[object] = metadata }
        }
        return result
    }

    private func describeOne(_ object: String) async throws -> ObjectMetadata {
        do {
            let answer = try await api.json(
                api.request(.get, "/sobjects/\(object)/describe", endpointClass: "describe"))
            return ObjectMetadata(describe: answer, stampField: stampField)
        } catch let error as MigratezError where error.callRefused?.status == 404 {
            throw Self.unknown(object)
        }
    }

    private func describeBatch(_ objects: [String]) async throws -> [ObjectMetadata] {
        let requests = objects.map { object -> JSONValue in
            ["method": "GET", "url": .string("\(api.version)/sobjects/\(object)/describe")]
        }
        let answer = try await api.json(
            .post, "/composite/batch", body: ["batchRequests": .array(requests)], endpointClass: "describe",
            isIdempotent: true)
        let results = answer["results"]?.elements ?? []
        guard results.count == objects.count else {
            throw MigratezError(
                .brokenResponse, "a batch of \(objects.count) describes gave \(results.count) answers",
                remedy: .retry(after: nil))
        }
        var described: [ObjectMetadata] = []
        for (object, result) in zip(objects, results) {
            guard result["statusCode"]?.int == 200, let description = result["result"] else {
                throw Self.unknown(object)
            }
            described.append(ObjectMetadata(describe: description, stampField: stampField))
        }
        return described
    }

    private static func unknown(_ object: String) -> MigratezError {
        MigratezError(
            .requestRefused, "the org shows no object \(SOQL.isName(object) ? object : "of that name")",
            remedy: .fixConfiguration,
            hint: "check the name below objects.*.to, and that the user may see the object")
    }
}
