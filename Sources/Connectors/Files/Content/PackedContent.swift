// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// The content of a packed file.
///
/// It can be unpacked from the file's start only. So the content from the place on that `keptFrom` names stays at hand, and
/// reading that goes on there, page after page, unpacks each byte once. Reading that begins elsewhere (after a crash)
/// unpacks the file from its start and drops what comes before. Memory is bounded whatever the file holds: 8 MiB for the
/// window of zstd, and what is kept, up to `keptBytesMax`. A file that grows out of proportion is refused.
final class PackedContent {
    /// How much longer than the file its content may be, beyond the first `growthFree`: gzip cannot do more.
    private static let growthMax = 1_000
    private static let growthFree = ByteCount.MiB(64)
    private static let blockBytes = 256 << 10
    /// A row of the longest allowed kind, the one read ahead, and some blocks. A row beyond that costs one more pass.
    private static let keptBytesMax = 40 << 20

    private let path: String
    private let compression: Compression
    private var decompressor: any Decompressor
    /// What was read of the file and is not unpacked yet, and how much of the file was read.
    private var input: ArraySlice<UInt8> = []
    private var inputOffset = 0
    /// The first block of the content, which readers look at for each page: a header, an encoding's mark.
    private var head: [UInt8] = []
    /// The content from `start`.
    private var kept: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    /// The length of the content, once its end was reached.
    private var contentBytes: Int?
    /// Nothing before this place will be read again soon.
    var keptFrom = 0

    init(_ path: String, _ compression: Compression) throws(MigratezError) {
        self.path = path
        self.compression = compression
        decompressor = try compression.decompressor(for: path)
    }

    /// Up to `count` bytes of the content from `offset`; fewer only at its end.
    func read(_ count: Int, at offset: Int, of file: borrowing OpenFile) throws(MigratezError) -> [UInt8] {
        let last = min(offset + count, contentBytes ?? .max)
        if last <= head.count { return offset < last ? Array(head[offset..<last]) : [] }
        if offset < start { try restart(keptFrom: offset) }
        while end < offset + count, !isAtEnd { try unpackBlock(of: file, neededFrom: offset) }
        guard offset < end else { return [] }
        return Array(kept[(offset - start)..<min(offset - start + count, kept.count)])
    }

    /// Where the unpacked content ends so far.
    private var end: Int { start + kept.count }

    private func restart(keptFrom: Int) throws(MigratezError) {
        decompressor = try compression.decompressor(for: path)
        (input, inputOffset) = ([], 0)
        (kept, start) = ([], 0)
        isAtEnd = false
        self.keptFrom = keptFrom
    }

    private func unpackBlock(of file: borrowing OpenFile, neededFrom offset: Int) throws(MigratezError) {
        drop(before: kept.count > Self.keptBytesMax ? offset : min(keptFrom, offset))
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        block.removeLast(block.count - (try unpack(file, into: &block)))
        if head.count < Self.blockBytes, head.count == end { head += block.prefix(Self.blockBytes - head.count) }
        kept += block
        if isAtEnd { contentBytes = end }
        guard end <= inputOffset * Self.growthMax + Self.growthFree.bytes else {
            throw MigratezError(
                .limitExceeded,
                "\(path) becomes more than \(Self.growthMax) times as long when it is decompressed",
                remedy: .fixConfiguration, hint: "if that is right, decompress it first and name the result")
        }
    }

    /// Not byte by byte: each time moves what stays.
    private func drop(before first: Int) {
        guard first - start >= Self.blockBytes else { return }
        let count = min(first - start, kept.count)
        kept.removeSubrange(..<count)
        start += count
    }

    /// Fills the block, except at the end of the content; returns how much it holds then.
    private func unpack(_ file: borrowing OpenFile, into block: inout [UInt8]) throws(MigratezError) -> Int {
        var filled = 0
        while filled < block.count {
            if input.isEmpty {
                input = try file.read(Self.blockBytes, at: inputOffset)[...]
                inputOffset += input.count
            }
            let (taken, given) = try input.withUnsafeBufferPointer { input throws(MigratezError) in
                try block.withUnsafeMutableBufferPointer { block throws(MigratezError) in
                    try decompressor.decompress(
                        UnsafeRawBufferPointer(input),
                        into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: block[filled...])))
                }
            }
            guard taken > 0 || given > 0 else {
                // No more of the file, and no more of what was held back.
                guard input.isEmpty, decompressor.isWhole else { throw decompressor.damaged(path) }
                isAtEnd = true
                return filled
            }
            input = input.dropFirst(taken)
            filled += given
        }
        return filled
    }
}
