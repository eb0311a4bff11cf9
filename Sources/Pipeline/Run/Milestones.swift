// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import Synchronization

/// The points of a run that other parts of it wait for.
enum Milestone: Hashable, Sendable {
    /// All records of the stream are in raw chunks.
    case extracted(StreamName)
    /// All records of the stream have an outcome or stand in a ready chunk.
    case transformed(StreamName)
    /// All records of the stream have their final outcome.
    case loaded(StreamName)
}

/// Lets the tasks of one run wait for each other's milestones.
///
/// A milestone is reached once and stays reached. A wait ends when it is reached, or with `CancellationError`; as all
/// tasks of a run live in one task group, a failure anywhere cancels the waits everywhere.
final class Milestones: Sendable {
    private struct State {
        var reached: Set<Milestone> = []
        var waiting: [Milestone: [Int: CheckedContinuation<Void, any Error>]] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    /// Marks the milestone as reached and wakes who waits for it.
    func reach(_ milestone: Milestone) {
        let waiters = state.withLock { state in
            state.reached.insert(milestone)
            return state.waiting.removeValue(forKey: milestone) ?? [:]
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Whether the milestone has been reached.
    func hasReached(_ milestone: Milestone) -> Bool { state.withLock { $0.reached.contains(milestone) } }

    /// Returns once the milestone has been reached.
    func wait(for milestone: Milestone) async throws {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // A continuation is never resumed under the lock: it may run the waiting task at once.
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if state.reached.contains(milestone) { return .success(()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiting[milestone, default: [:]][waiter] = continuation
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let continuation = state.withLock { $0.waiting[milestone]?.removeValue(forKey: waiter) }
            continuation?.resume(throwing: CancellationError())
        }
    }
}
