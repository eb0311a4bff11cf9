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
    private var decoder: ChunkDecoder

    init(
        _ chunk: Chunk, in folder: RunFolder, ring: KeyRing, verifyDigest: Bool, _ fileSystem: any FileSystem
    ) throws(MigratezError) {
        guard [.sealed, .leased, .spent, .failed].contains(chunk.state), !chunk.sha256.isEmpty else {
            throw MigratezError(.invalidTransition, "chunk \(chunk.address) is \(chunk.state.rawValue), not readable")
        }
        let path = folder.file(of: chunk)
        guard let length = try fileSystem.length(path) else {
            throw MigratezError(.chunkCorrupt, "the file of chunk \(chunk.address) is gone")
        }
        guard length == chunk.storedBytes else {
            throw MigratezError(
                .chunkCorrupt, "chunk \(chunk.address) has \(length) bytes instead of \(chunk.storedBytes)")
        }
        let key = try ring.key(slot: chunk.slot)
        let cursor = FileCursor(try fileSystem.open(path, .reading))
        if verifyDigest { try cursor.checkDigest(of: chunk) }
        decoder = try ChunkDecoder(
            asking: ChunkContext(run: folder.run, address: chunk.address, attempt: chunk.attempt), key: key
        ) { buffer throws(MigratezError) in try cursor.read(into: buffer) }
        self.chunk = chunk
    }

    /// Replaces `block` by the next whole lines, each with its line feed; false, and an empty block, after the last.
    ///
    /// A block has about 256 KiB, or one line if that is longer. The buffer is meant to be used again for each call.
    package mutating func next(into block: inout [UInt8]) throws(MigratezError) -> Bool {
        if try decoder.next(into: &block) { return true }
        try checkLength()
        return false
    }

    /// Runs `body` for each remaining line, without its line feed; the pointer is valid during the call only.
    package mutating func forEachLine(
        _ body: (UnsafeBufferPointer<UInt8>) throws(MigratezError) -> Void
    ) throws(MigratezError) {
        try decoder.forEachLine(body)
        try checkLength()
    }

    private func checkLength() throws(MigratezError) {
        guard decoder.plaintextBytes == chunk.plaintextBytes else {
            throw MigratezError(.chunkCorrupt, "chunk \(chunk.address) does not hold what was put in")
        }
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
            throw MigratezError(.chunkCorrupt, "the file of chunk \(chunk.address) has been altered")
        }
    }
}
