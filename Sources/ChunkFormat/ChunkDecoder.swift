// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezModel

/// Turns a chunk back into plaintext: authenticates, then decompresses, then hands out. Constant memory.
///
/// Nothing is handed out before the 64 KiB frame that it came in is authentic, and nothing is decompressed before. That
/// the chunk is complete is known at its end only: a chunk that was cut at the border of a frame gives the lines before
/// the cut and then throws, so a stage takes effect when the reader has returned its last line, not before.
package struct ChunkDecoder: ~Copyable, Sendable {
    /// About how much `next(into:)` gives at once, in bytes; a longer line makes it more.
    package static let blockBytes = 256 << 10

    /// The bytes handed out or held back so far.
    package private(set) var plaintextBytes = 0

    private var reader: AgeReader
    private var decompressor: ZstdDecompressor?
    private let scratch = ByteBuffer(count: 128 << 10)
    let limits: ChunkLimits
    private var packedBytes = 0
    /// Whether zstd may hold plaintext that did not fit into `scratch`.
    private var holdsMore = false
    private var isAtEnd = false
    /// The start of a line whose end has not been read.
    var carry: [UInt8] = []

    /// Reads the head of the chunk from `source`.
    ///
    /// Throws `chunkMismatch` if it is another chunk or another attempt, `chunkAuthentication` if `key` does not open it
    /// or the head was altered, `chunkCorrupt` if it is no chunk.
    package init(
        asking context: ChunkContext, key: ChunkKey, limits: ChunkLimits = ChunkLimits(),
        reading source: @escaping ByteSource
    ) throws(MigratezError) {
        try self.init(
            unlockedBy: [.chunk(key, context)], packing: context.packing, limits: limits, reading: source)
    }

    /// Reads a copy that was made for somebody else's key: which chunk it is cannot be proved then.
    package init(
        unlockedBy identities: [AgeIdentity], packing: ChunkContext.Packing = .zstd,
        limits: ChunkLimits = ChunkLimits(),
        reading source: @escaping ByteSource
    ) throws(MigratezError) {
        let reader = try AgeReader(unlockedBy: identities, reading: source)
        decompressor = packing == .zstd ? try ZstdDecompressor() : nil
        self.reader = reader
        self.limits = limits
    }

    /// Appends the next bytes, at most 128 KiB of them, to `block`; false at the end of the chunk.
    ///
    /// Throws `chunkAuthentication` if the chunk was altered or cut, `chunkCorrupt` if what it holds was broken when it
    /// was sealed, `limitExceeded` beyond the limits. For chunks that do not hold lines; not to be mixed with lines.
    package mutating func nextBytes(appendingTo block: inout [UInt8]) throws(MigratezError) -> Bool {
        while !isAtEnd {
            if reader.unread.isEmpty, !holdsMore, try !reader.advance() {
                try checkEnd()
                isAtEnd = true
                return false
            }
            let given = try unpack(into: &block)
            if given > 0 { return true }
        }
        return false
    }

    private mutating func unpack(into block: inout [UInt8]) throws(MigratezError) -> Int {
        guard decompressor != nil else {
            let given = reader.unread.count
            try note(given, allowed: limits.plaintextMax.bytes)
            block.append(contentsOf: reader.unread)
            reader.consume(given)
            return given
        }
        return try decompress(into: &block)
    }

    private mutating func decompress(into block: inout [UInt8]) throws(MigratezError) -> Int {
        if decompressor?.isAtEnd == true {
            throw MigratezError(.chunkCorrupt, "there are bytes after the compressed frame in a chunk")
        }
        if packedBytes == 0, let declared = ZstdDecompressor.declaredSize(reader.unread),
            declared > UInt64(limits.plaintextMax.bytes)
        {
            throw MigratezError(.limitExceeded, "a chunk declares more than \(limits.plaintextMax) of plaintext")
        }
        guard let (taken, given) = try decompressor?.decompress(reader.unread, into: scratch.bytes) else { return 0 }
        reader.consume(taken)
        packedBytes += taken
        holdsMore = given == scratch.bytes.count && decompressor?.isAtEnd == false
        try note(given, allowed: limits.plaintextAllowed(forPacked: packedBytes))
        block.append(contentsOf: scratch.bytes[..<given])
        return given
    }

    private mutating func note(_ given: Int, allowed: Int) throws(MigratezError) {
        plaintextBytes += given
        guard plaintextBytes <= allowed else {
            throw MigratezError(.limitExceeded, "a chunk holds more plaintext than is allowed for its size")
        }
    }

    private mutating func checkEnd() throws(MigratezError) {
        if decompressor?.isAtEnd == false {
            throw MigratezError(.chunkCorrupt, "the compressed frame in a chunk is cut")
        }
    }
}
