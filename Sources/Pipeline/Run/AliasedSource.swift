// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel

/// A source whose objects go by the names that a pipeline file gives them (`objects.call.from: activity`).
///
/// Several streams may read one object, each with a filter of its own: what is one object on the one side is several on
/// the other. Each of them reads all of it.
struct AliasedSource: Source {
    let inner: any Source
    /// The source's own name of each stream that goes by another one.
    let origins: [StreamName: StreamName]

    private func origin(_ stream: StreamName) -> StreamName { origins[stream] ?? stream }

    var name: String { inner.name }
    var limiter: RateLimiter? { inner.limiter }

    /// The schemas bear the source's own names.
    func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        let wanted = objects.map(origin)
        var distinct: [StreamName] = []
        for object in wanted where !distinct.contains(object) { distinct.append(object) }
        let schemas = Dictionary(zip(distinct, try await inner.discover(distinct))) { first, _ in first }
        return wanted.compactMap { schemas[$0] }
    }

    func ownObjects() async throws -> [OwnObject] { try await inner.ownObjects() }

    func linkLabels(from: StreamName, to: StreamName) async throws -> [String] {
        try await inner.linkLabels(from: origin(from), to: origin(to))
    }

    func layout(of object: StreamName) -> RecordLayout { inner.layout(of: origin(object)) }

    func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        try await inner.readPage(of: origin(object), fields: fields, after: cursor)
    }

    func slices(of object: StreamName, atMost: Int) async throws -> [Cursor] {
        try await inner.slices(of: origin(object), atMost: atMost)
    }

    func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        try await inner.readRecords(of: origin(object), ids: ids, fields: fields)
    }

    func count(of object: StreamName) async throws -> Int? { try await inner.count(of: origin(object)) }

    func estimatedCount(of object: StreamName) async throws -> Int? {
        try await inner.estimatedCount(of: origin(object))
    }

    func linkBatchSize(from: StreamName, to: StreamName) -> Int? {
        inner.linkBatchSize(from: origin(from), to: origin(to))
    }

    func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        try await inner.readLinks(from: origin(from), to: origin(to), of: records)
    }

    func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        try await inner.readContent(of: origin(object), id: id, record: record, piece: piece)
    }

    func estimatedCalls(readingContentOf object: StreamName, records: Int) -> [CallEstimate] {
        inner.estimatedCalls(readingContentOf: origin(object), records: records)
    }

    func people() async throws -> [Person] { try await inner.people() }
    func identity() async throws -> String { try await inner.identity() }

    func account(for objects: [StreamName]) async throws -> AccountReport {
        try await inner.account(for: Array(Set(objects.map(origin))).sorted())
    }

    func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        inner.estimatedCalls(reading: origin(object), records: records)
    }

    func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] {
        inner.estimatedCalls(linksFrom: origin(from), to: origin(to), records: records)
    }

    func recordAddress(of object: StreamName, id: String) async throws -> String? {
        try await inner.recordAddress(of: origin(object), id: id)
    }
}

extension Source {
    /// The source with its objects under the names that a pipeline file gives them: of each its name there, and the
    /// source's own one, if it is another.
    package func named(by objects: [(stream: StreamName, origin: StreamName?)]) -> any Source {
        let origins = objects.reduce(into: [StreamName: StreamName]()) { origins, object in
            if object.origin != object.stream { origins[object.stream] = object.origin }
        }
        return origins.isEmpty ? self : AliasedSource(inner: self, origins: origins)
    }
}
