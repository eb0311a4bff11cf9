// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// How entries lie one behind the other in a spill file.
enum EntryLayout: Sendable {
    /// All have this many bytes.
    case fixed(Int)
    /// Each is preceded by its length, 4 bytes, little-endian.
    case variable

    /// The length of the length.
    static let lengthBytes = 4

    /// How large an arena may be, so that it and the copy of half the handles that sorting needs fit into `memory`.
    func arenaBytes(within memory: ByteCount) -> Int {
        let handle = MemoryLayout<EntryArena.Handle>.stride
        let width =
            switch self {
            case .fixed(let width): width
            case .variable: handle
            }
        // Two more things live beside it: the buffers of the spill file that is written.
        let bytes = memory.bytes - (1 << 20)
        return min(bytes / (width + handle + handle / 2) * (width + handle), Int(UInt32.max)) & ~15
    }
}

/// Sorted entries in a spill file.
struct SortedRun: Sendable {
    var file: SpillFile
    /// The length of the longest entry beyond what a reader's own buffer holds; 0 for ordinary runs.
    var longestEntryBytes: Int
}

/// Writes entries into a spill file.
struct EntryWriter: ~Copyable {
    private var writer: SpillWriter
    private let layout: EntryLayout
    private var block: [UInt8] = []
    private var longestEntryBytes = 0
    private static let blockBytes = 64 << 10

    init(_ writer: consuming SpillWriter, _ layout: EntryLayout) {
        self.writer = writer
        self.layout = layout
        block.reserveCapacity(EntryWriter.blockBytes)
    }

    mutating func append(_ entry: UnsafeRawBufferPointer) throws(MigratezError) {
        if case .variable = layout {
            var length = UInt32(truncatingIfNeeded: entry.count)
            for _ in 0..<EntryLayout.lengthBytes {
                block.append(UInt8(truncatingIfNeeded: length))
                length >>= 8
            }
        }
        if entry.count > EntryWriter.blockBytes {
            try flush()
            try writer.append(entry)
            longestEntryBytes = max(longestEntryBytes, entry.count)
            return
        }
        block.append(contentsOf: entry)
        if block.count >= EntryWriter.blockBytes { try flush() }
    }

    consuming func finish() throws(MigratezError) -> SortedRun {
        try flush()
        let longest = longestEntryBytes
        return SortedRun(file: try writer.finish(), longestEntryBytes: longest)
    }

    private mutating func flush() throws(MigratezError) {
        var full: [UInt8] = []
        swap(&full, &block)
        try full.span.bytes.withUnsafeBytes { bytes throws(MigratezError) in try writer.append(bytes) }
        full.removeAll(keepingCapacity: true)
        swap(&full, &block)
    }
}

/// Reads entries back, one at a time.
final class EntryReader {
    /// The current entry; valid until `advance`.
    private(set) var entry = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Its first bytes, for quick comparison.
    private(set) var prefix: UInt64 = 0

    private var reader: SpillReader
    private let layout: EntryLayout
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    private var decoded: [UInt8] = []
    /// What one run takes while it is merged: this buffer, what was decoded, and the buffers of the decoder (an input
    /// and an output of about 128 KiB each).
    static let memoryBytes = 512 << 10
    private static let bufferBytes = 128 << 10

    init(_ file: SpillFile, _ layout: EntryLayout) throws(MigratezError) {
        reader = try file.makeReader()
        self.layout = layout
        buffer = .allocate(byteCount: EntryReader.bufferBytes, alignment: 16)
    }

    deinit { buffer.deallocate() }

    /// Goes on to the next entry; false at the end.
    func advance() throws(MigratezError) -> Bool {
        var length = 0
        switch layout {
        case .fixed(let width): length = width
        case .variable:
            guard try fill(atLeast: EntryLayout.lengthBytes) else { return false }
            length = Int(UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
            start += EntryLayout.lengthBytes
        }
        guard try fill(atLeast: length) else { return false }
        entry = UnsafeRawBufferPointer(rebasing: buffer[start..<start + length])
        prefix = EntryOrder.prefix(entry)
        start += length
        return true
    }

    /// Makes `count` bytes available from `start` on; false if the file ends here.
    private func fill(atLeast count: Int) throws(MigratezError) -> Bool {
        if end - start >= count { return true }
        return try refill(atLeast: count)
    }

    private func refill(atLeast count: Int) throws(MigratezError) -> Bool {
        while end - start < count {
            decoded.removeAll(keepingCapacity: true)
            guard try reader.next(appendingTo: &decoded) else {
                guard start == end else {
                    throw MigratezError(.chunkCorrupt, "a spill file ends in the middle of an entry")
                }
                return false
            }
            makeRoom(for: decoded.count, wanted: count)
            decoded.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: buffer[end...]).copyMemory(from: bytes)
            }
            end += decoded.count
        }
        return true
    }

    /// - Parameter wanted: the length of the entry that is being read; the buffer grows for it once.
    private func makeRoom(for count: Int, wanted: Int) {
        let kept = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
        if kept.count + count > buffer.count {
            let bytes = max(kept.count + count, wanted) + EntryReader.bufferBytes
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 16)
            larger.copyMemory(from: kept)
            buffer.deallocate()
            buffer = larger
        } else {
            // Regions may overlap, for which copyMemory is defined.
            buffer.copyMemory(from: kept)
        }
        end -= start
        start = 0
    }
}
