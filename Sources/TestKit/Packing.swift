// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CZlib
import CZstd
import Foundation

/// The ways in which a file can be packed, done by the libraries themselves.
package enum Packing: CaseIterable, Sendable {
    case plain, gzip, zstd

    /// The bytes as a file of this kind holds them: one member or frame.
    ///
    /// - Parameter zstdWindowLog: makes zstd ask for a window of this size.
    package func pack(_ bytes: [UInt8], zstdWindowLog: Int32? = nil) -> [UInt8] {
        switch self {
        case .plain: bytes
        case .gzip: Self.gzip(bytes)
        case .zstd: Self.zstd(bytes, zstdWindowLog)
        }
    }

    private static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).gz").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard let file = gzopen(path, "wb6") else { preconditionFailure("cannot write \(path)") }
        let written = bytes.isEmpty ? 0 : gzwrite(file, bytes, UInt32(bytes.count))
        precondition(Int(written) == bytes.count && gzclose(file) == Z_OK, "zlib failed")
        guard let packed = FileManager.default.contents(atPath: path) else { preconditionFailure("no \(path)") }
        return Array(packed)
    }

    private static func zstd(_ bytes: [UInt8], _ windowLog: Int32?) -> [UInt8] {
        guard let context = ZSTD_createCCtx() else { preconditionFailure("no memory") }
        defer { ZSTD_freeCCtx(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        if let windowLog { ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, windowLog) }
        var packed = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
        // As a stream, so that the frame asks for its window and does not just hold one block of known size.
        var input = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
        return bytes.withUnsafeBytes { source in
            packed.withUnsafeMutableBytes { target in
                var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                let half = bytes.count / 2
                input = ZSTD_inBuffer(src: source.baseAddress, size: half, pos: 0)
                precondition(ZSTD_isError(ZSTD_compressStream2(context, &output, &input, ZSTD_e_continue)) == 0)
                input.size = bytes.count
                precondition(ZSTD_compressStream2(context, &output, &input, ZSTD_e_end) == 0, "zstd failed")
                return Array(target[..<output.pos])
            }
        }
    }
}
