// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
package import MigratezModel

/// Writes one chunk. It ends with `seal`, `discard` or `withdraw`, one of which must be called.
///
/// Until `seal` returns the chunk does not exist for anybody else; a crash before leaves nothing but a temporary file,
/// which the next opening of the run removes. After an error of `append` only `discard` may follow.
package struct ChunkWriter: ~Copyable, Sendable {
    package let address: ChunkAddress
    /// The lines put in so far.
    package private(set) var records = 0
    /// The bytes put in so far.
    package private(set) var plaintextBytes = 0

    private let area: StagingArea
    private let chunk: Chunk
    private let firstOrdinal: Int?
    private let file: any OpenFile
    private var encoder: ChunkEncoder?
    private var output: [UInt8] = []
    private var writtenBytes = 0
    private var isFinished = false
    /// How much ciphertext is collected before it is written out.
    private static let outputBytes = 256 << 10

    init(_ area: StagingArea, _ chunk: Chunk, firstOrdinal: Int?) throws(MigratezError) {
        let key = try area.ring.makeKey(slot: chunk.slot)
        let file = try area.fileSystem.open(area.folder.temporaryFile(of: chunk), .new)
        var output: [UInt8] = []
        output.reserveCapacity(ChunkWriter.outputBytes + (128 << 10))
        encoder = try ChunkEncoder(
            context: ChunkContext(run: area.folder.run, address: chunk.address, attempt: chunk.attempt), key: key,
            level: area.settings.compression, copies: area.settings.recipients, into: &output)
        self.area = area
        self.chunk = chunk
        self.firstOrdinal = firstOrdinal
        self.file = file
        self.output = output
        address = chunk.address
    }

    deinit { precondition(isFinished, "a chunk writer ends with seal, discard or withdraw") }

    /// Whether the chunk has the size at which a stage begins the next one.
    package var isFull: Bool {
        plaintextBytes >= area.settings.chunkBytes.bytes || records >= area.settings.chunkRecordsMax
    }

    /// Puts in whole lines, each with its line feed.
    ///
    /// - Parameter records: how many lines they are.
    package mutating func append(_ lines: UnsafeRawBufferPointer, records: Int) throws(MigratezError) {
        try encoder?.append(lines, into: &output)
        self.records += records
        plaintextBytes += lines.count
        if output.count >= ChunkWriter.outputBytes { try flush() }
    }

    /// Puts in whole lines, each with its line feed.
    package mutating func append(_ lines: [UInt8], records: Int) throws(MigratezError) {
        try lines.span.bytes.withUnsafeBytes { bytes throws(MigratezError) in try append(bytes, records: records) }
    }

    /// Makes the chunk durable and known, in one commit with whatever `body` changes (a cursor, outcomes).
    ///
    /// The order is: file synced, renamed, folder synced, key ring synced, commit. If anything fails, nothing of the
    /// chunk is left, and the changes of `body` have not happened. Only if the disk fails in the commit itself, whether
    /// it happened is known when the run is opened again; until then file and key stay.
    package consuming func seal(
        _ body: @escaping @Sendable (ManifestTransaction, Chunk) throws -> Void = { _, _ in }
    ) async throws -> Chunk {
        isFinished = true
        var isCommitting = false
        do {
            let summary = try finish()
            isCommitting = true
            let (chunk, records, firstOrdinal) = (chunk, records, firstOrdinal)
            let sealed = try await area.manifest.commit { transaction in
                let sealed = try transaction.sealChunk(
                    chunk, records: records, firstOrdinal: firstOrdinal, plaintextBytes: summary.plaintextBytes,
                    storedBytes: summary.ciphertextBytes, sha256: summary.ciphertextDigest)
                try body(transaction, sealed)
                return sealed
            }
            area.settle(reservedFor: sealed)
            return sealed
        } catch {
            if isCommitting, Manifest.isFateUnknown(after: error) {
                area.abandon(chunk)
            } else {
                await area.discard(chunk)
            }
            throw error
        }
    }

    /// Drops the chunk: its file, its key and its row. What cannot be removed now goes when the run is opened again.
    package consuming func discard() async {
        isFinished = true
        await area.discard(chunk)
    }

    /// Drops a chunk that nothing was put into, in the course of work that goes on. Throws if something of it may be
    /// left: a run that ends well is not opened again.
    package consuming func withdraw() async throws {
        isFinished = true
        try await area.withdraw(chunk)
    }

    private mutating func flush() throws(MigratezError) {
        try file.write(output, at: writtenBytes)
        writtenBytes += output.count
        output.removeAll(keepingCapacity: true)
    }

    /// The durable write: the only place where a chunk's file gets its name.
    private mutating func finish() throws(MigratezError) -> ChunkSummary {
        guard let encoder = encoder.take() else {
            throw MigratezError(.internalError, "a chunk was sealed after its writing had failed")
        }
        let summary = try encoder.finish(into: &output)
        try flush()
        try file.sync()
        try area.fileSystem.rename(area.folder.temporaryFile(of: chunk), to: area.folder.file(of: chunk))
        try area.fileSystem.syncFolder(area.folder.chunks)
        try area.ring.sync()
        return summary
    }
}
