// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

/// The slices of a stream in the manifest.
@Suite struct SliceTests {
    private let contact = StreamName("contact").unsafelyUnwrapped

    private func withRun(_ body: (StagedRun, StagingArea) async throws -> Void) async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path)
            try await body(run, try await run.create(objects: [contact]))
        }
    }

    private func put(_ count: Int, slice: Int?, _ area: StagingArea) async throws -> Chunk {
        var writer = try await area.openChunkWriter(contact, .raw, slice: slice)
        try writer.append(Array(String(repeating: "{}\n", count: count).utf8), records: count)
        return try await writer.seal()
    }

    @Test func `chunks are in the order of their slices, and so are the ordinals in them`() async throws {
        try await withRun { _, area in
            var first: [Int: Int] = [:]
            for (slice, count) in [(2, 5), (1, 3), (3, 1), (1, 4), (2, 2)] {
                let chunk = try await put(count, slice: slice, area)
                first[chunk.address.sequence] = count
            }
            let chunks = try await area.chunks(of: contact, kind: .raw)
            #expect(chunks.map(\.address.sequence) == [1, 2, 1_000_001, 1_000_002, 2_000_001])
            #expect(chunks.map(\.records) == [3, 4, 5, 2, 1])
            #expect(first == Dictionary(uniqueKeysWithValues: chunks.map { ($0.address.sequence, $0.records) }))
            var ordinals: [Int] = []
            for address in chunks.map(\.address) {
                ordinals.append(try await area.manifest.read { try $0.firstLine(of: address) })
            }
            #expect(ordinals == [0, 3, 7, 12, 14])
            try await area.close()
        }
    }

    @Test func `a stream is at its end with the last of its slices`() async throws {
        try await withRun { run, area in
            let stream = contact
            let starts = ["a", "b", "c"].map { MigratezModel.Cursor($0) }
            try await area.manifest.commit { try $0.cut(stream, into: starts) }
            #expect(try await area.manifest.read { try $0.slices(of: stream).map(\.cursor) } == starts)
            // Nothing is cut that is being read.
            let again = await #expect(throws: MigratezError.self) {
                try await area.manifest.commit { try $0.cut(stream, into: starts) }
            }
            #expect(again?.code == .invalidTransition)
            for slice in [2, 3, 1] {
                #expect(try await area.manifest.read { try $0.stream(stream)?.state(of: .extract) } == .running)
                try await area.manifest.commit {
                    try $0.moveCursor(of: stream, slice: slice, to: .init("x\(slice)"), recordsRead: 2)
                    try $0.moveCursor(of: stream, slice: slice, to: nil, recordsRead: 3)
                }
            }
            try await area.close()
            let reopened = try await run.open()
            let status = try await reopened.manifest.read { try $0.stream(stream) }
            #expect(status?.state(of: .extract) == .done)
            #expect(status?.recordsRead == 15)
            await #expect(throws: MigratezError.self) {
                try await reopened.manifest.commit {
                    try $0.moveCursor(of: stream, slice: 4, to: nil, recordsRead: 1)
                }
            }
            try await reopened.close()
        }
    }

    @Test func `a manifest of version 9 opens, and its streams have their cursors and no slices`() async throws {
        try await withRun { run, area in
            let stream = contact
            try await area.manifest.commit {
                try $0.moveCursor(of: stream, to: .init("page 7"), recordsRead: 60)
                try $0.set(.extract, of: stream, to: .running)
            }
            try await area.close()
            let database = try DatabaseQueue(path: run.folder.manifest)
            try await database.write { try $0.execute(sql: "DROP TABLE slices; PRAGMA user_version = 9") }
            try database.close()

            let reopened = try await run.open()
            let status = try await reopened.manifest.read { try $0.stream(stream) }
            let slices = try await reopened.manifest.read { try $0.slices(of: stream) }
            #expect(status?.cursor == .init("page 7") && status?.recordsRead == 60)
            #expect(slices.isEmpty)
            try await reopened.close()
        }
    }
}
