// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A place in a CSV file at which a reader can begin: the start of a row.
package struct CSVPosition: Sendable, Hashable {
    /// In bytes of the file, as it is encoded.
    package var byte: Int
    /// How many rows come before, the header and blank lines included.
    package var row: Int
    /// The line's number as an editor shows it, from 1; a row with quoted line breaks takes several lines.
    package var line: Int

    package init(byte: Int, row: Int, line: Int) {
        self.byte = byte
        self.row = row
        self.line = line
    }

    package static let start = CSVPosition(byte: 0, row: 0, line: 1)
}

/// Why a row cannot be taken as it is.
package enum CSVProblem: String, Sendable, Hashable {
    case invalidEncoding = "a byte sequence is not valid in the file's encoding"
    case textAfterQuote = "something follows a closing quote"
    case unterminatedQuote = "a quoted field never ends"
    case tooLong = "the row is longer than allowed"
}

/// One row; reuse one for all rows of a file, so that reading allocates nothing in the steady state.
package struct CSVRow: Sendable {
    /// Where the row starts.
    package internal(set) var start = CSVPosition.start
    /// Where the next one starts.
    package internal(set) var end = CSVPosition.start
    /// What is wrong with it; its fields are then incomplete, and its bytes lie between `start` and `end` in the file.
    package internal(set) var problem: CSVProblem?

    /// The unquoted UTF-8 of all fields, one after the other.
    var bytes: [UInt8] = []
    /// Where each field ends in `bytes`.
    var ends: [Int] = []
    /// Which fields stood in quotes.
    var quoted: [Bool] = []

    package init() {}

    /// The number of fields.
    package var count: Int { ends.count }

    /// Nothing at all between two line breaks. In a file of one column it may be an empty value; otherwise it is no row.
    package var isBlank: Bool { ends.count == 1 && bytes.isEmpty && !quoted[0] }

    /// The text of a field, in UTF-8.
    package subscript(_ field: Int) -> ArraySlice<UInt8> {
        bytes[(field == 0 ? 0 : ends[field - 1])..<ends[field]]
    }

    /// Whether the field stood in quotes: tells `""` from nothing.
    package func isQuoted(_ field: Int) -> Bool { quoted[field] }

    /// The text of a field.
    package func text(_ field: Int) -> String { String(decoding: self[field], as: UTF8.self) }

    /// The texts of all fields.
    package var texts: [String] { (0..<count).map { text($0) } }

    mutating func removeAll() {
        problem = nil
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        quoted.removeAll(keepingCapacity: true)
    }
}
