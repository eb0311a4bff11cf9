// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSimulatorKit

/// A request that is refused as a whole; the body is an array of errors (crm-apis: Salesforce, section 8).
struct APIFailure: Error {
    var status: Int
    var code: String
    var message: String
    var fields: [String]?

    init(_ status: Int, _ code: String, _ message: String, fields: [String]? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
    }

    var response: SimulatorResponse {
        var writer = JSONWriter()
        writer.beginArray()
        writer.beginObject()
        writer.key("message")
        writer.string(message)
        writer.key("errorCode")
        writer.string(code)
        if let fields {
            writer.key("fields")
            writer.strings(fields)
        }
        writer.endObject()
        writer.endArray()
        return .json(writer.bytes, status: status)
    }

    static let noSuchResource = APIFailure(404, "NOT_FOUND", "The requested resource does not exist")
    static func malformedJSON(_ message: String) -> APIFailure { APIFailure(400, "JSON_PARSER_ERROR", message) }
    static func malformedQuery(_ message: String) -> APIFailure { APIFailure(400, "MALFORMED_QUERY", message) }
}

/// A row that is refused; the other rows of the request are not concerned.
struct RowFailure: Error {
    var code: String
    var message: String
    var fields: [String]

    init(_ code: String, _ message: String, fields: [String] = []) {
        self.code = code
        self.message = message
        self.fields = fields
    }

    /// The same failure as the answer of a request for this row alone.
    var asAPIFailure: APIFailure {
        APIFailure(code == "ENTITY_IS_DELETED" || code == "NOT_FOUND" ? 404 : 400, code, message, fields: fields)
    }

    /// As `sf__Error` in bulk results: `CODE:message:fields --`.
    var bulkText: String { "\(code):\(message):\(fields.joined(separator: " ")) --" }
}

extension JSONWriter {
    mutating func strings(_ texts: [String]) {
        beginArray()
        for text in texts { string(text) }
        endArray()
    }

    /// A member with a text, or null.
    mutating func member(_ name: String, _ text: String?) {
        key(name)
        if let text { string(text) } else { null() }
    }

    mutating func member(_ name: String, _ value: Bool) {
        key(name)
        bool(value)
    }

    mutating func member(_ name: String, _ value: Int) {
        key(name)
        int(value)
    }
}
