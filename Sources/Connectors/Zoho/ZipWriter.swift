// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CZlib
import MigratezModel

/// Packs one file into a zip archive, piece by piece: only what is packed is held.
///
/// Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.
final class ZipWriter {
    private static let pieceBytes = 64 << 10

    private let name: [UInt8]
    private var packed: [UInt8] = []
    private var plainCount = 0
    private var checksum: UInt = 0
    private let stream: UnsafeMutablePointer<z_stream>
    private var output = [UInt8](repeating: 0, count: pieceBytes)

    /// - Parameter name: the file's, in ASCII.
    init(name: String) throws(MigratezError) {
        self.name = Array(name.utf8)
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard mz_deflate_begin(stream, Z_DEFAULT_COMPRESSION, -15) == Z_OK else {
            throw MigratezError(.internalError, "zlib could not allocate a compressor: no memory")
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    func add(_ bytes: [UInt8]) {
        plainCount += bytes.count
        checksum = bytes.withUnsafeBufferPointer { crc32(checksum, $0.baseAddress, UInt32($0.count)) }
        deflate(bytes, Z_NO_FLUSH)
    }

    /// The archive; nothing can be added any more.
    func finish() -> [UInt8] {
        deflate([], Z_FINISH)
        // Version 2.0, deflated, no time (1 January 1980).
        var facts: [UInt8] = [20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0]
        for number in [UInt32(truncatingIfNeeded: checksum), UInt32(packed.count), UInt32(plainCount)] {
            facts += Self.bytes(number)
        }
        facts += [UInt8(name.count), 0, 0, 0]
        let local = [0x50, 0x4B, 3, 4] + facts + name
        let central = [0x50, 0x4B, 1, 2, 20, 0] + facts + [UInt8](repeating: 0, count: 14) + name
        var end: [UInt8] = [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0]
        end += Self.bytes(UInt32(central.count)) + Self.bytes(UInt32(local.count + packed.count)) + [0, 0]
        return local + packed + central + end
    }

    private func deflate(_ bytes: [UInt8], _ flush: Int32) {
        var taken = 0
        var hasMore = true
        while hasMore {
            let given = bytes.withUnsafeBufferPointer { input in
                output.withUnsafeMutableBufferPointer { output in
                    // zlib does not write to its input; the C type only fails to say so.
                    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress.map { $0 + taken })
                    stream.pointee.avail_in = UInt32(input.count - taken)
                    stream.pointee.next_out = output.baseAddress
                    stream.pointee.avail_out = UInt32(output.count)
                    let result = CZlib.deflate(stream, flush)
                    precondition(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR, "zlib was misused")
                    taken = input.count - Int(stream.pointee.avail_in)
                    return output.count - Int(stream.pointee.avail_out)
                }
            }
            packed += output[..<given]
            // An output that is not full means that there is no more for now.
            hasMore = given == output.count
        }
    }

    private static func bytes(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(number >> ($0 * 8) & 0xFF) } }
}
