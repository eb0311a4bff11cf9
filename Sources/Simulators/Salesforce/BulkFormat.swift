// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// How the text of a bulk job is written: `columnDelimiter` and `lineEnding`.
struct BulkFormat: Sendable {
    var delimiterName: String
    var delimiter: UInt8
    var isCRLF: Bool

    var lineEnding: [UInt8] { isCRLF ? [0x0D, 0x0A] : [0x0A] }

    /// - Throws: `APIFailure`, if the job asks for something that does not exist.
    init(_ document: JSONValue) throws(APIFailure) {
        let delimiters: [String: Character] = [
            "BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t",
        ]
        delimiterName = document["columnDelimiter"]?.text ?? "COMMA"
        guard let delimiter = delimiters[delimiterName]?.asciiValue else {
            throw BulkFormat.invalid("columnDelimiter \(delimiterName)")
        }
        self.delimiter = delimiter
        switch document["lineEnding"]?.text ?? "LF" {
        case "LF": isCRLF = false
        case "CRLF": isCRLF = true
        case let other: throw BulkFormat.invalid("lineEnding \(other)")
        }
        guard document["contentType"]?.text ?? "CSV" == "CSV" else { throw BulkFormat.invalid("contentType") }
    }

    static func invalid(_ what: String) -> APIFailure { APIFailure(400, "INVALIDJOB", "Invalid job: \(what)") }
}
