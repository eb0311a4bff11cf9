// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSimulatorKit

/// A request that is refused, in the vendor's words.
///
/// Source: pipedrive.readme.io, "Responses" (`error`, `error_info`, `code`); pipedrive/client-nodejs issue 651 for what a
/// refused parameter looks like; developers.pipedrive.com for `errorCode` of 401 and 429.
struct PipedriveFailure: Error, Sendable {
    var status: Int
    /// Only version 2 has codes, and limits of the plan.
    var code: String?
    var message: String

    init(_ status: Int, _ code: String? = nil, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    /// Parameters that are refused, each with its reason.
    static func invalid(_ problems: [(name: String, reason: String)]) -> PipedriveFailure {
        let list = problems.map { "\($0.name): \($0.reason)" }.joined(separator: "; ")
        return PipedriveFailure(400, "ERR_SCHEMA_VALIDATION_FAILED", "Validation failed: \(list)")
    }

    static func invalid(_ name: String, _ reason: String) -> PipedriveFailure { invalid([(name, reason)]) }

    static func notFound(_ what: String) -> PipedriveFailure { PipedriveFailure(404, nil, "\(what) not found") }

    static let unauthorized = PipedriveFailure(401, nil, "unauthorized access")
    static let tooMany = PipedriveFailure(429, nil, "request over limit")

    var response: SimulatorResponse {
        var members: [JSONValue.Member] = [.init("success", false), .init("error", .string(message))]
        if status == 401 || status == 429 { members.append(.init("errorCode", .number(String(status)))) }
        members.append(.init("error_info", "Please check developers.pipedrive.com"))
        if let code { members.append(.init("code", .string(code))) }
        members += [.init("data", .null), .init("additional_data", .null)]
        return .json(JSONValue.object(members).serialized(), status: status)
    }
}
