// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Appends rows of CSV to a buffer, always in UTF-8 and without a byte order mark.
///
/// Quotes are put only where they are needed: around fields with delimiters, quotes or line breaks, with white space at
/// an end (which some readers trim), with a byte order mark at the start, and around the only field of a row if it is
/// empty (it would be a blank line). Reading with the same dialect gives the same fields again.
package struct CSVWriter: Sendable {
    package enum LineEnding: Sendable { case crlf, lf }

    private let dialect: CSVDialect
    private let lineEnding: LineEnding
    /// What has been written.
    package private(set) var bytes: [UInt8] = []
    private var fieldsInRow = 0
    private var rowStart = 0

    /// - Parameter dialect: its encoding is not looked at.
    package init(_ dialect: CSVDialect = CSVDialect(), lineEnding: LineEnding = .crlf) {
        self.dialect = dialect
        self.lineEnding = lineEnding
    }

    /// Starts anew in the same buffer, at the start of a row.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        fieldsInRow = 0
        rowStart = 0
    }

    package mutating func field(_ text: String) {
        var text = text
        text.withUTF8 { field($0) }
    }

    package mutating func field(_ text: some Collection<UInt8>) {
        if text.withContiguousStorageIfAvailable({ field($0) }) == nil {
            Array(text).withUnsafeBufferPointer { field($0) }
        }
    }

    /// A field from the bytes of its text, which must be valid UTF-8.
    package mutating func field(_ text: UnsafeBufferPointer<UInt8>) {
        if fieldsInRow > 0 { bytes.append(dialect.delimiter) }
        fieldsInRow += 1
        let isGuarded = dialect.guardsFormulas && FormulaGuard.isNeeded(for: text)
        guard needsQuotes(text) else {
            if isGuarded { bytes.append(FormulaGuard.apostrophe) }
            bytes.append(contentsOf: text)
            return
        }
        bytes.append(dialect.quote)
        if isGuarded { bytes.append(FormulaGuard.apostrophe) }
        for byte in text {
            if byte == dialect.quote { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(dialect.quote)
    }

    package mutating func endRow() {
        if fieldsInRow == 1, bytes.count == rowStart {
            bytes.append(dialect.quote)
            bytes.append(dialect.quote)
        }
        if lineEnding == .crlf { bytes.append(0x0D) }
        bytes.append(0x0A)
        fieldsInRow = 0
        rowStart = bytes.count
    }

    private func needsQuotes(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = text.first, let last = text.last else { return false }
        if isBlank(first) || isBlank(last) || text.starts(with: [0xEF, 0xBB, 0xBF]) { return true }
        return text.contains { $0 == dialect.delimiter || $0 == dialect.quote || $0 == 0x0A || $0 == 0x0D }
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
