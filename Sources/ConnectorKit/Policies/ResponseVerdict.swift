// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezTransport

/// What an answer means for the request that it answers.
package enum ResponseVerdict: Sendable, Hashable {
    /// The answer, good or bad, is the caller's to read.
    case final
    /// The request was not carried out and may be sent again, whatever it was: a throttle, a lock.
    case refused(after: Duration?)
    /// Something failed on the way; whether the request was carried out is not known.
    case transient(after: Duration?)
    /// The allowance of the day, or of another long window, is used up.
    case quotaExhausted(until: Timestamp?)

    /// By status alone, as the standards have it. Connectors handle their vendor's own cases first and call this for
    /// the rest.
    ///
    /// - 429 (RFC 6585 §4) says that the request was not carried out; 425 (RFC 8470 §5.2) too.
    /// - 408, 500, 502, 503 and 504 leave it open, and so do 520 to 524, which Cloudflare answers for an origin that it
    ///   could not talk to.
    package static func byStatus(_ response: HTTPResponse, now: Timestamp) -> ResponseVerdict {
        let after = RetryAfter.delay(response.headers, now: now)
        switch response.status {
        case 425, 429: return .refused(after: after)
        case 408, 500, 502, 503, 504, 520...524: return .transient(after: after)
        default: return .final
        }
    }
}

extension MigratezError {
    /// The error for an answer that is a refusal and that the connector knows nothing more precise about.
    ///
    /// - Parameter vendorCode: the vendor's code for it, never its text, which may quote values.
    package static func refusal(
        of request: HTTPRequest, _ response: HTTPResponse, vendorCode: String? = nil
    ) -> MigratezError {
        let shown = vendorCode.map { " (\($0))" } ?? ""
        let message = "\(request): the service answers \(response.status)\(shown)"
        switch response.status {
        case 401: return MigratezError(.credentialsRejected, message, remedy: .fixConfiguration)
        case 403: return MigratezError(.permissionMissing, message, remedy: .fixConfiguration)
        case 408, 500...599: return MigratezError(.serverFailed, message, remedy: .retry(after: nil))
        case 425, 429: return MigratezError(.throttled, message, remedy: .retry(after: nil))
        default: return MigratezError(.requestRefused, message, remedy: .stop)
        }
    }
}
