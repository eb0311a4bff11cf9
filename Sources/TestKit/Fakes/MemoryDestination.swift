// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezJSON
package import MigratezModel
import Synchronization

/// A destination that lives in memory and behaves as one with an external id: a row whose key it has is updated.
///
/// Receipts come in another order than the rows, and everything that was asked of it is kept.
package final class MemoryDestination: Destination {
    /// A record that it holds.
    package struct Held: Sendable {
        package var id: String
        package var object: String
        /// Our key; `nil` if somebody else made the record.
        package var key: String?
        package var fields: JSONValue
        package var references: [Batch.Reference]
        /// How often it was written.
        package var writes: Int
        package var content: [UInt8]?
    }

    /// What happens to one call of `write`.
    package enum Fault: Sendable {
        /// It throws, and nothing was written.
        case refused(MigratezError)
        /// It throws, but the first so many rows were written: the answer was lost.
        case lost(after: Int, MigratezError)
    }

    private struct State {
        var held: [Held] = []
        var byKey: [String: Int] = [:]
        var batches: [Batch] = []
        var resolved: [Batch] = []
        var faults: [Int: Fault] = [:]
        var running = 0
        var runningMax = 0
        var createdCount = 0
    }

    package let name = "memory"
    package let readBatchSize: Int
    private let contentBytesMax: ByteCount?
    private let route: WriteRoute
    private let refusal: @Sendable (Batch.Row) -> Rejection?
    private let beforeWrite: @Sendable () async throws -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - existing: records that somebody else made, as (object, fields); their ids are `old-0`, `old-1` …
    ///   - faults: what happens at `write` calls with these numbers, from 1.
    ///   - refusal: why a row is refused; `nil` = it is taken.
    ///   - beforeWrite: called in every `write` before anything happens.
    package init(
        recordsMax: Int = 10, bytesMax: ByteCount = .MiB(1), concurrencyMax: Int = 3, readBatchSize: Int = 4,
        existing: [(object: String, fields: String)] = [], contentBytesMax: ByteCount? = nil,
        faults: [Int: Fault] = [:],
        refusal: @escaping @Sendable (Batch.Row) -> Rejection? = { _ in nil },
        beforeWrite: @escaping @Sendable () async throws -> Void = {}
    ) {
        route = WriteRoute(
            name: "memory", recordsMax: recordsMax, bytesMax: bytesMax, concurrencyMax: concurrencyMax)
        self.readBatchSize = readBatchSize
        self.contentBytesMax = contentBytesMax
        self.refusal = refusal
        self.beforeWrite = beforeWrite
        var first = State()
        first.faults = faults
        first.held = existing.enumerated().map { number, record in
            Held(
                id: "old-\(number)", object: record.object, key: nil, fields: Self.parsed(Array(record.fields.utf8)),
                references: [], writes: 0)
        }
        state = Mutex(first)
    }

    /// Everything that it holds, in the order of creation.
    package var held: [Held] { state.withLock { $0.held } }
    /// Every batch that was given to `write`.
    package var batches: [Batch] { state.withLock { $0.batches } }
    /// Every batch that was given to `resolve`.
    package var resolved: [Batch] { state.withLock { $0.resolved } }
    /// The most writes that were under way at once.
    package var runningMax: Int { state.withLock { $0.runningMax } }
    /// The record with our key.
    package func record(_ key: String, of object: String) -> Held? {
        state.withLock { state in state.byKey[Self.stamp(key, object)].map { state.held[$0] } }
    }
    /// Misbehaves differently from now on.
    package func set(_ faults: [Int: Fault]) { state.withLock { $0.faults = faults } }

    package func discover(_ objects: [String]) async throws -> [ObjectSchema] {
        objects.map {
            ObjectSchema(
                name: $0, label: $0, fields: [], holdsKey: true, isOpen: true,
                content: ContentSchema(field: "content", bytesMax: contentBytesMax))
        }
    }

    package func requirements(of object: ObjectSchema) -> [FieldCreation] { [] }
    package func prepare(_ creations: [FieldCreation]) async throws {}
    package func people() async throws -> [Person] { [] }
    package func route(for object: String, expectedRows: Int) -> WriteRoute { route }
    package func finish() async throws {}

    package func write(
        _ batch: Batch, by route: WriteRoute, intent: any WriteIntent
    ) async throws -> [Receipt] {
        let (number, fault) = state.withLock { state in
            state.batches.append(batch)
            state.running += 1
            state.runningMax = max(state.runningMax, state.running)
            return (state.batches.count, state.faults[state.batches.count])
        }
        defer { state.withLock { $0.running -= 1 } }
        try await intent.note("write \(number)")
        try await beforeWrite()
        for _ in 0..<number % 3 { await Task.yield() }
        if case .refused(let error) = fault { throw error }
        var contents: [String: [UInt8]] = [:]
        for row in batch.rows {
            guard let content = row.content else { continue }
            precondition(batch.rows.count == 1, "a row with content is the only one of its batch")
            let next = try await content.pieces()
            var bytes: [UInt8] = []
            while let piece = try await next() { bytes += piece }
            contents[row.key] = bytes
        }
        guard case .lost(let count, let error) = fault else {
            return apply(batch.rows[...], batch.object, contents).reversed()
        }
        _ = apply(batch.rows.prefix(count), batch.object, contents)
        throw error
    }

    package func readContent(object: String, id: String, piece: ([UInt8]) async throws -> Void) async throws {
        guard let content = held.first(where: { $0.object == object && $0.id == id })?.content else {
            throw Rejection(.contentUnavailable)
        }
        for start in stride(from: 0, to: content.count, by: 100_000) {
            try await piece(Array(content[start..<min(start + 100_000, content.count)]))
        }
    }

    package func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        state.withLock { state in
            state.resolved.append(batch)
            return batch.rows.filter { $0.targetID == nil }.compactMap { row in
                state.byKey[Self.stamp(row.key, batch.object)].map {
                    Receipt(key: row.key, result: .created(id: state.held[$0].id))
                }
            }
        }
    }

    package func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        precondition(values.count <= readBatchSize, "more values than the destination takes")
        return held.filter { record in
            record.object == object && record.key == nil
                && values.contains { value in
                    zip(fields, value).allSatisfy { field, text in
                        record.fields[field]?.text?.lowercased() == text.lowercased()
                    }
                }
        }.map { Self.readBack($0, returning) }
    }

    package func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        precondition(ids.count <= readBatchSize, "more ids than the destination takes")
        return held.filter { $0.object == object && ids.contains($0.id) }.map { Self.readBack($0, fields) }
    }

    package func sample(object: String, fields: [String], count: Int) async throws -> [ReadBack] {
        held.filter { $0.object == object }.prefix(count).map { Self.readBack($0, fields) }
    }

    package func delete(object: String, ids: [String]) async throws -> [Deletion] {
        state.withLock { state in
            let there = Set(state.held.filter { $0.object == object }.map(\.id)).intersection(ids)
            state.held.removeAll { $0.object == object && there.contains($0.id) }
            state.byKey = [:]
            for (index, record) in state.held.enumerated() {
                if let key = record.key { state.byKey[Self.stamp(key, record.object)] = index }
            }
            return ids.map { Deletion(id: $0, result: there.contains($0) ? .deleted : .absent) }
        }
    }

    package func identity() async throws -> String { "memory" }
    package func account(for objects: [String]) async throws -> AccountReport { AccountReport(account: "memory") }

    package func count(object: String, keyPrefix: String) async throws -> Int? {
        held.count { $0.object == object && $0.key?.hasPrefix(keyPrefix) == true }
    }

    private func apply(
        _ rows: ArraySlice<Batch.Row>, _ object: String, _ contents: [String: [UInt8]]
    ) -> [Receipt] {
        rows.map { row in
            if let rejection = refusal(row) { return Receipt(key: row.key, result: .rejected(rejection)) }
            return state.withLock { state in
                let stamp = Self.stamp(row.key, object)
                let known = row.targetID.flatMap { id in state.held.firstIndex { $0.id == id } } ?? state.byKey[stamp]
                guard let known else {
                    state.byKey[stamp] = state.held.count
                    let id = "new-\(state.createdCount)"
                    state.createdCount += 1
                    state.held.append(
                        Held(
                            id: id, object: object, key: row.key, fields: Self.parsed(row.fields),
                            references: row.references, writes: 1, content: contents[row.key]))
                    return Receipt(key: row.key, result: .created(id: id))
                }
                state.byKey[stamp] = row.keepsKey ? known : nil
                state.held[known].key = row.keepsKey ? row.key : nil
                let fields = Self.parsed(row.fields)
                let named = Set(fields.members.map(\.key) + row.references.map(\.field))
                state.held[known].references.removeAll { named.contains($0.field) }
                state.held[known].references += row.references
                state.held[known].writes += 1
                if let content = contents[row.key] { state.held[known].content = content }
                state.held[known].fields = Self.merged(state.held[known].fields, fields)
                return Receipt(key: row.key, result: .updated(id: state.held[known].id))
            }
        }
    }

    /// Keys are unique within an object only.
    private static func stamp(_ key: String, _ object: String) -> String { "\(object)/\(key)" }

    private static func parsed(_ fields: [UInt8]) -> JSONValue {
        fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
    }

    private static func merged(_ old: JSONValue, _ new: JSONValue) -> JSONValue {
        .object(old.members.filter { new[$0.key] == nil } + new.members)
    }

    private static func readBack(_ record: Held, _ fields: [String]) -> ReadBack {
        let members = fields.map { name in
            let reference = record.references.first { $0.field == name }
            return JSONValue.Member(
                name, reference.map { .string($0.targetID) } ?? record.fields[name] ?? .null)
        }
        return ReadBack(id: record.id, key: record.key, fields: JSONValue.object(members).serialized())
    }
}
