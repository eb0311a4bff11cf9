// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// How a CSV file is written: RFC 4180, and the ways in which real files differ from it.
package struct CSVDialect: Sendable, Hashable {
    /// Between fields; an ASCII character that is neither a line break nor the quote.
    package var delimiter: UInt8
    /// Around fields that hold delimiters, quotes or line breaks; doubled within them.
    package var quote: UInt8
    package var encoding: CSVEncoding
    /// Spaces and tabs around fields are not part of them; those within quotes are.
    package var trimsFields: Bool
    /// Cells that a spreadsheet would run as a formula carry an apostrophe (see `FormulaGuard`).
    package var guardsFormulas: Bool
    /// How long the fields of one row may be together; a longer row is a problem.
    package var rowBytesMax: ByteCount

    package init(
        delimiter: UInt8 = UInt8(ascii: ","), quote: UInt8 = UInt8(ascii: "\""), encoding: CSVEncoding = .utf8,
        trimsFields: Bool = false, guardsFormulas: Bool = false, rowBytesMax: ByteCount = .MiB(16)
    ) {
        precondition(
            delimiter != quote && CSVDialect.isUsable(delimiter) && CSVDialect.isUsable(quote),
            "delimiter and quote are two different ASCII characters, and no line breaks")
        self.delimiter = delimiter
        self.quote = quote
        self.encoding = encoding
        self.trimsFields = trimsFields
        self.guardsFormulas = guardsFormulas
        self.rowBytesMax = rowBytesMax
    }

    /// Whether a byte may be a delimiter or a quote.
    package static func isUsable(_ byte: UInt8) -> Bool { byte < 0x80 && byte != 0 && byte != 0x0A && byte != 0x0D }
}

/// The character encodings in which files come.
package enum CSVEncoding: String, Sendable, Hashable, CaseIterable {
    case utf8 = "utf-8"
    case utf16LittleEndian = "utf-16le"
    case utf16BigEndian = "utf-16be"
    case latin1 = "iso-8859-1"
    case windows1252 = "windows-1252"

    /// The encoding that a byte order mark at the start of a file tells, and the mark's length in bytes.
    ///
    /// The Unicode Standard, section 23.8. A mark that is there wins over what somebody said about the file.
    package static func detected(from head: some Collection<UInt8>) -> (encoding: CSVEncoding, markBytes: Int)? {
        let head = Array(head.prefix(3))
        if head == [0xEF, 0xBB, 0xBF] { return (.utf8, 3) }
        if head.starts(with: [0xFF, 0xFE]) { return (.utf16LittleEndian, 2) }
        if head.starts(with: [0xFE, 0xFF]) { return (.utf16BigEndian, 2) }
        return nil
    }
}
