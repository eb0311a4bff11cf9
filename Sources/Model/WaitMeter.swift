// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

/// Measures for how long something was waited for: the time during which at least one task waited, not the sum over all
/// tasks. Over any period it is a share between none and all of it, which is what decides whether it is the limit.
package final class WaitMeter: Sendable {
    private struct State {
        var waiting = 0
        /// When the first of those who wait now began to.
        var since: Timestamp?
        var total = Duration.zero
    }

    private let state = Mutex(State())
    private let clock: any WallClock

    package init(clock: any WallClock = SystemWallClock()) { self.clock = clock }

    /// How many wait now.
    package var waiting: Int { state.withLock { $0.waiting } }

    /// All of the time so far, up to now.
    package var total: Duration {
        let now = clock.now
        return state.withLock { $0.total + WaitMeter.elapsed($0.since, now) }
    }

    /// Somebody begins to wait; `end` must follow.
    package func begin() {
        let now = clock.now
        state.withLock { state in
            if state.waiting == 0 { state.since = now }
            state.waiting += 1
        }
    }

    package func end() {
        let now = clock.now
        state.withLock { state in
            precondition(state.waiting > 0, "who ends a wait has begun one")
            state.waiting -= 1
            guard state.waiting == 0 else { return }
            state.total += WaitMeter.elapsed(state.since, now)
            state.since = nil
        }
    }

    /// Counts the time that `body` takes.
    package func measure<R>(_ body: () async throws -> R) async rethrows -> R {
        begin()
        defer { end() }
        return try await body()
    }

    /// A clock that was set back has not measured anything.
    private static func elapsed(_ since: Timestamp?, _ now: Timestamp) -> Duration {
        since.map { max(.zero, now.duration(since: $0)) } ?? .zero
    }
}
