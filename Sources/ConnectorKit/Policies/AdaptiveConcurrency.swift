// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import Synchronization

/// How many calls may be under way at once, found out by trying: one more after each round that went well, half as many
/// after a sign of overload (additive increase, multiplicative decrease: Chiu and Jain, 1989).
package final class AdaptiveConcurrency: Sendable {
    private struct State {
        var limit: Double
        var running = 0
        /// Rises with each decrease: a call that began before the last one says nothing new.
        var epoch = 0
        var nextWaiter = 0
        var waiters: [(id: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        var cancelled: Set<Int> = []

        mutating func decrease() {
            limit = max(1, limit / 2)
            epoch += 1
        }

        /// Those who may go now, first come first served.
        mutating func admit() -> [CheckedContinuation<Bool, Never>] {
            var admitted: [CheckedContinuation<Bool, Never>] = []
            while !waiters.isEmpty, running < Int(limit) {
                running += 1
                admitted.append(waiters.removeFirst().continuation)
            }
            return admitted
        }
    }

    package let limitMax: Int
    private let gauge: ConcurrencyGauge
    private let state: Mutex<State>

    /// - Parameters:
    ///   - initial: where it starts; from 1 to `limitMax`.
    package init(initial: Int = 2, limitMax: Int, gauge: ConcurrencyGauge = ConcurrencyGauge()) {
        precondition(initial >= 1 && limitMax >= initial, "at least one call must be allowed")
        self.limitMax = limitMax
        self.gauge = gauge
        state = Mutex(State(limit: Double(initial)))
    }

    /// How many are allowed now.
    package var limit: Int { state.withLock { Int($0.limit) } }
    /// How many are under way now.
    package var running: Int { state.withLock { $0.running } }

    /// Runs `body` when there is room. A throttle, a lock, a timeout or a failure of the server that it throws counts as
    /// overload.
    package func run<R>(_ body: () async throws -> R) async throws -> R {
        let epoch = try await gauge.waits.measure { try await enter() }
        do {
            let result = try await gauge.calls.measure(body)
            leave(epoch, isOverload: false)
            return result
        } catch {
            leave(epoch, isOverload: AdaptiveConcurrency.isOverload(error))
            throw error
        }
    }

    /// A call succeeded as a whole but shows overload inside: rows that were locked, for instance.
    package func noteOverload() {
        state.withLock { $0.decrease() }
        gauge.note(isHeldDown: true)
    }

    private static func isOverload(_ error: any Error) -> Bool {
        guard let code = (error as? MigratezError)?.code else { return false }
        return code.class == .rate || code.class == .lock || code == .timedOut || code == .serverFailed
    }

    private func enter() async throws -> Int {
        try Task.checkCancellation()
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let isAdmitted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    if state.cancelled.remove(id) != nil { return false }
                    if state.waiters.isEmpty, state.running < Int(state.limit) {
                        state.running += 1
                        return true
                    }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return state.waiters.remove(at: index).continuation
            }
            waiter?.resume(returning: false)
        }
        let epoch = state.withLock { state in
            state.cancelled.remove(id)
            return state.epoch
        }
        guard isAdmitted else { throw CancellationError() }
        return epoch
    }

    private func leave(_ epoch: Int, isOverload: Bool) {
        let (admitted, isHeldDown) = state.withLock { state in
            state.running -= 1
            if isOverload {
                if epoch == state.epoch { state.decrease() }
            } else {
                state.limit = min(Double(limitMax), state.limit + 1 / state.limit)
            }
            return (state.admit(), state.epoch > 0 && Int(state.limit) < limitMax)
        }
        gauge.note(isHeldDown: isHeldDown)
        for waiter in admitted { waiter.resume(returning: true) }
    }
}
