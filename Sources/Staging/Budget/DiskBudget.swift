// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import Synchronization

/// The ceiling of what a run keeps on the staging disk, in bytes of chunk and spill files.
///
/// Who is about to read from a source reserves room first and waits until there is some: a destination that stands
/// still stops the source, with bounded disk. A wait ends with `CancellationError` if its task is cancelled.
package final class DiskBudget: Sendable {
    /// A look at the budget.
    package struct Usage: Sendable, Hashable {
        package var limit: ByteCount
        package var used: ByteCount
        /// How many wait for room. If nobody who could give room back is at work, they wait for ever: whoever sees all
        /// tasks (the run) looks at this.
        package var waiters: Int
    }

    fileprivate struct State {
        var machine: DiskBudgetStateMachine
        var continuations: [Int: CheckedContinuation<Void, any Error>] = [:]
        var nextWaiter = 0
    }

    private let state: Mutex<State>
    /// The time during which somebody waited for room.
    package let waits = WaitMeter()

    /// - Parameter used: what lies on the disk already.
    package init(limit: ByteCount, used: ByteCount = ByteCount(0)) {
        state = Mutex(State(machine: DiskBudgetStateMachine(limit: limit.bytes, used: used.bytes)))
    }

    package var usage: Usage {
        state.withLock {
            Usage(
                limit: ByteCount($0.machine.limit), used: ByteCount($0.machine.used),
                waiters: $0.machine.waiting.count)
        }
    }

    /// Returns once there is room for `bytes`, which are the caller's then until it releases them.
    ///
    /// Throws `diskBudget` if they are more than the whole budget.
    package func reserve(_ bytes: ByteCount) async throws {
        try Task.checkCancellation()
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let isWaiting = Atomic(false)
        defer { if isWaiting.load(ordering: .relaxed) { waits.end() } }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // A continuation is never resumed under the lock: it may run the waiting task at once.
                let result: Result<Void, any Error>? = state.withLock { state in
                    // The handler below may have run before: then it found nothing to cancel.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    switch state.machine.reserve(bytes.bytes, id: waiter) {
                    case .granted: return .success(())
                    case .neverPossible: return .failure(DiskBudget.tooSmall(bytes, state.machine.limit))
                    case .wait:
                        state.continuations[waiter] = continuation
                        isWaiting.store(true, ordering: .relaxed)
                        waits.begin()
                        return nil
                    }
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let (cancelled, granted) = state.withLock { state in
                guard let granted = state.machine.cancel(waiter) else { return (nil, []) as Resumed }
                return (state.continuations.removeValue(forKey: waiter), state.take(granted))
            }
            cancelled?.resume(throwing: CancellationError())
            for continuation in granted { continuation.resume() }
        }
    }

    /// Gives room back, because a file is gone or took less than was reserved.
    package func release(_ bytes: ByteCount) {
        let granted = state.withLock { state in
            let granted = state.machine.release(bytes.bytes)
            return state.take(granted)
        }
        for continuation in granted { continuation.resume() }
    }

    /// Counts what is written without having waited (spill files: the stage that sorts holds what it would wait for).
    package func charge(_ bytes: ByteCount) { state.withLock { $0.machine.charge(bytes.bytes) } }

    private typealias Resumed = (CheckedContinuation<Void, any Error>?, [CheckedContinuation<Void, any Error>])

    private static func tooSmall(_ bytes: ByteCount, _ limit: Int) -> MigratezError {
        MigratezError(
            .diskBudget, "\(bytes) are needed at once, but staging may use only \(ByteCount(limit))",
            remedy: .fixConfiguration, hint: "raise staging.disk_limit, then resume")
    }
}

extension DiskBudget.State {
    /// The continuations of waiters that are granted.
    fileprivate mutating func take(_ waiters: [Int]) -> [CheckedContinuation<Void, any Error>] {
        waiters.compactMap { continuations.removeValue(forKey: $0) }
    }
}
