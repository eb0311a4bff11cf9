// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTestKit

/// A source in memory, behind a network that a fate rules.
struct FatefulSource: Source {
    let inner: MemorySource
    let fate: Fate
    let clock: ManualClock

    var name: String { inner.name }

    func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        try await travel()
        try fate.pass(.readPage)
        return try await inner.readPage(of: object, fields: fields, after: cursor)
    }

    func slices(of object: StreamName, atMost: Int) async throws -> [Cursor] {
        try await travel()
        try fate.pass(.readPage)
        return try await inner.slices(of: object, atMost: atMost)
    }

    func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        try await travel()
        try fate.pass(.readLinks)
        return try await inner.readLinks(from: from, to: to, of: records)
    }

    func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        try await travel()
        try fate.pass(.readContent)
        try await inner.readContent(of: object, id: id, record: record) { bytes in
            // Cut off between two pieces.
            try fate.pass(.readContent)
            try await piece(bytes)
        }
    }

    private func travel() async throws { try await clock.sleep(for: .milliseconds(fate.draw(1...40))) }

    func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] { try await inner.discover(objects) }
    func layout(of object: StreamName) -> RecordLayout { inner.layout(of: object) }
    func count(of object: StreamName) async throws -> Int? { try await inner.count(of: object) }
    func linkBatchSize(from: StreamName, to: StreamName) -> Int? { inner.linkBatchSize(from: from, to: to) }
    func people() async throws -> [Person] { [] }
    func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        try await inner.readRecords(of: object, ids: ids, fields: fields)
    }
    func identity() async throws -> String { try await inner.identity() }
    func account(for objects: [StreamName]) async throws -> AccountReport { try await inner.account(for: objects) }
}
