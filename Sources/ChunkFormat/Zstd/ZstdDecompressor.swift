// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CZstd
import MigratezModel

/// Decompresses exactly one zstd frame; gets authenticated bytes only.
///
/// That order is not a nicety: libzstd 1.5.4 (Debian 12) decodes some malformed frames.
struct ZstdDecompressor: ~Copyable {
    /// Log2 of the largest window: 8 MiB, which RFC 8878, 3.1.1.1.2 recommends that every decoder support.
    static let windowLogMax: Int32 = 23
    /// Magic number of a frame in the order of the file (RFC 8878, 3.1.1). Others (skippable, legacy) are not ours.
    private static let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]

    private let context: OpaquePointer
    /// How many bytes of the magic number have been seen.
    private var magicSeen = 0
    /// Whether the frame has ended, with its checksum right.
    private(set) var isAtEnd = false

    init() throws(MigratezError) {
        guard let context = ZSTD_createDCtx() else {
            throw MigratezError(.internalError, "zstd could not allocate a decompressor: no memory")
        }
        let result = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLogMax)
        guard ZSTD_isError(result) == 0 else {
            ZSTD_freeDCtx(context)
            throw Self.failure(result)
        }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Takes bytes from `input` and gives bytes to `output` until the frame ends or one of them is used up.
    ///
    /// - Precondition: the frame has not ended.
    mutating func decompress(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(MigratezError) -> (taken: Int, given: Int) {
        precondition(!isAtEnd, "decompressed beyond the end of the frame")
        for byte in input.prefix(Self.magic.count - magicSeen) {
            guard byte == Self.magic[magicSeen] else {
                throw MigratezError(.chunkCorrupt, "a chunk does not hold a zstd frame")
            }
            magicSeen += 1
        }
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = ZSTD_decompressStream(context, &target, &source)
        guard ZSTD_isError(result) == 0 else { throw Self.failure(result) }
        isAtEnd = result == 0
        return (source.pos, target.pos)
    }

    /// The plaintext size that a frame starting with `header` declares; nil if it declares none.
    ///
    /// Our own writer declares none, but a declared size over the limit is refused before anything is decompressed.
    static func declaredSize(_ header: UnsafeRawBufferPointer) -> UInt64? {
        let size = ZSTD_getFrameContentSize(header.baseAddress, header.count)
        // ZSTD_CONTENTSIZE_UNKNOWN and ZSTD_CONTENTSIZE_ERROR are the two largest values (zstd.h).
        return size >= UInt64.max - 1 ? nil : size
    }

    private static func failure(_ result: Int) -> MigratezError {
        if ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge {
            return MigratezError(.limitExceeded, "a chunk needs a larger window than 8 MiB to decompress")
        }
        return MigratezError(
            .chunkCorrupt, "a chunk cannot be decompressed: \(String(cString: ZSTD_getErrorName(result)))")
    }
}

// Sound: the handle has exactly one owner, and moves with it; zstd asks only that no two threads use it at once.
extension ZstdDecompressor: @unchecked Sendable {}
