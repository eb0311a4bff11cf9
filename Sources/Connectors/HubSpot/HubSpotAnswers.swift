// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// What HubSpot's statuses, bodies and headers mean.
///
/// Source: developers.hubspot.com, "Error handling" and "Usage guidelines".
enum HubSpotAnswers {
    /// - 423: a resource is locked, for two seconds at least.
    /// - 429: of the short windows, wait; of the day, pause.
    /// - 477: the account is being moved between data centres, for up to 24 hours; `Retry-After` says how long.
    static func verdict(_ response: HTTPResponse, now: Timestamp) -> ResponseVerdict {
        let asked = RetryAfter.delay(response.headers, now: now)
        switch response.status {
        case 423: return .refused(after: max(asked ?? .zero, .seconds(2)))
        case 429:
            guard policyName(response.body) != "DAILY" else {
                return .quotaExhausted(until: asked.map { now.advanced(by: min($0, .seconds(86_400))) })
            }
            return .refused(after: asked ?? interval(response.headers))
        case 477: return .refused(after: asked ?? .seconds(60))
        default: return .byStatus(response, now: now)
        }
    }

    /// The room that is left; search answers have no such headers, and OAuth apps no daily ones.
    static func hints(_ head: HTTPResponseHead) -> RateHints? {
        let remaining = number(head.headers, "X-HubSpot-RateLimit-Remaining")
        let daily = number(head.headers, "X-HubSpot-RateLimit-Daily")
        let dailyRemaining = number(head.headers, "X-HubSpot-RateLimit-Daily-Remaining")
        guard remaining != nil || daily != nil else { return nil }
        var hints = RateHints(windowRemaining: remaining, windowResetsAfter: interval(head.headers))
        if let daily, let dailyRemaining {
            hints.dailyLimit = daily
            hints.dailyUsed = max(0, daily - dailyRemaining)
        }
        return hints
    }

    /// The error for an answer that is a refusal. HubSpot's message may quote values, so only its category is shown.
    static func error(_ response: HTTPResponse, to request: HTTPRequest) -> MigratezError {
        let body = try? JSONValue(parsing: response.body)
        let category = body?["category"]?.text.flatMap { isWord($0) ? $0 : nil }
        var error = MigratezError.refusal(of: request, response, vendorCode: category)
        error.cause = HubSpotCallRefused(status: response.status, refusal: HubSpotRefusal(body ?? .null))
        switch response.status {
        case 400, 404, 414:
            error.remedy = .fixConfiguration
            if response.status == 404 { error.hint = "check the names of the objects, and api_version" }
        case 401: error.hint = "check auth.token: the token may have been revoked or belong to another account"
        case 403:
            let scopes = missingScopes(body)
            error.hint =
                scopes.isEmpty
                ? "give the app the scopes for this object"
                : "give the app the scopes \(scopes.joined(separator: ", "))"
        default: break
        }
        return error
    }

    /// Whether an entry of `errors` in a partial answer only says that there is nothing.
    static func meansNothingThere(_ failure: JSONValue) -> Bool {
        failure["category"]?.text == "OBJECT_NOT_FOUND"
            || failure["subCategory"]?.text?.hasSuffix("NO_ASSOCIATIONS_FOUND") == true
    }

    /// What a partial answer lists as failed may only be what does not exist: a record deleted since the list was read.
    static func checkPartial(_ answer: [UInt8], what: String) throws(MigratezError) {
        guard let errors = member(at: ["errors"], in: answer), errors.kind == .array else { return }
        let failures = answer.withUnsafeBufferPointer {
            JSONValue(validated: UnsafeBufferPointer(rebasing: $0[errors.range]))
        }
        guard let failure = failures.elements.first(where: { !meansNothingThere($0) }) else { return }
        let category = failure["category"]?.text ?? "no category"
        throw MigratezError(
            .serverFailed, "HubSpot answers only a part of \(what): \(category)", remedy: .retry(after: nil))
    }

    private static func missingScopes(_ body: JSONValue?) -> [String] {
        let contexts = [body?["context"]] + (body?["errors"]?.elements.map { $0["context"] } ?? [])
        let scopes = contexts.compactMap(\.self).flatMap { context in
            ["requiredGranularScopes", "requiredScopes", "missingScopes"].flatMap { context[$0]?.elements ?? [] }
        }
        return Array(Set(scopes.compactMap(\.text).filter { isWord($0) })).sorted()
    }

    /// Names of scopes and categories; anything else is not shown.
    private static func isWord(_ text: String) -> Bool {
        text.utf8.count <= 80
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || [0x2D, 0x2E, 0x5F].contains($0)
            }
    }

    private static func policyName(_ body: [UInt8]) -> String? {
        (try? JSONValue(parsing: body))?["policyName"]?.text
    }

    private static func interval(_ headers: HTTPHeaders) -> Duration? {
        number(headers, "X-HubSpot-RateLimit-Interval-Milliseconds").map { .milliseconds($0) }
    }

    private static func number(_ headers: HTTPHeaders, _ name: String) -> Int? {
        headers[name].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }
}
