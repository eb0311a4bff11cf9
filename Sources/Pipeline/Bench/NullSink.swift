// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// A destination that takes every row and keeps none, with another one's schema and ways of writing: what a pipeline
/// costs apart from the destination.
///
/// The other one is asked for its schema and its people, and nothing is ever written to it.
struct NullSink: Destination {
    let inner: any Destination

    var name: String { inner.name }
    var readBatchSize: Int { inner.readBatchSize }

    func identity() async throws -> String { "a sink that keeps nothing" }
    func discover(_ objects: [String]) async throws -> [ObjectSchema] { try await inner.discover(objects) }
    func missing(_ objects: [String]) async throws -> [String] { try await inner.missing(objects) }
    func creation(of wanted: ObjectCreation) throws(MigratezError) -> ObjectCreation { try inner.creation(of: wanted) }
    func discover(_ objects: [String], after creations: [ObjectCreation]) async throws -> [ObjectSchema] {
        try await inner.discover(objects, after: creations)
    }
    func create(_ objects: [ObjectCreation]) async throws {}
    func requirements(of object: ObjectSchema) -> [FieldCreation] { inner.requirements(of: object) }
    func requirements(ofLabels labels: [String], in field: String, of object: ObjectSchema) -> [FieldCreation] {
        inner.requirements(ofLabels: labels, in: field, of: object)
    }
    func prepare(_ creations: [FieldCreation]) async throws {}
    func people() async throws -> [Person] { try await inner.people() }
    func referenceName(of object: String) -> String { inner.referenceName(of: object) }
    func account(for objects: [String]) async throws -> AccountReport { try await inner.account(for: objects) }

    func route(for object: String, expectedRows: Int) -> WriteRoute {
        inner.route(for: object, expectedRows: expectedRows)
    }

    func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        batch.rows.map { row in
            Receipt(key: row.key, result: row.targetID.map { .updated(id: $0) } ?? .created(id: row.key))
        }
    }

    func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] { [] }
    func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] { [] }
    func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] { [] }
    func sample(object: String, fields: [String], count: Int) async throws -> [ReadBack] { [] }
    func delete(object: String, ids: [String]) async throws -> [Deletion] {
        ids.map { Deletion(id: $0, result: .absent) }
    }
    func count(object: String, keyPrefix: String) async throws -> Int? { 0 }
    func finish() async throws {}
}
