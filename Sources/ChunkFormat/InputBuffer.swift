// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Memory of a fixed size with one owner.
struct ByteBuffer: ~Copyable {
    let bytes: UnsafeMutableRawBufferPointer

    /// `count` zero bytes.
    init(count: Int) {
        bytes = .allocate(byteCount: count, alignment: 16)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { bytes.deallocate() }
}

// Sound: one owner, and the memory moves with it.
extension ByteBuffer: @unchecked Sendable {}

/// Bytes read ahead from a source, in constant memory.
struct InputBuffer: ~Copyable {
    private let source: ByteSource
    private let buffer: ByteBuffer
    private var start = 0
    private var end = 0
    private var isAtEnd = false

    /// Holds up to `capacity` bytes at once.
    init(capacity: Int, source: @escaping ByteSource) {
        buffer = ByteBuffer(count: capacity)
        self.source = source
    }

    /// What has been read and not consumed.
    var available: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer.bytes[start..<end]) }

    /// Reads until at least `count` bytes are available or the source is at its end.
    mutating func fill(atLeast count: Int) throws(MigratezError) {
        precondition(count <= buffer.bytes.count, "more bytes ahead than the buffer holds")
        guard end - start < count, !isAtEnd else { return }
        if start > 0 {
            // Regions may overlap, for which copyMemory is defined.
            UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<(end - start)])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer.bytes[start..<end]))
            end -= start
            start = 0
        }
        while end < count {
            let read = try source(UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[end...]))
            precondition(read >= 0 && read <= buffer.bytes.count - end, "a source that wrote beyond the buffer")
            guard read > 0 else {
                isAtEnd = true
                return
            }
            end += read
        }
    }

    /// Drops the first `count` available bytes.
    mutating func consume(_ count: Int) {
        precondition(count <= end - start, "consumed more than there is")
        start += count
    }
}
