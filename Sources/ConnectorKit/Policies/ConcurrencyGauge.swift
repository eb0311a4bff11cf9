// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import Synchronization

/// What is known from outside about the concurrency that a stage has found: for progress and metrics.
package final class ConcurrencyGauge: Sendable {
    /// The time during which a call waited for its turn.
    package let waits: WaitMeter
    /// The time during which a call was under way, whether a request of it was or not: a bulk job is waited for between
    /// requests, too.
    package let calls: WaitMeter
    private let isHeld = Atomic(false)

    package init(clock: any WallClock = SystemWallClock()) {
        waits = WaitMeter(clock: clock)
        calls = WaitMeter(clock: clock)
    }

    /// Whether fewer calls at once are allowed than the route could take, because there were signs of overload.
    package var isHeldDown: Bool { isHeld.load(ordering: .relaxed) }

    func note(isHeldDown: Bool) { isHeld.store(isHeldDown, ordering: .relaxed) }
}
