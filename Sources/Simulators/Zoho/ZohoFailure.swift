// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSimulatorKit

/// A request that is refused as a whole, in the vendor's words:
/// `{"code":"INVALID_MODULE","details":{},"message":"…","status":"error"}` (zoho.com/crm/developer, "Status Codes").
struct ZohoFailure: Error {
    var status: Int
    var code: String
    var message: String
    var details: [JSONValue.Member]

    init(_ status: Int, _ code: String, _ message: String, _ details: [JSONValue.Member] = []) {
        self.status = status
        self.code = code
        self.message = message
        self.details = details
    }

    var json: JSONValue {
        [
            "code": .string(code), "details": .object(details), "message": .string(message), "status": "error",
        ]
    }

    var response: SimulatorResponse { .json(json.serialized(), status: status) }

    static let invalidToken = ZohoFailure(401, "INVALID_TOKEN", "invalid oauth token")
    static let scopeMismatch = ZohoFailure(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL")
    static let invalidURL = ZohoFailure(
        404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one")
    static let invalidModule = ZohoFailure(400, "INVALID_MODULE", "the module name given seems to be invalid")
    static let noCredits = ZohoFailure(429, "LIMIT_EXCEEDED", "the credits of 24 hours are used up")
    static let tooManyAtOnce = ZohoFailure(429, "TOO_MANY_REQUESTS", "too many calls are under way")
    static func missing(parameter: String) -> ZohoFailure {
        ZohoFailure(
            400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing",
            [.init("param_name", .string(parameter))])
    }
    static func invalid(_ name: String, _ message: String) -> ZohoFailure {
        ZohoFailure(400, "INVALID_DATA", message, [.init("api_name", .string(name))])
    }
}

/// A row that is refused; the other rows of the request are not concerned.
struct RowFailure: Error {
    var code: String
    var message: String
    var details: [JSONValue.Member]

    init(_ code: String, _ message: String, _ details: [JSONValue.Member] = []) {
        self.code = code
        self.message = message
        self.details = details
    }

    /// - Parameter path: where the value is below the row: `Account_Name.id`.
    init(
        _ code: String, _ message: String, field: String, path: String? = nil, row: Int,
        _ more: [JSONValue.Member] = []
    ) {
        let path = "$.data[\(row)].\(path ?? field)"
        self.init(code, message, more + [.init("api_name", .string(field)), .init("json_path", .string(path))])
    }

    /// The same of a row of a subform: `$.data[3].Quantity` becomes `$.data[3].Quoted_Items[2].Quantity`.
    func within(_ place: String) -> RowFailure {
        var failure = self
        failure.details = details.map { detail in
            guard detail.key == "json_path", let path = detail.value.text, let end = path.firstIndex(of: "]") else {
                return detail
            }
            return .init(detail.key, .string("\(path[...end]).\(place)\(path[path.index(after: end)...])"))
        }
        return failure
    }

    var json: JSONValue {
        [
            "code": .string(code), "details": .object(details), "message": .string(message), "status": "error",
        ]
    }
}
