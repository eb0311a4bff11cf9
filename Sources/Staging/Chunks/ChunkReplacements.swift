// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezModel

/// Puts chunks with some of their lines changed into the places of the ones before, which nobody can open afterwards.
///
/// ```
/// new file durable under a temporary name, under a key of its own ──► decided ──► renamed ──► old key destroyed ──► noted
/// ```
/// Until `decided`, which is one commit, nothing has happened: a crash leaves a temporary file and a key of nothing. From
/// then on each step may be done twice, and the next opening of the run finishes them.
struct ChunkReplacements {
    let folder: RunFolder
    let manifest: Manifest
    let ring: KeyRing
    let fileSystem: any FileSystem

    /// Finishes what was decided; returns how many there were.
    func finish() async throws -> Int {
        let chunks = try await manifest.read { try $0.chunksBeingReplaced() }
        for chunk in chunks {
            let temporary = folder.temporaryFile(of: chunk.nextAttempt)
            // Gone if it was renamed before.
            if try fileSystem.length(temporary) != nil {
                try fileSystem.rename(temporary, to: folder.file(of: chunk))
            }
            try fileSystem.syncFolder(folder.chunks)
            try ring.destroy(slots: [chunk.slot])
            try await manifest.commit { try $0.finishReplacement(of: chunk) }
        }
        return chunks.count
    }
}

extension Chunk {
    /// The chunk as its next attempt, which has another context of encryption.
    fileprivate var nextAttempt: Chunk {
        var next = self
        next.attempt += 1
        return next
    }
}

extension StagingArea {
    /// Replaces lines of a chunk: the chunk is sealed anew as its next attempt, and the key of the one before destroyed.
    /// Its state, the number of its lines and their order stay.
    ///
    /// It may take the disk above its limit for the time in which both files are there.
    ///
    /// - Parameter replacement: is given the number of each line within the chunk and the line without its line feed;
    ///   returns a line with its line feed, or nil for one that stays.
    package func replaceLines(
        of chunk: Chunk, _ replacement: (Int, UnsafeBufferPointer<UInt8>) throws -> [UInt8]?
    ) async throws {
        let slot = try await manifest.commit { try $0.takeSlot() }
        let temporary = folder.temporaryFile(of: chunk.nextAttempt)
        var isDeciding = false
        do {
            let summary = try write(chunk, to: temporary, slot: slot, replacement)
            isDeciding = true
            try await manifest.commit { try $0.decideReplacement(of: chunk, slot: slot, summary) }
            budget.charge(ByteCount(summary.ciphertextBytes))
        } catch {
            // Whether it was decided may be known to the next opening only, which finishes it or removes the file.
            if !isDeciding || !Manifest.isFateUnknown(after: error) {
                try fileSystem.remove(temporary)
                try ring.destroy(slots: [slot])
            }
            throw error
        }
        _ = try await ChunkReplacements(folder: folder, manifest: manifest, ring: ring, fileSystem: fileSystem).finish()
        budget.release(ByteCount(chunk.storedBytes))
    }

    private func write(
        _ chunk: Chunk, to path: String, slot: Int64,
        _ replacement: (Int, UnsafeBufferPointer<UInt8>) throws -> [UInt8]?
    ) throws -> ChunkSummary {
        var reader = try openChunkReader(chunk, verifyDigest: true)
        let key = try ring.makeKey(slot: slot)
        try fileSystem.remove(path)
        let file = try fileSystem.open(path, .new)
        var output: [UInt8] = []
        var written = 0
        func flush() throws(MigratezError) {
            try file.write(output, at: written)
            written += output.count
            output.removeAll(keepingCapacity: true)
        }
        let context = ChunkContext(run: folder.run, address: chunk.address, attempt: chunk.attempt + 1)
        var encoder = try ChunkEncoder(
            context: context, key: key, level: settings.compression, copies: settings.recipients, into: &output)
        var number = 0
        var block: [UInt8] = []
        while try reader.next(into: &block) {
            let lines = try block.replacingLines(from: &number, replacement)
            try lines.withUnsafeBytes { try encoder.append($0, into: &output) }
            if output.count >= 256 << 10 { try flush() }
        }
        let summary = try encoder.finish(into: &output)
        try flush()
        try file.sync()
        try ring.sync()
        return summary
    }
}

extension [UInt8] {
    /// The lines of a block, some of them replaced.
    fileprivate func replacingLines(
        from number: inout Int, _ replacement: (Int, UnsafeBufferPointer<UInt8>) throws -> [UInt8]?
    ) throws -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        for line in LineRanges(self) {
            let replaced = try self[line].withUnsafeBufferPointer { try replacement(number, $0) }
            // A line that stays stays with its line feed.
            if let replaced { result += replaced } else { result += self[line.lowerBound...line.upperBound] }
            number += 1
        }
        return result
    }
}
