// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezCrypto
package import MigratezJSON
import MigratezModel
import MigratezStaging

/// The form of the file in which rejected records go out to be corrected, and come back.
///
/// A row a record. The first columns say which it is and why it was rejected; behind them stands a column for each field
/// of the destination, `contact.LastName`, of which those of the record's own object can be edited. CSV as in RFC 4180,
/// in UTF-8 with a byte order mark (spreadsheets take it for something else without); cells that a spreadsheet would run
/// as a formula carry an apostrophe, which is taken away again.
package enum IssueSheet {
    /// Columns that say which record it is; none of them may be changed.
    static let identity = ["stream", "ordinal", "source_id", "stage", "code"]
    /// Columns for people; changes in them mean nothing.
    static let remarks = ["reason", "vendor_code", "vendor_text", "failing_fields"]
    /// Tells rows that were edited from those that were not.
    static let digest = "row_digest"
    static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    static func column(_ field: String, of stream: StreamName) -> String { "\(stream).\(field)" }

    /// The dialect in which sheets are written; a spreadsheet may give them back with another delimiter.
    static func dialect(delimiter: UInt8 = UInt8(ascii: ","), encoding: CSVEncoding = .utf8) -> CSVDialect {
        CSVDialect(delimiter: delimiter, encoding: encoding, guardsFormulas: true)
    }

    // MARK: Cells

    private static let backslash: Character = "\\"
    private static let nullCell = "\\null"
    private static let emptyCell = "\\empty"

    /// The cell of a value: empty if there is none, `\null` for null, `\empty` for the empty text; a text that begins with
    /// a backslash gets another one before it. Anything but a text is written as JSON has it.
    package static func cell(_ value: JSONValue?) -> String {
        switch value {
        case nil: ""
        case .null?: nullCell
        case .string("")?: emptyCell
        case .string(let text)?: text.first == backslash ? "\\" + text : text
        case .some(let other): other.text ?? String(decoding: other.serialized(), as: UTF8.self)
        }
    }

    /// What a cell says.
    package enum Content: Equatable {
        case nothing
        case null
        case text(String)
    }

    /// The content of a cell; nil if it begins with a backslash and is none of the words.
    package static func content(_ cell: String) -> Content? {
        switch cell {
        case "": return .nothing
        case nullCell: return .null
        case emptyCell: return .text("")
        default:
            guard cell.first == backslash else { return .text(cell) }
            return cell.dropFirst().first == backslash ? .text(String(cell.dropFirst())) : nil
        }
    }

    // MARK: Digest

    /// Of a row as it was written: which record it is, and the cells that can be edited. Not a secret, not a proof: it
    /// tells an edit from none. Begins with a letter, so that no spreadsheet takes it for a number.
    static func digest(run: RunID, identity: [String], cells: [String]) -> String {
        var hash = SHA256()
        for part in ["migratez issue sheet 1", run.text] + identity + cells {
            hash.update(Array("\(part.utf8.count):".utf8))
            hash.update(Array(part.utf8))
        }
        return "r" + Hex.encode(Array(hash.finish().prefix(12)))
    }
}
