// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import Synchronization

/// A vendor's limit on requests: so many in any window of some length, and so many a day.
package final class RequestAllowance: Sendable {
    package enum Verdict: Sendable, Equatable {
        case granted(remaining: Int, dailyRemaining: Int?)
        /// The window is full; a place is free again after this.
        case windowExceeded(retryAfter: Duration)
        /// The day (UTC) is used up.
        case dayExceeded
    }

    private struct State {
        /// Times of the granted requests of the current window, a ring of `limit` places.
        var times: [Int64]
        var next = 0
        var used = 0
        var day: Int64 = .min
        var usedToday = 0
    }

    package let limit: Int
    package let window: Duration
    package let dailyLimit: Int?
    private let clock: any WallClock
    private let state: Mutex<State>

    package init(limit: Int, window: Duration, dailyLimit: Int? = nil, clock: any WallClock) {
        precondition(limit > 0, "a limit of no requests at all is no limit")
        self.limit = limit
        self.window = window
        self.dailyLimit = dailyLimit
        self.clock = clock
        state = Mutex(State(times: Array(repeating: .min, count: limit)))
    }

    /// Counts one request, unless the window or the day is full; a refused request is not counted.
    package func take() -> Verdict {
        let now = clock.now.milliseconds
        let length = window.wholeMilliseconds
        return state.withLock { state in
            let day = now.flooredDivision(by: 86_400_000)
            if day != state.day {
                state.day = day
                state.usedToday = 0
            }
            if let dailyLimit, state.usedToday >= dailyLimit { return .dayExceeded }
            // The ring's oldest entries leave the window first.
            while state.used > 0 {
                let oldest = state.times[(state.next - state.used + limit) % limit]
                guard now - oldest >= length else { break }
                state.used -= 1
            }
            if state.used == limit {
                return .windowExceeded(retryAfter: .milliseconds(state.times[state.next] + length - now))
            }
            state.times[state.next] = now
            state.next = (state.next + 1) % limit
            state.used += 1
            state.usedToday += 1
            return .granted(remaining: limit - state.used, dailyRemaining: dailyLimit.map { $0 - state.usedToday })
        }
    }
}
