// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// A source that changes what another one gives, and passes on what it does not change.
///
/// What of a source depends on how much it has (`readPage`, counts) is left to the decorator; it is read in one piece
/// unless the decorator says how its slices are those of the inner one.
protocol SourceDecorator: Source {
    var inner: any Source { get }
}

extension SourceDecorator {
    var name: String { inner.name }
    var limiter: RateLimiter? { inner.limiter }

    func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] { try await inner.discover(objects) }
    func ownObjects() async throws -> [OwnObject] { try await inner.ownObjects() }
    func linkLabels(from: StreamName, to: StreamName) async throws -> [String] {
        try await inner.linkLabels(from: from, to: to)
    }
    func layout(of object: StreamName) -> RecordLayout { inner.layout(of: object) }
    func linkBatchSize(from: StreamName, to: StreamName) -> Int? { inner.linkBatchSize(from: from, to: to) }
    func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        try await inner.readLinks(from: from, to: to, of: records)
    }
    func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        try await inner.readContent(of: object, id: id, record: record, piece: piece)
    }
    func estimatedCalls(readingContentOf object: StreamName, records: Int) -> [CallEstimate] {
        inner.estimatedCalls(readingContentOf: object, records: records)
    }
    func people() async throws -> [Person] { try await inner.people() }
    func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        try await inner.readRecords(of: object, ids: ids, fields: fields)
    }
    func identity() async throws -> String { try await inner.identity() }
    func account(for objects: [StreamName]) async throws -> AccountReport { try await inner.account(for: objects) }
    func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        inner.estimatedCalls(reading: object, records: records)
    }
    func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] {
        inner.estimatedCalls(linksFrom: from, to: to, records: records)
    }
    func recordAddress(of object: StreamName, id: String) async throws -> String? {
        try await inner.recordAddress(of: object, id: id)
    }
}
