// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTestKit

/// A destination in memory, behind a network that a fate rules: a write may not arrive, or arrive in part or whole with
/// its answer lost. A batch with a row that it does not understand is refused as a whole.
struct FatefulDestination: Destination {
    /// What it does to one batch of the migration, for controls.
    enum Betrayal: Sendable {
        case none
        /// It says that it has written the last row, and has not.
        case forgets
        /// It writes the first row a second time, under another key.
        case doubles
    }

    let inner: MemoryDestination
    let fate: Fate
    let clock: ManualClock
    var betrayal = Betrayal.none

    var name: String { inner.name }
    var readBatchSize: Int { inner.readBatchSize }

    func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        try await travel()
        try fate.pass(.send)
        guard !batch.rows.contains(where: { SimulatedAccount.isPoison($0.key) }) else {
            throw MigratezError(.requestRefused, "a row of the batch is not understood", remedy: .rejectRecord)
        }
        do {
            try fate.pass(.answer)
        } catch {
            let arrived = fate.draw(0...batch.rows.count)
            if arrived > 0 {
                let part = Batch(object: batch.object, rows: Array(batch.rows.prefix(arrived)))
                _ = try await inner.write(part, by: route, intent: KeptIntent())
            }
            throw error
        }
        return try await betraying(batch, try await inner.write(batch, by: route, intent: intent), route)
    }

    private func betraying(_ batch: Batch, _ receipts: [Receipt], _ route: WriteRoute) async throws -> [Receipt] {
        // Batches are counted by what came of them, which holds over sessions.
        guard inner.batches.count == 2 else { return receipts }
        switch betrayal {
        case .none: break
        case .forgets:
            if case .created(let id)? = receipts.last?.result {
                _ = try await inner.delete(object: batch.object, ids: [id])
            }
        case .doubles:
            guard var row = batch.rows.first else { break }
            row.key += "-again"
            _ = try await inner.write(Batch(object: batch.object, rows: [row]), by: route, intent: KeptIntent())
        }
        return receipts
    }

    func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        try await travel()
        try fate.pass(.lookUp)
        return try await inner.resolve(batch, by: route, note: note)
    }

    private func travel() async throws { try await clock.sleep(for: .milliseconds(fate.draw(1...40))) }

    func discover(_ objects: [String]) async throws -> [ObjectSchema] { try await inner.discover(objects) }
    func requirements(of object: ObjectSchema) -> [FieldCreation] { [] }
    func prepare(_ creations: [FieldCreation]) async throws {}
    func people() async throws -> [Person] { [] }
    func route(for object: String, expectedRows: Int) -> WriteRoute { inner.route(for: object, expectedRows: 1) }
    func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        try await inner.match(object: object, fields: fields, values: values, returning: returning)
    }
    func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        try await inner.read(object: object, ids: ids, fields: fields)
    }
    func readContent(object: String, id: String, piece: ([UInt8]) async throws -> Void) async throws {
        try await inner.readContent(object: object, id: id, piece: piece)
    }
    func sample(object: String, fields: [String], count: Int) async throws -> [ReadBack] { [] }
    func delete(object: String, ids: [String]) async throws -> [Deletion] {
        try await inner.delete(object: object, ids: ids)
    }
    func count(object: String, keyPrefix: String) async throws -> Int? {
        try await inner.count(object: object, keyPrefix: keyPrefix)
    }
    func finish() async throws {}
    func identity() async throws -> String { try await inner.identity() }
    func account(for objects: [String]) async throws -> AccountReport { try await inner.account(for: objects) }
}
