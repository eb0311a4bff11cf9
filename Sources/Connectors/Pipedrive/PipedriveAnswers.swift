// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// What Pipedrive's statuses, bodies and headers mean.
///
/// Source: pipedrive.readme.io, "Rate limiting" and "Responses".
enum PipedriveAnswers {
    /// - 429 with room in the window of two seconds: the day's tokens are used up. Without room: wait.
    /// - 403 with something else than JSON: the network in front of the service, after too many requests.
    static func verdict(_ response: HTTPResponse, now: Timestamp) -> ResponseVerdict {
        let asked = RetryAfter.delay(response.headers, now: now)
        switch response.status {
        case 429:
            if let remaining = number(response.headers, "x-ratelimit-remaining"), remaining > 0 {
                return .quotaExhausted(until: asked.map { now.advanced(by: min($0, .seconds(86_400))) })
            }
            return .refused(after: asked ?? reset(response.headers))
        case 403 where (try? JSONValue(parsing: response.body)) == nil:
            return .refused(after: asked ?? .seconds(60))
        default: return .byStatus(response, now: now)
        }
    }

    /// The room that is left in the window of two seconds.
    static func hints(_ head: HTTPResponseHead) -> RateHints? {
        guard let remaining = number(head.headers, "x-ratelimit-remaining") else { return nil }
        return RateHints(windowRemaining: remaining, windowResetsAfter: reset(head.headers))
    }

    /// The error for an answer that is a refusal. Pipedrive's message may quote values, so only its code is shown.
    static func error(_ response: HTTPResponse, to request: HTTPRequest) -> MigratezError {
        let refusal = PipedriveRefusal(status: response.status, body: (try? JSONValue(parsing: response.body)) ?? .null)
        var error = MigratezError.refusal(of: request, response, vendorCode: refusal.code)
        error.cause = PipedriveCallRefused(refusal: refusal)
        switch response.status {
        case 400, 404, 410:
            error.remedy = .fixConfiguration
            if response.status != 400 { error.hint = "check base_url and api_version" }
        case 401:
            error.hint = "check the token: it may have been replaced, or the user may have left"
        case 402:
            error.code = .permissionMissing
            (error.remedy, error.hint) = (.fixConfiguration, "the company's plan has ended or was not paid")
        case 403 where refusal.isOfPlan:
            error.code = .storageFull
            (error.remedy, error.hint) = (.fixConfiguration, "the company's plan allows no more of these")
        case 403: error.hint = "the user must see and edit all records: make it an administrator of Sales"
        default: break
        }
        return error
    }

    private static func reset(_ headers: HTTPHeaders) -> Duration? {
        number(headers, "x-ratelimit-reset").map { .seconds(min($0, 60)) }
    }

    private static func number(_ headers: HTTPHeaders, _ name: String) -> Int? {
        headers[name].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }
}
