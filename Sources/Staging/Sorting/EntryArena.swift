// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Entries in memory, of one width or of any, sorted by their bytes (as memcmp(3) compares; of two entries of which
/// one begins with the other, the shorter comes first).
///
/// One allocation of a fixed size: entries grow from its start, their handles from its end, until they meet. Pages that
/// are never touched take no memory.
struct EntryArena: ~Copyable {
    /// Where an entry lies, with its first bytes for quick comparison.
    struct Handle {
        /// The first 8 bytes as a big-endian number, zeros behind a shorter entry.
        var prefix: UInt64
        var offset: UInt32
        var length: UInt32
    }

    private(set) var count = 0
    private var usedBytes = 0
    /// Whether each entry so far came behind the one before, so that there is nothing to sort.
    private var isInOrder = true
    private let memory: UnsafeMutableRawBufferPointer
    /// One past the last handle; handles lie below, the newest first.
    private let handlesEnd: UnsafeMutablePointer<Handle>

    /// - Parameter bytes: the size of the allocation; at least 4 KiB, less than 4 GiB.
    init(bytes: Int) {
        precondition(bytes >= 4096 && bytes <= Int(UInt32.max), "an arena has 4 KiB to 4 GiB")
        let size = bytes & ~15
        memory = .allocate(byteCount: size, alignment: 16)
        handlesEnd = (memory.baseAddress.unsafelyUnwrapped + size).assumingMemoryBound(to: Handle.self)
    }

    deinit { memory.deallocate() }

    /// Copies an entry in; false, and nothing done, if there is no room for it.
    mutating func append(_ entry: UnsafeRawBufferPointer) -> Bool {
        let handleBytes = (count + 1) * MemoryLayout<Handle>.stride
        guard usedBytes + entry.count <= memory.count - handleBytes else { return false }
        UnsafeMutableRawBufferPointer(rebasing: memory[usedBytes...]).copyMemory(from: entry)
        let prefix = EntryOrder.prefix(entry)
        // Two equal prefixes tell nothing.
        if isInOrder, count > 0, prefix <= (handlesEnd - count).pointee.prefix { isInOrder = false }
        count += 1
        (handlesEnd - count).initialize(
            to: Handle(
                prefix: prefix, offset: UInt32(truncatingIfNeeded: usedBytes),
                length: UInt32(truncatingIfNeeded: entry.count)))
        usedBytes += entry.count
        return true
    }

    /// Puts the handles into the order of their entries.
    mutating func sort() {
        let start = UnsafeRawPointer(memory.baseAddress.unsafelyUnwrapped)
        var handles = UnsafeMutableBufferPointer(start: handlesEnd - count, count: count)
        // The newest lies first.
        guard !isInOrder else { return handles.reverse() }
        handles.sort { a, b in
            if a.prefix != b.prefix { return a.prefix < b.prefix }
            return EntryOrder.isLess(start + Int(a.offset), Int(a.length), start + Int(b.offset), Int(b.length))
        }
    }

    /// The entry at `index` in the order of the handles; valid until the next change.
    func entry(_ index: Int) -> UnsafeRawBufferPointer {
        precondition(index >= 0 && index < count, "there is no such entry")
        let handle = (handlesEnd - count + index).pointee
        return UnsafeRawBufferPointer(
            start: memory.baseAddress.unsafelyUnwrapped + Int(handle.offset), count: Int(handle.length))
    }

    /// Drops all entries and keeps the memory.
    mutating func removeAll() {
        count = 0
        usedBytes = 0
        isInOrder = true
    }
}

/// The order of entries.
enum EntryOrder {
    /// The first 8 bytes as a big-endian number, zeros behind a shorter entry.
    static func prefix(_ entry: UnsafeRawBufferPointer) -> UInt64 {
        if entry.count >= 8 { return UInt64(bigEndian: entry.loadUnaligned(as: UInt64.self)) }
        var value: UInt64 = 0
        for byte in entry { value = value << 8 | UInt64(byte) }
        return entry.isEmpty ? 0 : value << UInt64(8 * (8 - entry.count))
    }

    /// Whether the first entry comes before the second.
    static func isLess(_ a: UnsafeRawPointer, _ aCount: Int, _ b: UnsafeRawPointer, _ bCount: Int) -> Bool {
        let order = memcmp(a, b, min(aCount, bCount))
        return order == 0 ? aCount < bCount : order < 0
    }
}
