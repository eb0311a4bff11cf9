// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CZlib
import MigratezModel

/// Unpacks a zip archive with one member as it arrives, in bounded memory.
///
/// What comes out is not yet what was packed: only when `finish` returns have checksum and sizes been held against it.
/// Archives of several members, and such as are encrypted or packed otherwise than stored or deflated, are refused.
///
/// Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.
final class ZipReader {
    private enum Signature {
        static let local: UInt32 = 0x0403_4B50
        static let descriptor: UInt32 = 0x0807_4B50
        static let central: UInt32 = 0x0201_4B50
        static let end: UInt32 = 0x0605_4B50
    }
    private enum Stage { case header, data, tail }

    private static let pieceBytes = 64 << 10
    private static let localBytes = 30
    private static let centralBytes = 46
    private static let endBytes = 22
    /// Names, comments and extra fields are at most 64 KiB each; what is behind a member is no more than some of these.
    private static let tailBytesMax = 512 << 10
    /// A size that stands elsewhere (4.5.3, Zip64).
    private static let elsewhere = UInt32.max

    private let what: String
    private let bytesMax: Int
    private var stage = Stage.header
    /// What is not understood yet: of the header, or behind the member.
    private var held: [UInt8] = []
    private var isDeflated = false
    /// Whether sizes and checksum follow the member.
    private var hasDescriptor = false
    private var crc: UInt32 = 0
    private var packedBytes: UInt32 = 0
    private var plainBytes: UInt32 = 0
    private var packedCount = 0
    private var plainCount = 0
    private var checksum: UInt = 0
    /// On the heap: zlib refuses a stream that has moved.
    private let stream: UnsafeMutablePointer<z_stream>
    private var output = [UInt8](repeating: 0, count: pieceBytes)

