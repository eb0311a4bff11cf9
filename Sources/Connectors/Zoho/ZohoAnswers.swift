// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport
import Synchronization

/// What Zoho's statuses, bodies and headers mean.
///
/// Source: zoho.com/crm/developer, "Status codes" and "API limits".
enum ZohoAnswers {
    static let scopeMismatch = "OAUTH_SCOPE_MISMATCH"
    private static let creditsHeader = "X-API-CREDITS-REMAINING"

    /// 429 stands for too many calls at once, which passes, and for used-up credits, which do not come back soon; Zoho says
    /// of neither when.
    static func verdict(_ response: HTTPResponse, now: Timestamp) -> ResponseVerdict {
        guard response.status == 429 else { return .byStatus(response, now: now) }
        let isUsedUp = code(response.body) == "LIMIT_EXCEEDED" || remainingCredits(response.head) == 0
        return isUsedUp
            ? .quotaExhausted(until: nil) : .refused(after: RetryAfter.delay(response.headers, now: now))
    }

    /// `nil` as long as less than half is used: Zoho does not tell before.
    static func remainingCredits(_ head: HTTPResponseHead) -> Int? {
        head.headers[creditsHeader].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    /// The vendor's code in a body.
    static func code(_ body: [UInt8]) -> String? { (try? JSONValue(parsing: body))?["code"]?.text }

    /// The error for an answer that is a refusal. Zoho's message may quote values, so only its code is shown.
    static func error(_ response: HTTPResponse, to request: HTTPRequest) -> MigratezError {
        let refusal = ZohoRefusal((try? JSONValue(parsing: response.body)) ?? .null)
        let rule = VendorErrorTable.zoho.known(refusal.code)
        var error = MigratezError.refusal(of: request, response, vendorCode: rule?.vendorCode)
        error.cause = ZohoCallRefused(status: response.status, refusal: refusal)
        if let rule, (400..<500).contains(response.status), response.status != 401, response.status != 429 {
            error.code = rule.code
            error.remedy = rule.remedy == .rejectRecord ? .fixConfiguration : rule.remedy
        }
        switch refusal.code {
        case scopeMismatch:
            error.hint = "make a refresh token whose scopes cover this; the documentation lists them"
        case "INVALID_MODULE", "INVALID_URL_PATTERN": error.hint = "check the names of the objects, and api_version"
        case "NO_PERMISSION": error.hint = "give the user's profile the right to this module"
        default: break
        }
        return error
    }
}

/// Makes of the credits that are left what is used of how many.
///
/// Zoho's headers tell what is left, and only once half is used: twice of that is the most that there can be, and the limit
/// if the header is seen as soon as it comes. The setting `rate.daily_credits` knows better.
final class CreditMeter: Sendable {
    private let limit: Mutex<(isKnown: Bool, credits: Int)>

    init(limit: Int?) { self.limit = Mutex((limit != nil, limit ?? 0)) }

    func hints(_ head: HTTPResponseHead) -> RateHints? {
        guard let remaining = ZohoAnswers.remainingCredits(head) else { return nil }
        let limit = limit.withLock { limit in
            if !limit.isKnown { limit.credits = max(limit.credits, remaining * 2) }
            return max(limit.credits, remaining)
        }
        return RateHints(dailyUsed: limit - remaining, dailyLimit: limit)
    }
}
