// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Reads the lines of a file one after the other, in memory that depends on the longest allowed line only.
struct LineReader: ~Copyable {
    /// One line.
    struct Line {
        /// Its bytes without the line break; of a line that is too long, the first ones.
        var bytes: ArraySlice<UInt8>
        /// Where it starts and where the next one starts, in bytes of the file.
        var start: Int
        var end: Int
        var isTooLong: Bool
        /// Whether a line break ends it; only the last line of a file may have none.
        var isTerminated: Bool
    }

    private let content: FileContent
    private let lineBytesMax: Int
    private var buffer: [UInt8] = []
    /// Where in the file the buffer starts, and how far it has been given out.
    private var bufferStart: Int
    private var i = 0
    /// Whether nothing of the file follows the buffer.
    private var isWhole = false

    init(_ content: FileContent, from offset: Int = 0, lineBytesMax: ByteCount = .MiB(16)) {
        self.content = content
        bufferStart = offset
        self.lineBytesMax = lineBytesMax.bytes
    }

    /// The next line; `nil` after the last one.
    mutating func next() throws(MigratezError) -> Line? {
        content.keep(from: bufferStart + i)
        var searched = i
        while true {
            if let lineFeed = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                return take(contentEnd: lineFeed, next: lineFeed + 1)
            }
            if isWhole { return i < buffer.count ? take(contentEnd: buffer.count, next: buffer.count) : nil }
            if buffer.count - i > lineBytesMax { return try skipLongLine() }
            searched = buffer.count - i
            try fill()
        }
    }

    /// Whether no line follows.
    var isAtEnd: Bool {
        mutating get throws(MigratezError) {
            if i == buffer.count, !isWhole { try fill() }
            return i == buffer.count
        }
    }

    /// Drops what has been given out and reads one block more.
    private mutating func fill() throws(MigratezError) {
        buffer.removeSubrange(..<i)
        bufferStart += i
        i = 0
        let block = try content.read(LineReader.blockBytes, at: bufferStart + buffer.count)
        isWhole = block.count < LineReader.blockBytes
        buffer += block
    }

    private mutating func take(contentEnd: Int, next: Int) -> Line {
        let isTooLong = contentEnd - i > lineBytesMax
        let line = Line(
            bytes: buffer[i..<(isTooLong ? i + lineBytesMax : contentEnd)], start: bufferStart + i,
            end: bufferStart + next, isTooLong: isTooLong, isTerminated: next > contentEnd)
        i = next
        return line
    }

    /// Keeps the first bytes of a line without end in sight, and reads on to its end.
    private mutating func skipLongLine() throws(MigratezError) -> Line {
        let start = bufferStart + i
        let head = Array(buffer[i..<(i + lineBytesMax)])
        var isTerminated = false
        while !isTerminated {
            i = buffer.count
            guard !isWhole else { break }
            try fill()
            if let lineFeed = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                i = lineFeed + 1
                isTerminated = true
                break
            }
        }
        return Line(
            bytes: head[...], start: start, end: bufferStart + i, isTooLong: true, isTerminated: isTerminated)
    }

    private static let blockBytes = 256 << 10
}
