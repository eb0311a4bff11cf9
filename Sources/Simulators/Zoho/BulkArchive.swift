// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CZlib

/// Zip archives with one file, as bulk jobs take and give them (PKWARE, APPNOTE.TXT 6.3.10), whole in memory.
enum BulkArchive {
    /// An archive whose file is deflated, with sizes and checksum behind it, as writers of streams make them.
    static func pack(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
        let deflated = deflate(bytes)
        let crc = bytes.withUnsafeBufferPointer { UInt32(crc32(0, $0.baseAddress, UInt32($0.count))) }
        let facts = four(crc) + four(UInt32(deflated.count)) + four(UInt32(bytes.count))
        let lengths = two(name.utf8.count) + two(0)
        let head: [UInt8] = [20, 0, 8, 8, 8, 0, 0, 0, 0x21, 0x5A]
        var archive = four(0x0403_4B50) + head + [UInt8](repeating: 0, count: 12) + lengths + Array(name.utf8)
        archive += deflated + four(0x0807_4B50) + facts
        let directory =
            four(0x0201_4B50) + [20, 0] + head + facts + lengths + [UInt8](repeating: 0, count: 14) + Array(name.utf8)
        let end = [0, 0, 0, 0, 1, 0, 1, 0] + four(UInt32(directory.count)) + four(UInt32(archive.count)) + [0, 0]
        return archive + directory + four(0x0605_4B50) + end
    }

    /// The one file of an archive, found by its directory; `nil` if it is damaged, or holds none or several.
    static func unpack(_ archive: [UInt8]) -> (name: String, bytes: [UInt8])? {
        guard archive.count >= 22 else { return nil }
        let end = stride(from: archive.count - 22, through: max(0, archive.count - 22 - 65_535), by: -1)
            .first { number(archive, $0, 4) == 0x0605_4B50 }
        guard let end, number(archive, end + 10, 2) == 1 else { return nil }
        let entry = number(archive, end + 16, 4)
        guard number(archive, entry, 4) == 0x0201_4B50 else { return nil }
        let method = number(archive, entry + 10, 2)
        let (crc, packed, plain) = (
            number(archive, entry + 16, 4), number(archive, entry + 20, 4), number(archive, entry + 24, 4)
        )
        let nameEnd = entry + 46 + number(archive, entry + 28, 2)
        let local = number(archive, entry + 42, 4)
        let start = local + 30 + number(archive, local + 26, 2) + number(archive, local + 28, 2)
        guard nameEnd <= archive.count, start + packed <= archive.count, method == 0 || method == 8 else { return nil }
        let content = Array(archive[start..<start + packed])
        guard let bytes = method == 0 ? content : inflate(content, plain), bytes.count == plain,
            bytes.withUnsafeBufferPointer({ Int(crc32(0, $0.baseAddress, UInt32($0.count))) }) == crc
        else { return nil }
        return (String(decoding: archive[(entry + 46)..<nameEnd], as: UTF8.self), bytes)
    }

    /// zlib's own form has two bytes before what is deflated and four behind it (RFC 1950).
    private static func deflate(_ bytes: [UInt8]) -> [UInt8] {
        var count = compressBound(UInt(bytes.count))
        var packed = [UInt8](repeating: 0, count: Int(count))
        guard compress2(&packed, &count, bytes, UInt(bytes.count), 6) == Z_OK else {
            preconditionFailure("zlib had no memory")
        }
        return Array(packed[2..<Int(count) - 4])
    }

    private static func inflate(_ packed: [UInt8], _ count: Int) -> [UInt8]? {
        // More than anything that Zoho takes.
        guard count <= 1 << 30 else { return nil }
        var stream = z_stream()
        guard mz_inflate_begin(&stream, -15) == Z_OK else { return nil }
        defer { inflateEnd(&stream) }
        var packed = packed
        var bytes = [UInt8](repeating: 0, count: count + 1)
        let result = packed.withUnsafeMutableBufferPointer { input in
            bytes.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                return CZlib.inflate(&stream, Z_FINISH)
            }
        }
        guard result == Z_STREAM_END else { return nil }
        return Array(bytes[..<Int(stream.total_out)])
    }

    private static func number(_ bytes: [UInt8], _ at: Int, _ count: Int) -> Int {
        guard at >= 0, at + count <= bytes.count else { return 0 }
        return (0..<count).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }

    private static func two(_ number: Int) -> [UInt8] { [UInt8(number & 0xFF), UInt8(number >> 8)] }
    private static func four(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(number >> (8 * UInt32($0)) & 0xFF) } }
}
