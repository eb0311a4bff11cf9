// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSimulatorKit

/// An exception of the server, in the shapes in which its interfaces report it.
///
/// Source: odoo/odoo, `odoo/exceptions.py` (status of each class) and `odoo/http.py` (bodies); documentation, "External
/// JSON-2 API" and "External RPC API".
struct OdooFailure: Error, Sendable {
    /// The exception's full name: `odoo.exceptions.AccessError`.
    var name: String
    var message: String
    /// Its status under JSON-2; JSON-RPC answers 200 whatever happens.
    var status: Int

    init(_ name: String, _ message: String, status: Int) {
        self.name = name
        self.message = message
        self.status = status
    }

    static func accessDenied() -> OdooFailure {
        OdooFailure("odoo.exceptions.AccessDenied", "Access Denied", status: 403)
    }

    static func unauthorized() -> OdooFailure {
        OdooFailure("werkzeug.exceptions.Unauthorized", "Invalid apikey", status: 401)
    }

    static func access(_ model: String, _ verb: String) -> OdooFailure {
        OdooFailure(
            "odoo.exceptions.AccessError",
            "You are not allowed to \(verb) '\(model)' records.\n\nContact your administrator to request access.",
            status: 403)
    }

    static func missing(_ model: String, _ ids: [Int64]) -> OdooFailure {
        let list = ids.map { "\($0)," }.joined()
        return OdooFailure(
            "odoo.exceptions.MissingError",
            "Record does not exist or has been deleted.\n(Record: \(model)(\(list)), User: 2)", status: 404)
    }

    static func user(_ message: String) -> OdooFailure {
        OdooFailure("odoo.exceptions.UserError", message, status: 422)
    }

    static func validation(_ message: String) -> OdooFailure {
        OdooFailure("odoo.exceptions.ValidationError", message, status: 422)
    }

    /// A Python exception that nobody foresaw.
    static func value(_ message: String) -> OdooFailure { OdooFailure("builtins.ValueError", message, status: 500) }

    static func unknownModel(_ model: String) -> OdooFailure {
        OdooFailure("werkzeug.exceptions.NotFound", "the model '\(model)' does not exist", status: 404)
    }

    static func unknownMethod(_ model: String, _ method: String) -> OdooFailure {
        OdooFailure(
            "werkzeug.exceptions.NotFound", "The method '\(model).\(method)' does not exist", status: 404)
    }

    static func arguments(_ message: String) -> OdooFailure {
        OdooFailure("werkzeug.exceptions.UnprocessableEntity", message, status: 422)
    }

    /// As JSON-2 reports it.
    var response: SimulatorResponse {
        let body: JSONValue = [
            "name": .string(name), "message": .string(message), "arguments": [.string(message)], "context": [:],
            "debug": .string(traceback),
        ]
        return .json(body.serialized(), status: status)
    }

    /// As JSON-RPC reports it; the words changed with version 19.
    func rpcResponse(id: JSONValue, version: Int) -> SimulatorResponse {
        let body: JSONValue = [
            "jsonrpc": "2.0", "id": id,
            "error": [
                "code": version < 19 ? 200 : 0,
                "message": version < 19 ? "Odoo Server Error" : "Server Error",
                "data": [
                    "name": .string(name), "debug": .string(traceback), "message": .string(message),
                    "arguments": [.string(message)], "context": [:],
                ],
            ],
        ]
        return .json(body.serialized())
    }

    private var traceback: String {
        "Traceback (most recent call last):\n  File \"odoo/http.py\", line 1, in _transactioning\n\(name): \(message)\n"
    }
}