    /// - Parameters:
    ///   - what: what the archive is, for errors.
    ///   - bytesMax: how long the member may be when it is unpacked.
    init(_ what: String, bytesMax: Int) throws(MigratezError) {
        self.what = what
        self.bytesMax = bytesMax
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // Deflate without a header of zlib's (zlib.h, inflateInit2).
        guard mz_inflate_begin(stream, -15) == Z_OK else {
            throw MigratezError(.internalError, "zlib could not allocate a decompressor: no memory")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Takes the next bytes of the archive and hands on what they unpack to.
    func feed(_ bytes: [UInt8], piece: ([UInt8]) throws -> Void) throws {
        switch stage {
        case .header:
            held += bytes
            guard let end = try headerEnd() else { return }
            let rest = Array(held[end...])
            held = []
            stage = isDeflated || packedBytes > 0 ? .data : .tail
            if !rest.isEmpty { try feed(rest, piece: piece) }
        case .data:
            let taken = try isDeflated ? inflate(bytes, piece) : copy(bytes, piece)
            packedCount += taken
            if taken < bytes.count { try feed(Array(bytes[taken...]), piece: piece) }
        case .tail:
            guard held.count + bytes.count <= Self.tailBytesMax else { throw refused("holds more than one file") }
            held += bytes
        }
    }

    /// Says that there are no more bytes.
    ///
    /// - Throws: `brokenResponse` unless the whole member came, and is what the archive says of it.
    func finish() throws(MigratezError) {
        guard stage == .tail else { throw refused("is cut off") }
        var at = 0
        if hasDescriptor { at = try readDescriptor() }
        if number32(at) == Signature.local { throw refused("holds more than one file") }
        guard number32(at) == Signature.central, held.count >= at + Self.centralBytes else {
            throw refused("is cut off")
        }
        try compare(number32(at + 16), number32(at + 20), number32(at + 24))
        let next = at + Self.centralBytes + number16(at + 28) + number16(at + 30) + number16(at + 32)
        if number32(next) == Signature.central { throw refused("holds more than one file") }
        // The records of Zip64 may stand between; the end itself is always the last.
        let end = (next..<max(next, held.count - Self.endBytes + 1)).first { number32($0) == Signature.end }
        guard end != nil else { throw refused("is cut off") }
    }

    // MARK: What stands before and behind the member

    /// Where the member's bytes begin; `nil` if more bytes are needed for that.
    private func headerEnd() throws(MigratezError) -> Int? {
        guard held.count >= 4 else { return nil }
        guard number32(0) == Signature.local else { throw refused("is none") }
        guard held.count >= Self.localBytes else { return nil }
        let end = Self.localBytes + number16(26) + number16(28)
        guard held.count >= end else { return nil }
        let flags = number16(6)
        let method = number16(8)
        hasDescriptor = flags & 0b1000 != 0
        isDeflated = method == 8
        guard flags & 1 == 0, isDeflated || (method == 0 && !hasDescriptor) else {
            throw refused("is packed in a way that is not supported")
        }
        (crc, packedBytes, plainBytes) = (number32(14), number32(18), number32(22))
        guard isDeflated || packedBytes != Self.elsewhere else { throw refused("is too large") }
        return end
    }

    /// Sizes are of four bytes or of eight, with or without a signature before them: the one that the directory follows.
    private func readDescriptor() throws(MigratezError) -> Int {
        for (start, width) in [(4, 4), (0, 4), (4, 8), (0, 8)] {
            let end = start + 4 + 2 * width
            guard start == 0 || number32(0) == Signature.descriptor,
                [Signature.central, Signature.local].contains(number32(end))
            else { continue }
            (crc, packedBytes, plainBytes) = (number32(start), number32(start + 4), number32(start + 4 + width))
            return end
        }
        throw refused("is cut off")
    }

    private func compare(_ crc: UInt32, _ packed: UInt32, _ plain: UInt32) throws(MigratezError) {
        let isWhole =
            crc == UInt32(truncatingIfNeeded: checksum) && self.crc == crc
            && [(packed, packedCount), (packedBytes, packedCount), (plain, plainCount), (plainBytes, plainCount)]
                .allSatisfy { $0 == Self.elsewhere || Int($0) == $1 }
        guard isWhole else { throw refused("is damaged: checksum or size is another one") }
    }

    private func number16(_ at: Int) -> Int {
        at + 2 <= held.count ? Int(held[at]) | Int(held[at + 1]) << 8 : 0
    }

    private func number32(_ at: Int) -> UInt32 {
        at + 4 <= held.count ? UInt32(number16(at)) | UInt32(number16(at + 2)) << 16 : 0
    }

    // MARK: The member

    /// - Returns: how many of the bytes belong to the member.
    private func inflate(_ bytes: [UInt8], _ piece: ([UInt8]) throws -> Void) throws -> Int {
        var taken = 0
        while taken < bytes.count {
            let (used, given, result) = bytes.withUnsafeBufferPointer { input in
                output.withUnsafeMutableBufferPointer { output in
                    // zlib does not write to its input; the C type only fails to say so.
                    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress.map { $0 + taken })
                    stream.pointee.avail_in = UInt32(input.count - taken)
                    stream.pointee.next_out = output.baseAddress
                    stream.pointee.avail_out = UInt32(output.count)
                    let result = CZlib.inflate(stream, Z_NO_FLUSH)
                    return (
                        input.count - taken - Int(stream.pointee.avail_in),
                        output.count - Int(stream.pointee.avail_out), result
                    )
                }
            }
            taken += used
            guard result == Z_OK || result == Z_STREAM_END || (result == Z_BUF_ERROR && given > 0) else {
                throw refused("is damaged")
            }
            if given > 0 { try give(Array(output[..<given]), piece) }
            if result == Z_STREAM_END {
                stage = .tail
                return taken
            }
        }
        // What zlib still holds of the output comes with the next bytes; the end of a member is never without any.
        return taken
    }

    private func copy(_ bytes: [UInt8], _ piece: ([UInt8]) throws -> Void) throws -> Int {
        let count = min(bytes.count, Int(packedBytes) - packedCount)
        try give(Array(bytes[..<count]), piece)
        if packedCount + count == Int(packedBytes) { stage = .tail }
        return count
    }

    private func give(_ bytes: [UInt8], _ piece: ([UInt8]) throws -> Void) throws {
        plainCount += bytes.count
        guard plainCount <= bytesMax else {
            throw MigratezError(
                .responseTooLarge, "\(what) unpacks to more than \(ByteCount(bytesMax))", remedy: .fixConfiguration,
                hint: "leave out bulk: extract.api: coql, load.api: records")
        }
        checksum = bytes.withUnsafeBufferPointer { crc32(checksum, $0.baseAddress, UInt32($0.count)) }
        try piece(bytes)
    }

    private func refused(_ reason: String) -> MigratezError {
        MigratezError(.brokenResponse, "\(what): the zip archive \(reason)", remedy: .retry(after: nil))
    }
}
