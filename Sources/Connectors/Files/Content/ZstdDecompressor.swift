// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CZstd
import MigratezModel

/// Unpacks zstd.
///
/// What libzstd makes of a damaged frame is caught by the frame's checksum, which `zstd` writes unless it is told not
/// to; a frame without one is taken as it comes.
final class ZstdDecompressor: Decompressor {
    /// Log2 of the largest window: 8 MiB, which RFC 8878, 3.1.1.1.2 recommends that every decoder support. Levels up to
    /// 19 need no more.
    private static let windowLogMax: Int32 = 23

    private let path: String
    private let context: OpaquePointer
    private(set) var isWhole = true

    init(path: String) throws(MigratezError) {
        self.path = path
        guard let context = ZSTD_createDCtx() else {
            throw MigratezError(.internalError, "zstd could not allocate a decompressor: no memory")
        }
        self.context = context
        let result = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLogMax)
        guard ZSTD_isError(result) == 0 else { throw Self.damaged(path, String(cString: ZSTD_getErrorName(result))) }
    }

    deinit { ZSTD_freeDCtx(context) }

    func decompress(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(MigratezError) -> (taken: Int, given: Int) {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        repeat {
            let before = (source.pos, target.pos)
            let result = ZSTD_decompressStream(context, &target, &source)
            guard ZSTD_isError(result) == 0 else { throw failure(result) }
            // Without input it only gives out what it still holds.
            guard before != (source.pos, target.pos) else { break }
            // 0 = a frame has ended; the next call begins with the next one.
            isWhole = result == 0
        } while source.pos < source.size && target.pos < target.size
        return (source.pos, target.pos)
    }

    private func failure(_ result: Int) -> MigratezError {
        guard ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge else {
            return Self.damaged(path, String(cString: ZSTD_getErrorName(result)))
        }
        return MigratezError(
            .limitExceeded, "\(path) needs a window of more than 8 MiB to decompress", remedy: .fixConfiguration,
            hint: "pack it again without --long and --ultra")
    }
}
