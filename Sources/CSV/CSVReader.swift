// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

// A state machine that is fed blocks and gives rows: what is kept between two blocks is the row under way and nothing
// else, so that memory depends on the widest row only, and a row without end is cut off at the limit.

import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Reads CSV from blocks of bytes of any size.
///
/// Use: `feed` a block, take rows with `next` until it answers false, feed the next block; after the last one `finish`,
/// and take rows until false again. Rows end with LF, CRLF or CR. A quote counts only at the start of a field; within an
/// unquoted one it is text. No row is left out: one that cannot be taken as it is comes with its `problem`.
package struct CSVReader {
    private enum State {
        case fieldStart
        case unquoted
        case quoted
        /// A quote was read in a quoted field: its end, or half of a doubled one.
        case quoteInQuoted
        case afterQuoted
        /// A CR was read; an LF after it belongs to the same line break.
        case carriageReturn
    }

    private let dialect: CSVDialect
    private let scan: FieldScan
    private var transcoder: CSVTranscoder
    /// The block under way, in UTF-8, and how far it is read.
    private var block: [UInt8] = []
    private var i = 0
    /// Places in the block where the file could not be decoded.
    private var invalid: [Int] = []
    private var isFinished = false
    /// At the start of the file, as long as it is not clear whether a byte order mark stands there.
    private var mayHaveMark: Bool

    private var state = State.fieldStart
    private var position: CSVPosition
    private var row = CSVRow()
    private var fieldStart = 0
    private var fieldIsQuoted = false
    private var rowHasBytes = false
    private var lastWasCarriageReturn = false

    /// - Parameters:
    ///   - dialect: its encoding must be the right one; see `CSVEncoding.detected`.
    ///   - position: the start of a row that the first block begins with.
    package init(_ dialect: CSVDialect, from position: CSVPosition = .start) {
        self.dialect = dialect
        self.position = position
        scan = FieldScan(delimiter: dialect.delimiter)
        transcoder = CSVTranscoder(dialect.encoding)
        row.start = position
        mayHaveMark = position.byte == 0
    }

    /// Gives the next bytes of the file; the block before must be used up.
    package mutating func feed(_ bytes: [UInt8]) {
        precondition(!isFinished, "a block after the last one")
        take(transcode(bytes, isLast: false))
    }

    /// Says that there are no more bytes.
    package mutating func finish() {
        precondition(!isFinished, "finished twice")
        isFinished = true
        take(transcode([], isLast: true))
    }

    /// Replaces `out` by the next row; false if more bytes are needed for one, or, after `finish`, if there are none.
    package mutating func next(_ out: inout CSVRow) -> Bool {
        let block = block
        let from = i
        var isComplete = block.withUnsafeBufferPointer { advance(in: $0) }
        if !isComplete, isFinished, i == block.count { isComplete = completeAtEnd() }
        block.withUnsafeBufferPointer { bytes in
            position.byte += transcoder.sourceBytes(of: UnsafeBufferPointer(rebasing: bytes[from..<i]))
        }
        while let place = invalid.first, place < i {
            row.problem = row.problem ?? .invalidEncoding
            invalid.removeFirst()
        }
        guard isComplete else { return false }
        emit(&out)
        return true
    }

    // MARK: Blocks

    private mutating func transcode(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
        var places: [Int] = []
        let text = transcoder.utf8(bytes, isLast: isLast, invalid: &places)
        let held = block.count - i
        precondition(held == 0 || mayHaveMark, "the block before is not used up")
        invalid.append(contentsOf: places.map { $0 + held })
        return text
    }

    private mutating func take(_ text: [UInt8]) {
        block = mayHaveMark ? block + text : text
        i = 0
        guard mayHaveMark else { return }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        if block.starts(with: mark) {
            mayHaveMark = false
            position.byte += mark.withUnsafeBufferPointer { transcoder.sourceBytes(of: $0) }
            row.start = position
            block.removeFirst(3)
            invalid = invalid.map { $0 - 3 }
        } else if !mark.starts(with: block) || isFinished {
            mayHaveMark = false
        }
    }

    // MARK: Rows

    /// Reads on in the block; true as soon as a row is complete.
    private mutating func advance(in b: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = b.baseAddress, !mayHaveMark else { return false }
        while i < b.count {
            let byte = b[i]
            switch state {
            case .fieldStart:
                rowHasBytes = true
                if dialect.trimsFields, isBlank(byte) {
                    i += 1
                } else if byte == dialect.quote {
                    fieldIsQuoted = true
                    state = .quoted
                    i += 1
                } else {
                    state = .unquoted
                }
            case .unquoted:
                let end = scan.fieldEnd(start, from: i, count: b.count)
                append(UnsafeBufferPointer(rebasing: b[i..<end]))
                i = end
                if end < b.count, endField(at: b[end]) { return true }
            case .quoted:
                let found = memchr(start + i, Int32(dialect.quote), b.count - i)
                let end = found.map { UnsafeRawPointer(start).distance(to: UnsafeRawPointer($0)) } ?? b.count
                let content = UnsafeBufferPointer(rebasing: b[i..<end])
                append(content)
                countLines(in: content)
                i = end
                if end < b.count {
                    i += 1
                    state = .quoteInQuoted
                }
            case .quoteInQuoted:
                state = .afterQuoted
                if byte == dialect.quote {
                    append(UnsafeBufferPointer(rebasing: b[i..<(i + 1)]))
                    lastWasCarriageReturn = false
                    state = .quoted
                    i += 1
                }
            case .afterQuoted:
                if byte == dialect.delimiter || byte == 0x0A || byte == 0x0D {
                    if endField(at: byte) { return true }
                } else if dialect.trimsFields, isBlank(byte) {
                    i += 1
                } else {
                    row.problem = row.problem ?? .textAfterQuote
                    state = .unquoted
                }
            case .carriageReturn:
                if byte == 0x0A { i += 1 }
                state = .fieldStart
                return true
            }
        }
        return false
    }

    /// Ends the field at a delimiter or line break and steps over it; true if the row is complete with it.
    private mutating func endField(at byte: UInt8) -> Bool {
        i += 1
        completeField()
        state = byte == 0x0D ? .carriageReturn : .fieldStart
        return byte == 0x0A
    }

    private mutating func completeField() {
        if dialect.trimsFields, !fieldIsQuoted {
            while row.bytes.count > fieldStart, isBlank(row.bytes[row.bytes.count - 1]) { row.bytes.removeLast() }
        }
        if dialect.guardsFormulas, FormulaGuard.isPresent(in: row.bytes[fieldStart...]) {
            row.bytes.remove(at: fieldStart)
        }
        // The bytes of all fields are validated together: none may begin in the middle of a character.
        if fieldStart < row.bytes.count, row.bytes[fieldStart] & 0xC0 == 0x80 {
            row.problem = row.problem ?? .invalidEncoding
        }
        if row.ends.count < CSVReader.fieldsMax {
            row.ends.append(row.bytes.count)
            row.quoted.append(fieldIsQuoted)
        } else {
            row.problem = .tooLong
        }
        fieldStart = row.bytes.count
        fieldIsQuoted = false
    }

    /// What is there when the file ends is a row, unless it is nothing.
    private mutating func completeAtEnd() -> Bool {
        switch state {
        case .carriageReturn: break
        case .fieldStart:
            guard rowHasBytes else { return false }
            completeField()
        case .quoted:
            row.problem = row.problem ?? .unterminatedQuote
            completeField()
        case .unquoted, .quoteInQuoted, .afterQuoted: completeField()
        }
        state = .fieldStart
        return true
    }

    private mutating func emit(_ out: inout CSVRow) {
        position.row += 1
        position.line += 1
        row.end = position
        if row.problem == nil, dialect.encoding == .utf8, !isValidUTF8(row.bytes) { row.problem = .invalidEncoding }
        swap(&row, &out)
        row.removeAll()
        row.start = position
        fieldStart = 0
        rowHasBytes = false
        lastWasCarriageReturn = false
    }

    private mutating func append(_ content: UnsafeBufferPointer<UInt8>) {
        guard row.bytes.count + content.count <= dialect.rowBytesMax.bytes else {
            row.problem = .tooLong
            return
        }
        row.bytes.append(contentsOf: content)
    }

    /// Counts the line breaks within quotes; CRLF is one, also when it is cut in two by the end of a block.
    private mutating func countLines(in content: UnsafeBufferPointer<UInt8>) {
        for byte in content {
            if byte == 0x0D || byte == 0x0A && !lastWasCarriageReturn { position.line += 1 }
            lastWasCarriageReturn = byte == 0x0D
        }
    }

    private func isBlank(_ byte: UInt8) -> Bool {
        (byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")) && byte != dialect.delimiter
    }

    private func isValidUTF8(_ bytes: [UInt8]) -> Bool { (try? UTF8Span(validating: bytes.span)) != nil }

    /// More fields than this make a row a problem: a row of delimiters must not fill the memory.
    private static let fieldsMax = 65_536
}
