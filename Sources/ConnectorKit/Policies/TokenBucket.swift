// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Spreads requests so that no period of the budget's length holds more than the budget's number.
///
/// A bucket of `capacity` that refills by `rate` lets `capacity + rate × period` through at worst; so the capacity is a
/// tenth of the budget (a short burst), and the rate is what then remains.
///
/// Counts in whole parts of a token, one `period`-th each, as times are whole milliseconds: the rounding of fractions let a
/// request out a millisecond too early now and then.
package struct TokenBucket: Sendable {
    /// Parts that make a token: the milliseconds of the period.
    private let period: Int64
    /// Parts that a full bucket holds.
    private let capacity: Int64
    /// Parts that come back in a millisecond.
    private let rate: Int64
    private var parts: Int64
    private var updated: Timestamp

    package init(_ budget: RateBudget, now: Timestamp) {
        period = max(1, budget.per.wholeMilliseconds)
        let tokens = Int64(max(1, budget.requests / 10))
        capacity = tokens * period
        rate = Int64(budget.requests) - tokens + 1
        parts = capacity
        updated = now
    }

    /// Takes a token, if need be one of the future, and tells how long to wait for it. Whoever asks first goes first.
    package mutating func reserve(now: Timestamp) -> Duration {
        refill(now: now)
        parts -= period
        return parts >= 0 ? .zero : .milliseconds((-parts + rate - 1) / rate)
    }

    /// A reserved token is not needed after all.
    package mutating func giveBack() { parts = min(capacity, parts + period) }

    /// The server counts less room than we do.
    package mutating func lower(to remaining: Int, now: Timestamp) {
        refill(now: now)
        parts = min(parts, min(Int64(clamping: remaining), capacity / period) * period)
    }

    /// A clock that was set back refills nothing.
    private mutating func refill(now: Timestamp) {
        // More than fills the bucket from any depth need not be multiplied out.
        let elapsed = min(max(0, now.milliseconds - updated.milliseconds), (capacity - parts) / rate + 1)
        parts = min(capacity, parts + rate * elapsed)
        updated = now
    }
}
