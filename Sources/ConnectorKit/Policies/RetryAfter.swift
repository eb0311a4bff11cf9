// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezTransport

/// What a server asks for by `Retry-After` (RFC 9110 §10.2.3).
package enum RetryAfter {
    /// How long to wait, at least zero; `nil` = the header is absent or not valid (a negative number, for instance).
    ///
    /// Takes seconds, also with a fraction as some vendors send them, and the three forms of HTTP dates. A date is held
    /// against the answer's own `Date` if it has one, so that a clock that is wrong here does no harm. A number that is
    /// too large for anything comes back as `absurd`; callers cap what they wait.
    package static func delay(_ headers: HTTPHeaders, now: Timestamp) -> Duration? {
        guard let text = headers["Retry-After"], !text.isEmpty else { return nil }
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }), let seconds = Double(text) {
            return seconds.isFinite && seconds < 1e9 ? .milliseconds(Int64(seconds * 1000)) : absurd
        }
        guard let date = HTTPDate.parse(text, now: now) else { return nil }
        let serverNow = headers["Date"].flatMap { HTTPDate.parse($0, now: now) } ?? now
        return max(.zero, date.duration(since: serverNow))
    }

    /// Some thirty years.
    package static let absurd: Duration = .seconds(1_000_000_000)
}
