// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import Synchronization

/// The content of one file, unpacked if the file is packed, from any place on.
///
/// A packed file can be unpacked from its start only. So the content from the place on that `keep(from:)` names stays at
/// hand, and reading that goes on there, page after page, unpacks each byte once. Reading that begins elsewhere (after a
/// crash) unpacks the file from its start and drops what comes before. Memory is bounded whatever the file holds: 8 MiB
/// for the window of zstd, and what is kept, up to `keptBytesMax`. A file that grows out of proportion is refused.
///
/// `@unchecked Sendable` is sound because one reader has it at a time: who takes it from the shelf owns it until it is
/// put back.
final class FileContent: @unchecked Sendable {
    /// How much longer than the file its content may be, beyond the first `growthFree`: gzip cannot do more.
    static let growthMax = 1_000
    static let growthFree = ByteCount.MiB(64)

    let path: String
    private let file: OpenFile
    private var packed: Packed?

    init(_ path: String) throws(MigratezError) {
        file = try OpenFile(path, .read)
        self.path = path
        guard let compression = Compression.detected(from: try file.read(4, at: 0)) else { return }
        packed = Packed(compression, try compression.decompressor(for: path))
    }

    var isPacked: Bool { packed != nil }

    /// Says that nothing before `offset` will be read again soon.
    func keep(from offset: Int) { packed?.keptFrom = offset }

    /// Up to `count` bytes of the content from `offset`; fewer only at its end.
    func read(_ count: Int, at offset: Int) throws(MigratezError) -> [UInt8] {
        guard let packed else { return try file.read(count, at: offset) }
        if let bytes = packed.beginning(count, at: offset) { return bytes }
        if offset < packed.start { try restart(at: offset) }
        while let end = self.packed?.end, end < offset + count, self.packed?.isAtEnd == false {
            try unpackBlock(for: offset)
        }
        return self.packed?.bytes(count, at: offset) ?? []
    }

    private func restart(at offset: Int) throws(MigratezError) {
        guard let compression = packed?.compression else { return }
        try packed?.restart(compression.decompressor(for: path), keptFrom: offset)
    }

    /// Unpacks one block more; what is neither kept nor needed for `offset` goes.
    private func unpackBlock(for offset: Int) throws(MigratezError) {
        guard var packed = self.packed.take() else { return }
        packed.drop(neededFrom: offset)
        var failure: MigratezError?
        let block = [UInt8](unsafeUninitializedCapacity: Packed.blockBytes) { buffer, filled in
            do throws(MigratezError) {
                filled = try packed.unpack(file, into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        packed.append(block)
        guard packed.end <= packed.inputOffset * Self.growthMax + Self.growthFree.bytes else {
            throw MigratezError(
                .limitExceeded,
                "\(path) becomes more than \(Self.growthMax) times as long when it is decompressed",
                remedy: .fixConfiguration, hint: "if that is right, decompress it first and name the result")
        }
        self.packed = packed
    }
}

/// A packed file while it is unpacked.
private struct Packed {
    static let blockBytes = 256 << 10
    /// A row of the longest allowed kind, the one read ahead, and some blocks. A row beyond that costs one more pass.
    static let keptBytesMax = 40 << 20

    let compression: Compression
    private var decompressor: any Decompressor
    /// What was read of the file and is not unpacked yet.
    private var input: ArraySlice<UInt8> = []
    /// How much of the file was read.
    private(set) var inputOffset = 0
    /// The first block of the content, which readers look at for each page: a header, an encoding's mark.
    private var head: [UInt8] = []
    /// The content from `start`.
    private var kept: [UInt8] = []
    private(set) var start = 0
    var keptFrom = 0
    private(set) var isAtEnd = false
    /// The length of the content, once it was reached.
    private var contentBytes: Int?

    init(_ compression: Compression, _ decompressor: any Decompressor) {
        self.compression = compression
        self.decompressor = decompressor
    }

    /// Where the unpacked content ends so far.
    var end: Int { start + kept.count }

    mutating func restart(_ decompressor: any Decompressor, keptFrom: Int) {
        self.decompressor = decompressor
        input = []
        inputOffset = 0
        kept = []
        start = 0
        self.keptFrom = keptFrom
        isAtEnd = false
    }

    /// Bytes that lie in the first block.
    func beginning(_ count: Int, at offset: Int) -> [UInt8]? {
        let last = min(offset + count, contentBytes ?? .max)
        guard last <= head.count, offset <= last else { return nil }
        return Array(head[offset..<last])
    }

    func bytes(_ count: Int, at offset: Int) -> [UInt8] {
        guard offset >= start, offset < end else { return [] }
        return Array(kept[(offset - start)..<min(offset - start + count, kept.count)])
    }

    mutating func drop(neededFrom offset: Int) {
        var first = min(keptFrom, offset)
        if kept.count > Self.keptBytesMax { first = offset }
        // Not byte by byte: each time moves what stays.
        guard first - start >= Self.blockBytes else { return }
        let count = min(first - start, kept.count)
        kept.removeSubrange(..<count)
        start += count
    }

    mutating func append(_ block: [UInt8]) {
        if head.count < Self.blockBytes, head.count == end { head += block.prefix(Self.blockBytes - head.count) }
        kept += block
        if isAtEnd { contentBytes = end }
    }

    /// Fills the buffer, except at the end of the content; returns how much it holds then.
    mutating func unpack(
        _ file: borrowing OpenFile, into buffer: UnsafeMutableRawBufferPointer
    ) throws(MigratezError) -> Int {
        var filled = 0
        while filled < buffer.count {
            if input.isEmpty {
                input = try file.read(Self.blockBytes, at: inputOffset)[...]
                inputOffset += input.count
            }
            var failure: MigratezError?
            let (taken, given) = input.withUnsafeBytes { input in
                do throws(MigratezError) {
                    return try decompressor.decompress(
                        input, into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
                } catch {
                    failure = error
                    return (0, 0)
                }
            }
            if let failure { throw failure }
            guard taken > 0 || given > 0 else {
                // No more of the file, and no more of what was held back.
                guard input.isEmpty, decompressor.isWhole else { throw decompressor.damaged(file.path) }
                isAtEnd = true
                return filled
            }
            input = input.dropFirst(taken)
            filled += given
        }
        return filled
    }
}

/// The packed files that were read up to the end of a page, to go on with when the next page is asked for.
final class ContentShelf: Sendable {
    private let contents = Mutex<[String: FileContent]>([:])

    /// The content of the file, at the place where the page before ended if nobody else took it meanwhile.
    func take(_ path: String) throws(MigratezError) -> FileContent {
        if let content = contents.withLock({ $0.removeValue(forKey: path) }) { return content }
        return try FileContent(path)
    }

    /// A file that is not packed costs nothing to open again.
    func put(_ content: FileContent) {
        guard content.isPacked else { return }
        contents.withLock { $0[content.path] = content }
    }
}
