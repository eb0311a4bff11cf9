// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

/// Counts what a simulator was asked and what it answered; safe to use from everywhere.
package final class Journal: Sendable {
    /// A snapshot of all counts.
    package struct Counts: Sendable, Equatable {
        /// Requests that reached the service or a fault; those to `/_simulator/` are not counted.
        package var requests = 0
        /// Of those, requests of routes that change records.
        package var writes = 0
        /// By route name.
        package var byRoute: [String: Int] = [:]
        /// Answers by status; a dropped request has none.
        package var byStatus: [Int: Int] = [:]
        /// Injected faults by name.
        package var byFault: [String: Int] = [:]
    }

    private let state = Mutex(Counts())

    package init() {}

    /// What was counted so far.
    package var counts: Counts { state.withLock { $0 } }

    /// Starts again from zero.
    package func reset() { state.withLock { $0 = Counts() } }

    func count(_ route: SimulatorRoute, faults: [Fault]) {
        state.withLock {
            $0.requests += 1
            $0.byRoute[route.name, default: 0] += 1
            if route.isWrite { $0.writes += 1 }
            for fault in faults { $0.byFault[fault.name, default: 0] += 1 }
        }
    }

    func count(status: Int) {
        state.withLock { $0.byStatus[status, default: 0] += 1 }
    }
}
