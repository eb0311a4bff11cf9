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
        /// The most requests that were being answered at one time.
        package var underWayMax = 0
    }

    private struct State {
        var counts = Counts()
        var underWay = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// What was counted so far.
    package var counts: Counts { state.withLock { $0.counts } }

    /// Starts again from zero; what is under way stays so.
    package func reset() {
        state.withLock {
            $0.counts = Counts()
            $0.counts.underWayMax = $0.underWay
        }
    }

    /// Counts a request that is under way until `end` is called.
    func begin(_ route: SimulatorRoute, faults: [Fault]) {
        state.withLock {
            $0.underWay += 1
            $0.counts.underWayMax = max($0.counts.underWayMax, $0.underWay)
            $0.counts.requests += 1
            $0.counts.byRoute[route.name, default: 0] += 1
            if route.isWrite { $0.counts.writes += 1 }
            for fault in faults { $0.counts.byFault[fault.name, default: 0] += 1 }
        }
    }

    func count(status: Int) {
        state.withLock { $0.counts.byStatus[status, default: 0] += 1 }
    }

    /// The request is about to be answered, or its connection is gone.
    func end() { state.withLock { $0.underWay -= 1 } }
}
