// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import MigratezTransport
import Synchronization

/// Holds requests back until there is room for them, and refuses them once the day's share is used up.
///
/// A class of endpoints with a budget of its own counts against that and against the shared one. Waits are reserved in
/// the order of the calls.
package final class RateLimiter: Sendable {
    /// How much of the day's allowance is used, as the vendor counts it.
    package struct DailyUse: Sendable, Hashable {
        package var used: Int
        /// The vendor's limit.
        package var limit: Int
        /// Our share of it.
        package var allowance: Int
        package var resetsAt: Timestamp?

        package init(used: Int, limit: Int, allowance: Int, resetsAt: Timestamp? = nil) {
            self.used = used
            self.limit = limit
            self.allowance = allowance
            self.resetsAt = resetsAt
        }
    }

    private struct State {
        var buckets: [String: TokenBucket]
        /// A server has said that there is no room before this time.
        var blockedUntil: [String: Timestamp] = [:]
        var daily: DailyUse?
        /// Requests that were let through since the vendor's last count.
        var uncounted = 0
        var exhaustedUntil: Timestamp?
        var waited: Duration = .zero
    }

    /// The time during which a request was held back.
    package let holds: WaitMeter
    /// What the settings or the vendor allow for all requests together; `nil` = no limit known.
    package let budget: RateBudget?
    private let clock: any WallClock
    private let dailyShare: Double
    private let state: Mutex<State>

    /// The name under which the budget for all classes is kept.
    private static let shared = ""

    /// - Parameters:
    ///   - budget: for all requests together; `nil` = no limit known.
    ///   - classes: additional budgets by endpoint class.
    ///   - dailyShare: how much of the vendor's daily allowance may be used, 0 to 1.
    package init(budget: RateBudget?, classes: [String: RateBudget] = [:], dailyShare: Double = 1, clock: any WallClock)
    {
        self.clock = clock
        self.budget = budget
        self.dailyShare = dailyShare
        holds = WaitMeter(clock: clock)
        var budgets = classes
        budgets[RateLimiter.shared] = budget
        let now = clock.now
        state = Mutex(State(buckets: budgets.mapValues { TokenBucket($0, now: now) }))
    }

    /// All waits so far, added up.
    package var waited: Duration { state.withLock { $0.waited } }
    /// `nil` as long as the vendor has not told.
    package var dailyUse: DailyUse? { state.withLock { $0.daily } }

    /// Returns when a request of the class may go out.
    ///
    /// - Throws: `quotaExhausted` with `waitForQuota`; `CancellationError`.
    package func admit(_ endpointClass: String) async throws {
        let names = [RateLimiter.shared, endpointClass]
        var wait = try state.withLock { state throws(MigratezError) in
            let now = clock.now
            try checkDay(&state, now: now)
            state.uncounted += 1
            var longest = Duration.zero
            for name in names { longest = max(longest, state.buckets[name]?.reserve(now: now) ?? .zero) }
            return longest
        }
        do {
            while true {
                let block = state.withLock { state -> Duration in
                    let now = clock.now
                    let blocks = names.compactMap { state.blockedUntil[$0]?.duration(since: now) }
                    // A block never lasts longer than was once allowed, so one that seems to was overtaken by a clock
                    // that was set back.
                    return blocks.filter { $0 <= RateLimiter.blockMax }.max() ?? .zero
                }
                wait = max(wait, block)
                guard wait > .zero else { return }
                state.withLock { $0.waited += wait }
                try await holds.measure { try await clock.sleep(for: wait) }
                wait = .zero
            }
        } catch {
            state.withLock { state in
                state.uncounted -= 1
                for name in names { state.buckets[name]?.giveBack() }
            }
            throw error
        }
    }

    /// Takes over what the vendor says.
    package func learn(_ hints: RateHints, endpointClass: String) {
        state.withLock { state in
            let now = clock.now
            // What is told of a class with a budget of its own is about that one.
            let name = state.buckets[endpointClass] != nil ? endpointClass : RateLimiter.shared
            if let remaining = hints.windowRemaining {
                state.buckets[name]?.lower(to: remaining, now: now)
                if remaining <= 0, let after = hints.windowResetsAfter { block(&state, name, for: after, now: now) }
            }
            if let used = hints.dailyUsed, let limit = hints.dailyLimit {
                let allowance = Int(Double(limit) * dailyShare)
                state.daily = DailyUse(used: used, limit: limit, allowance: allowance, resetsAt: hints.dailyResetsAt)
                state.uncounted = 0
            }
        }
    }

    /// A request of the class was turned down: nobody goes before that time.
    package func holdBack(_ endpointClass: String, for duration: Duration) {
        state.withLock { state in
            let now = clock.now
            let name = state.buckets[endpointClass] != nil ? endpointClass : RateLimiter.shared
            state.buckets[name]?.lower(to: 0, now: now)
            block(&state, name, for: duration, now: now)
        }
    }

    private static let blockMax: Duration = .seconds(600)
    /// How long to pause when the vendor does not say when the allowance comes back.
    private static let probeInterval: Duration = .seconds(3600)

    private func block(_ state: inout State, _ name: String, for duration: Duration, now: Timestamp) {
        let until = now.advanced(by: min(duration, RateLimiter.blockMax))
        state.blockedUntil[name] = max(state.blockedUntil[name] ?? until, until)
    }

    private func checkDay(_ state: inout State, now: Timestamp) throws(MigratezError) {
        if let until = state.exhaustedUntil, now >= until || until.duration(since: now) > .seconds(90_000) {
            // The window is over: the next answer tells anew.
            state.exhaustedUntil = nil
            state.daily = nil
            state.uncounted = 0
        }
        guard let daily = state.daily, daily.used + state.uncounted >= daily.allowance else { return }
        let until = state.exhaustedUntil ?? daily.resetsAt ?? now.advanced(by: RateLimiter.probeInterval)
        state.exhaustedUntil = until
        throw MigratezError(
            .quotaExhausted,
            "the share of the day's requests is used up: \(daily.used) of \(daily.allowance) (limit \(daily.limit))",
            remedy: .waitForQuota(until: until), cause: TransportFailure(stage: .notSent))
    }
}
