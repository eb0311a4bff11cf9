// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSimulatorKit

/// A refusal in the form of the Web API: `{"error":{"code":"0x…","message":"…"}}`.
///
/// Source of the codes: Microsoft Learn, "Web service error codes" and "Web API client errors"; crm-apis: Dynamics,
/// sections 6 and 7.
struct APIFailure: Error {
    var status: Int
    var code: String
    var message: String

    init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    var body: JSONValue { ["error": ["code": .string(code), "message": .string(message)]] }

    var response: SimulatorResponse {
        var response = SimulatorResponse.json(body.serialized(), status: status)
        response.headers["OData-Version"] = "4.0"
        return response
    }

    static func noSuchResource(_ segment: String) -> APIFailure {
        APIFailure(404, "0x8006088a", "Resource not found for the segment '\(segment)'.")
    }

    static func noSuchRecord(_ table: String, _ id: String) -> APIFailure {
        APIFailure(404, "0x80040217", "\(table) With Id = \(id) Does Not Exist")
    }

    static func noSuchKey() -> APIFailure {
        APIFailure(404, "0x80060891", "A record with the specified key values does not exist in the table")
    }

    /// A query that does not read as OData, or names a property that is not there.
    static func badQuery(_ message: String) -> APIFailure { APIFailure(400, "0x80060888", message) }

    static func badPayload(_ set: String, _ reason: String) -> APIFailure {
        APIFailure(
            400, "0x80048d19",
            "Error identified in Payload provided by the user for Entity :'\(set)', InnerException : "
                + "Microsoft.OData.ODataException: \(reason)")
    }

    static func invalidArgument(_ message: String) -> APIFailure { APIFailure(400, "0x80040203", message) }

    static let throttled = APIFailure(
        429, "0x80072322",
        "Number of requests exceeded the limit of 6000, measured over time window of 300 seconds.")
    static let unauthorized = APIFailure(401, "0x8005f101", "The requested resource requires authentication.")
    static let serverFailed = APIFailure(500, "0x80040216", "An unexpected error occurred.")
}
