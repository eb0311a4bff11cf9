// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// What Odoo's statuses and bodies mean.
///
/// Source: documentation, "External JSON-2 API": an exception is an answer with its status and a body that names it.
/// "External RPC API": JSON-RPC answers 200 to everything, and an exception is the body's `error`.
enum OdooAnswers {
    /// An exception that the table knows decides; of others and of a proxy's answers the status.
    static func verdict(_ response: HTTPResponse, now: Timestamp) -> ResponseVerdict {
        guard let exception = exception(in: response) else { return .byStatus(response, now: now) }
        guard let rule = VendorErrorTable.odoo.known(exception.name) else { return .final }
        guard rule.isPassing else { return .final }
        // The transaction was rolled back, so nothing was done.
        return rule.code == .rowLocked ? .refused(after: nil) : .transient(after: nil)
    }

    /// The error for an answer that is a refusal. Messages may quote values, so only the exception's name is shown.
    ///
    /// - Parameter call: `res.partner.load`; what JSON-RPC calls has no address of its own.
    static func error(_ response: HTTPResponse, to request: HTTPRequest, call: String) -> MigratezError {
        guard let exception = exception(in: response) else { return .refusal(of: request, response) }
        let name = isName(exception.name) ? exception.name : "an exception"
        let message = "Odoo refuses \(call): \(name)"
        let cause = OdooCallRefused(status: response.status, exception: exception.name, text: exception.message)
        guard let rule = VendorErrorTable.odoo.known(exception.name) else {
            return MigratezError(.requestRefused, message, remedy: .stop, cause: cause)
        }
        // A call is not a record: what is wrong with its records is for the caller to find out.
        let remedy = rule.remedy == .rejectRecord ? .fixConfiguration : rule.remedy
        return MigratezError(rule.code, message, remedy: remedy, hint: hint(rule.code, exception.name), cause: cause)
    }

    private static func hint(_ code: ErrorCode, _ exception: String) -> String? {
        switch (code, exception) {
        case (.credentialsRejected, _):
            "check auth.token: keys of ordinary users end after three months, and the program cannot renew them"
        case (.permissionMissing, _): "give the user of the key the rights on this model (Settings, Users, Groups)"
        case (.requestRefused, "werkzeug.exceptions.NotFound"):
            "check the object's name, and whether the application that brings it is installed"
        default: nil
        }
    }

    /// The exception that an answer names, in either shape.
    static func exception(in response: HTTPResponse) -> (name: String, message: String)? {
        let isError =
            response.status >= 400
            || response.body.prefix(errorPlaceMax).firstRange(of: Array(#""error""#.utf8)) != nil
        guard isError, let body = try? JSONValue(parsing: response.body) else { return nil }
        let described = body["error"]?["data"] ?? body
        guard let name = described["name"]?.text, !name.isEmpty, body["result"] == nil else { return nil }
        return (name, described["message"]?.text ?? "")
    }

    /// JSON-RPC's `error` stands before anything that is long: `{"jsonrpc": "2.0", "id": 12, "error": …`.
    private static let errorPlaceMax = 80

    /// Names of Python classes; anything else is not shown.
    private static func isName(_ text: String) -> Bool {
        text.utf8.count <= 80
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || [0x2E, 0x5F].contains($0)
            }
    }
}

/// A call that Odoo refused as a whole; the `cause` of the error.
struct OdooCallRefused: Error, CustomStringConvertible {
    var status: Int
    var exception: String
    /// The vendor's own words; they may quote values and must not leave the encrypted rejects.
    var text: String

    var description: String { "status \(status)" }

    /// Whether the records of the call are at fault, and not the moment, the key or the rights.
    var isAboutRows: Bool { VendorErrorTable.odoo.known(exception)?.remedy == .rejectRecord }
    var saysMissing: Bool { exception == "odoo.exceptions.MissingError" }

    /// The rejection of the only record of the call.
    var rejection: Rejection {
        var rejection = OdooMessageRule.rejection(text, field: nil)
        if rejection.vendorCode == nil, let rule = VendorErrorTable.odoo.known(exception) { rejection.code = rule.code }
        rejection.vendorCode = exception
        return rejection
    }
}

extension MigratezError {
    /// Odoo's refusal that led to this error, if one did.
    var callRefused: OdooCallRefused? { cause as? OdooCallRefused }
}
