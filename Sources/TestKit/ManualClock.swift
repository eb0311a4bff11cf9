// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import Synchronization

/// A clock that stands still until a test moves it.
///
/// With `advancesBySleeping`, a sleep moves the clock by its duration and returns at once, so that code which waits can
/// be run straight through; what it slept is in `slept`. Otherwise a sleeper waits until `advance` reaches it.
package final class ManualClock: WallClock {
    private struct Sleeper {
        var wakesAt: Timestamp
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Timestamp
        var slept: [Duration] = []
        var nextID = 0
        var sleepers: [Int: Sleeper] = [:]
        /// Sleeps that were cancelled before they were entered.
        var cancelled: Set<Int> = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>
    private let advancesBySleeping: Bool

    /// - Parameter start: by default 2026-11-23T12:00:00Z.
    package init(start: Timestamp = Timestamp(milliseconds: 1_795_435_200_000), advancesBySleeping: Bool = false) {
        state = Mutex(State(now: start))
        self.advancesBySleeping = advancesBySleeping
    }

    package var now: Timestamp { state.withLock { $0.now } }
    /// Every sleep so far, in the order in which they began.
    package var slept: [Duration] { state.withLock { $0.slept } }
    /// How many sleep now.
    package var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    package func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        let id = state.withLock { state in
            state.slept.append(duration)
            state.nextID += 1
            if advancesBySleeping, duration > .zero { state.now = state.now.advanced(by: duration) }
            return state.nextID
        }
        if advancesBySleeping { return await Task.yield() }
        guard duration > .zero else { return }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (isCancelled, ready) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
                    if state.cancelled.remove(id) != nil { return (true, []) }
                    let wakesAt = state.now.advanced(by: duration)
                    state.sleepers[id] = Sleeper(wakesAt: wakesAt, continuation: continuation)
                    return (false, ManualClock.takeReadyWatchers(&state))
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
                for watcher in ready { watcher.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                if let sleeper = state.sleepers.removeValue(forKey: id) { return sleeper }
                state.cancelled.insert(id)
                return nil
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Moves the clock and wakes, in the order of their times, all whose time has come.
    package func advance(by duration: Duration) {
        let woken = state.withLock { state -> [Sleeper] in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.value.wakesAt <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.sorted { ($0.value.wakesAt, $0.key) < ($1.value.wakesAt, $1.key) }.map(\.value)
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    /// Moves the clock to the next time at which somebody wakes, and wakes them; false if nobody sleeps.
    package func advanceToNextSleeper() -> Bool {
        let next = state.withLock { state in
            state.sleepers.values.map(\.wakesAt).min().map { $0.duration(since: state.now) }
        }
        guard let next else { return false }
        advance(by: max(next, .zero))
        return true
    }

    /// Sets the time of day, also backwards, as an administrator or NTP may; wakes nobody.
    package func jump(to now: Timestamp) { state.withLock { $0.now = now } }

    /// Returns as soon as at least `count` sleep.
    package func waitForSleepers(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    private static func takeReadyWatchers(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        let count = state.sleepers.count
        let ready = state.watchers.filter { $0.count <= count }.map(\.continuation)
        state.watchers.removeAll { $0.count <= count }
        return ready
    }
}
