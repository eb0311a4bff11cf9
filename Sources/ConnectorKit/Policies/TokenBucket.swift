// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Spreads requests so that no period of the budget's length holds more than the budget's number.
///
/// A bucket of `capacity` that refills by `rate` lets `capacity + rate × period` through at worst; so the capacity is a
/// tenth of the budget (a short burst), and the rate is what then remains.
package struct TokenBucket: Sendable {
    private let capacity: Double
    /// Tokens per millisecond.
    private let rate: Double
    private var tokens: Double
    private var updated: Timestamp

    package init(_ budget: RateBudget, now: Timestamp) {
        capacity = Double(max(1, budget.requests / 10))
        rate = (Double(budget.requests) - capacity + 1) / TokenBucket.milliseconds(budget.per)
        tokens = capacity
        updated = now
    }

    /// Takes a token, if need be one of the future, and tells how long to wait for it. Whoever asks first goes first.
    package mutating func reserve(now: Timestamp) -> Duration {
        refill(now: now)
        tokens -= 1
        return tokens >= 0 ? .zero : .milliseconds(Int64((-tokens / rate).rounded(.up)))
    }

    /// A reserved token is not needed after all.
    package mutating func giveBack() { tokens = min(capacity, tokens + 1) }

    /// The server counts less room than we do.
    package mutating func lower(to remaining: Int, now: Timestamp) {
        refill(now: now)
        tokens = min(tokens, Double(remaining))
    }

    /// A clock that was set back refills nothing.
    private mutating func refill(now: Timestamp) {
        tokens = min(capacity, tokens + rate * max(0, TokenBucket.milliseconds(now.duration(since: updated))))
        updated = now
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1000 + Double(duration.components.attoseconds) / 1e15
    }
}
