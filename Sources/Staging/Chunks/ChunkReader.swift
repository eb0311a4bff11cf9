// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezCrypto
package import MigratezModel
import Synchronization

/// Reads one sealed chunk from its first line to its last, in constant memory.
///
/// Nothing is handed out that is not authentic, and nothing of another chunk or an older attempt. That the chunk is
/// complete is known after the last line only, so what a stage makes of it takes effect when `next` has returned false.
package struct ChunkReader: ~Copyable, Sendable {
    package let chunk: Chunk
    private let run: RunID
    private var decoder: ChunkDecoder

    init(
        _ chunk: Chunk, in folder: RunFolder, ring: KeyRing, verifyDigest: Bool, _ fileSystem: any FileSystem
    ) throws(MigratezError) {
        guard [.sealed, .leased, .spent, .failed].contains(chunk.state), !chunk.sha256.isEmpty else {
            throw MigratezError(.invalidTransition, "chunk \(chunk.address) is \(chunk.state.rawValue), not readable")
        }
        do throws(MigratezError) {
            decoder = try Self.decoder(of: chunk, in: folder, ring, verifyDigest: verifyDigest, fileSystem)
        } catch {
            throw error.about(chunk, of: folder.run)
        }
        self.chunk = chunk
        run = folder.run
    }

    private static func decoder(
        of chunk: Chunk, in folder: RunFolder, _ ring: KeyRing, verifyDigest: Bool, _ fileSystem: any FileSystem
    ) throws(MigratezError) -> ChunkDecoder {
        let path = folder.file(of: chunk)
        guard let length = try fileSystem.length(path) else { throw MigratezError(.chunkCorrupt, "its file is gone") }
        guard length == chunk.storedBytes else {
            throw MigratezError(.chunkCorrupt, "its file has \(length) bytes instead of \(chunk.storedBytes)")
        }
        let key = try ring.key(slot: chunk.slot)
        let cursor = FileCursor(try fileSystem.open(path, .reading))
        if verifyDigest { try cursor.checkDigest(of: chunk) }
        return try ChunkDecoder(
            asking: ChunkContext(run: folder.run, address: chunk.address, attempt: chunk.attempt), key: key
        ) { buffer throws(MigratezError) in try cursor.read(into: buffer) }
    }

    /// Replaces `block` by the next whole lines, each with its line feed; false, and an empty block, after the last.
    ///
    /// A block has about 256 KiB, or one line if that is longer. The buffer is meant to be used again for each call.
    package mutating func next(into block: inout [UInt8]) throws(MigratezError) -> Bool {
        do throws(MigratezError) {
            if try decoder.next(into: &block) { return true }
            try checkLength()
            return false
        } catch {
            throw error.about(chunk, of: run)
        }
    }

    /// Runs `body` for each remaining line, without its line feed; the pointer is valid during the call only.
    package mutating func forEachLine(
        _ body: (UnsafeBufferPointer<UInt8>) throws(MigratezError) -> Void
    ) throws(MigratezError) {
        do throws(MigratezError) {
            try decoder.forEachLine(body)
            try checkLength()
        } catch {
            throw error.about(chunk, of: run)
        }
    }

    private func checkLength() throws(MigratezError) {
        guard decoder.plaintextBytes == chunk.plaintextBytes else {
            throw MigratezError(.chunkCorrupt, "it does not hold what was put in")
        }
    }
}

extension MigratezError {
    /// With the chunk and the way out, if it says that the chunk is not as it was sealed.
    fileprivate func about(_ chunk: Chunk, of run: RunID) -> MigratezError {
        guard hint == nil, [.chunkCorrupt, .chunkAuthentication, .chunkMismatch].contains(code) else { return self }
        var named = self
        named.message = "chunk \(chunk.address): \(message)"
        named.hint = "a raw chunk is read from the source again, alone: migratez chunks retry \(run)"
        return named
    }
}

/// Reads a file front to back.
final class FileCursor: Sendable {
    private let file: any OpenFile
    private let offset = Atomic(0)

    init(_ file: any OpenFile) { self.file = file }

    /// The next bytes; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(MigratezError) -> Int {
        let start = offset.load(ordering: .relaxed)
        let count = try file.read(into: buffer, at: start)
        offset.store(start + count, ordering: .relaxed)
        return count
    }

    /// Throws `chunkCorrupt` unless the whole file has the digest that was noted when the chunk was sealed.
    func checkDigest(of chunk: Chunk) throws(MigratezError) {
        var hash = SHA256()
        var offset = 0
        while true {
            let bytes = try file.read(1 << 20, at: offset)
            if bytes.isEmpty { break }
            hash.update(bytes)
            offset += bytes.count
        }
        guard hash.finish() == chunk.sha256 else {
            throw MigratezError(.chunkCorrupt, "its file has been altered")
        }
    }
}
