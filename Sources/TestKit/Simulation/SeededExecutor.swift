// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Dispatch
import Synchronization

/// Runs the jobs of all tasks one at a time, in an order that a seed decides, so that a run of a test takes the same
/// course each time and another seed tries another interleaving.
///
/// Only what the tasks do in place is ruled by it: a task that waits for a thread of its own comes back at any time.
package final class SeededExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isDraining = false
        var generator: SeededGenerator
        var bodies = 0
    }

    private let state: Mutex<State>
    private let thread = DispatchQueue(label: "migratez.simulation")
    private let passTime: @Sendable () -> Bool
    private let name: String

    /// - Parameters:
    ///   - name: names the run in the message of a deadlock.
    ///   - passTime: called when no job is left: moves the clock to the next sleeper and wakes it; false if nobody
    ///     sleeps.
    package init(seed: UInt64, name: String, passTime: @escaping @Sendable () -> Bool) {
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
        self.name = name
        self.passTime = passTime
    }

    /// Runs `body` and its child tasks on this executor. Traps if all of them wait for each other.
    package func run<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> R {
        state.withLock { $0.bodies += 1 }
        return try await withTaskExecutorPreference(self) {
            defer { state.withLock { $0.bodies -= 1 } }
            return try await body()
        }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let begins = state.withLock { state in
            state.jobs.append(job)
            defer { state.isDraining = true }
            return !state.isDraining
        }
        if begins { thread.async { self.drain() } }
    }

    private func drain() {
        while true {
            if let job = takeJob() {
                job.runSynchronously(on: asUnownedTaskExecutor())
            } else if !passTime() {
                let isStuck = state.withLock { state in
                    guard state.jobs.isEmpty else { return false }
                    state.isDraining = false
                    return state.bodies > 0
                }
                precondition(!isStuck, "\(name): every task waits for another one")
                if !state.withLock({ $0.isDraining }) { return }
            }
        }
    }

    private func takeJob() -> UnownedJob? {
        state.withLock { state in
            guard !state.jobs.isEmpty else { return nil }
            return state.jobs.remove(at: Int.random(in: 0..<state.jobs.count, using: &state.generator))
        }
    }
}
