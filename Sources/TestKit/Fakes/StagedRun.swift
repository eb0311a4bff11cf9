// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezModel
package import MigratezStaging

/// A run with a real staging area in a folder of its own, which can be closed and opened again as after a crash.
package struct StagedRun: Sendable {
    package let folder: RunFolder
    package var settings: StagingSettings
    private let root = RootKey.key(SymmetricKey(copying: [UInt8](repeating: 7, count: 32)))

    /// - Parameters:
    ///   - path: an empty folder (`withTemporaryFolder`).
    ///   - chunkBytes: small, so that a few records make several chunks.
    package init(
        _ path: String, chunkBytes: ByteCount = .MiB(1), chunkRecordsMax: Int = 50_000,
        fileSystem: any FileSystem = LocalFileSystem(), clock: any WallClock = SystemWallClock()
    ) {
        guard let run = RunID("9f3c01aa") else { preconditionFailure("this is an id of a run") }
        folder = RunFolder(run: run, staging: "\(path)/staging", keys: "\(path)/keys")
        settings = StagingSettings(
            diskLimit: .GiB(2), chunkBytes: chunkBytes, chunkRecordsMax: chunkRecordsMax, fileSystem: fileSystem,
            clock: clock)
    }

    /// Begins the run with these streams.
    package func create(objects: [StreamName], links: [StreamName] = []) async throws -> StagingArea {
        let description = RunDescription(
            pipeline: "test", digest: "sha256:00", source: "memory", destination: "memory")
        let area = try await StagingArea.create(folder, description, root: root, settings: settings)
        try await area.manifest.commit { transaction in
            for stream in objects { try transaction.declare(stream, .object) }
            for stream in links { try transaction.declare(stream, .link) }
        }
        return area
    }

    /// Opens the run again, which puts right what the process before left.
    package func open() async throws -> StagingArea {
        try await StagingArea.open(folder, root: root, settings: settings).area
    }
}

extension StagingArea {
    /// The lines of all chunks of a kind, or of one of them, in order, as texts.
    package func texts(of stream: StreamName, _ kind: ChunkKind, sequence: Int? = nil) async throws -> [String] {
        var lines: [String] = []
        for chunk in try await chunks(of: stream, kind: kind)
        where sequence == nil || chunk.address.sequence == sequence {
            var reader = try openChunkReader(chunk)
            var block: [UInt8] = []
            while try reader.next(into: &block) {
                lines += block.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            }
        }
        return lines
    }

    /// Puts lines into one chunk and counts them as read.
    package func stage(_ lines: [String], of stream: StreamName, _ kind: ChunkKind) async throws {
        _ = try await withChunkWriter(stream, kind) { transaction, _ in
            guard kind == .raw else { return }
            try transaction.moveCursor(of: stream, to: nil, recordsRead: lines.count)
            try transaction.set(.extract, of: stream, to: .done)
        } _: { writer in
            for line in lines { try writer.append(Array("\(line)\n".utf8), records: 1) }
        }
    }

    /// Every outcome of a stream, in the order of ordinals.
    package func outcomes(of stream: StreamName) async throws -> [RecordOutcome] {
        try await manifest.read { try $0.outcomes(of: stream, from: 0, limit: .max) }
    }
}
