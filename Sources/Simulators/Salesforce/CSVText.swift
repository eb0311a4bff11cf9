// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Comma-separated values as bulk jobs use them: RFC 4180, another delimiter if the job says so, one kind of line ending.
struct CSVText {
    /// One record: where it is in the text, without its line ending, and its values.
    struct Record {
        var range: Range<Int>
        var values: [String]
    }

    enum Failure: Error {
        /// The text uses the other line ending.
        case wrongLineEnding
        case malformed
    }

    private let bytes: [UInt8]
    private let delimiter: UInt8
    private let isCRLF: Bool
    private(set) var position = 0

    init(_ bytes: [UInt8], delimiter: UInt8, isCRLF: Bool) {
        self.bytes = bytes
        self.delimiter = delimiter
        self.isCRLF = isCRLF
        // A byte order mark is no part of the first name.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// The next record; `nil` at the end. Empty lines are passed over.
    mutating func next() throws(Failure) -> Record? {
        while position < bytes.count, bytes[position] == 0x0A || bytes[position] == 0x0D { position += 1 }
        guard position < bytes.count else { return nil }
        let start = position
        var values: [String] = []
        while true {
            values.append(try value())
            guard position < bytes.count else { return Record(range: start..<position, values: values) }
            if bytes[position] == delimiter {
                position += 1
                continue
            }
            let end = position
            try lineEnding()
            return Record(range: start..<end, values: values)
        }
    }

    private mutating func lineEnding() throws(Failure) {
        let isReturn = bytes[position] == 0x0D
        guard isReturn == isCRLF else { throw .wrongLineEnding }
        position += 1
        guard isReturn else { return }
        guard position < bytes.count, bytes[position] == 0x0A else { throw .wrongLineEnding }
        position += 1
    }

    private mutating func value() throws(Failure) -> String {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return plainValue() }
        position += 1
        var text: [UInt8] = []
        var start = position
        while position < bytes.count {
            guard bytes[position] == UInt8(ascii: "\"") else {
                position += 1
                continue
            }
            if position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "\"") {
                text += bytes[start...position]
                position += 2
                start = position
                continue
            }
            text += bytes[start..<position]
            position += 1
            guard position == bytes.count || isEnd(bytes[position]) else { throw .malformed }
            return String(decoding: text, as: UTF8.self)
        }
        throw .malformed
    }

    private mutating func plainValue() -> String {
        let start = position
        while position < bytes.count, !isEnd(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private func isEnd(_ byte: UInt8) -> Bool { byte == delimiter || byte == 0x0A || byte == 0x0D }

    /// Appends a value, in quotes if it needs them.
    static func append(_ value: String, delimiter: UInt8, to text: inout [UInt8]) {
        let needsQuotes = value.utf8.contains { $0 == delimiter || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
        guard needsQuotes else { return text.append(contentsOf: value.utf8) }
        text.append(UInt8(ascii: "\""))
        for byte in value.utf8 {
            if byte == UInt8(ascii: "\"") { text.append(byte) }
            text.append(byte)
        }
        text.append(UInt8(ascii: "\""))
    }
}
