// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CZlib
import MigratezModel

/// Unpacks gzip; the checksum and the length of each member are verified.
final class GzipDecompressor: Decompressor {
    private let path: String
    /// On the heap: zlib refuses a stream that has moved.
    private let stream: UnsafeMutablePointer<z_stream>
    private(set) var isWhole = true

    init(path: String) throws(MigratezError) {
        self.path = path
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // The window that every gzip file fits in, and a gzip header (zlib.h, inflateInit2).
        guard mz_inflate_begin(stream, 15 + 16) == Z_OK else {
            throw MigratezError(.internalError, "zlib could not allocate a decompressor: no memory")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func decompress(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(MigratezError) -> (taken: Int, given: Int) {
        // zlib does not write to its input; the C type only fails to say so.
        let bytes = input.bindMemory(to: UInt8.self)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        var isStuck = false
        repeat {
            if isWhole {
                guard stream.pointee.avail_in > 0 else { break }
                // The member before has ended, and more follows: the next one.
                inflateReset(stream)
            }
            switch inflate(stream, Z_NO_FLUSH) {
            case Z_OK: isWhole = false
            case Z_STREAM_END: isWhole = true
            // Without input it only gives out what it still holds, and that was all.
            case Z_BUF_ERROR: isStuck = true
            case let result:
                throw Self.damaged(path, stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(result)")
            }
        } while !isStuck && stream.pointee.avail_in > 0 && stream.pointee.avail_out > 0
        return (input.count - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out))
    }
}
