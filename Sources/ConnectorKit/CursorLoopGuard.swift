// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import Synchronization

/// Notices that a list leads in a circle, in constant memory.
///
/// R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20 (1980): one cursor is kept, after 1, 2, 4, 8 …
/// steps the current one; a circle of any length comes back to it. The same step again is no step, and one that does not
/// go on from the one before (another slice, a resumed run) starts anew: reading a page twice is no circle.
package final class CursorLoopGuard: Sendable {
    private struct Walk {
        /// The last step.
        var from: Cursor?
        var to: Cursor?
        var kept: Cursor?
        var steps = 0
        var power = 1
    }

    private let walks = Mutex<[StreamName: Walk]>([:])

    package init() {}

    /// Whether `next`, which the page at `current` names, has been met before.
    package func isLoop(_ stream: StreamName, from current: Cursor?, to next: Cursor) -> Bool {
        if next == current { return true }
        return walks.withLock { walks in
            var walk = walks[stream] ?? Walk()
            if walk.from == current, walk.to == next { return false }
            if walk.to != current || current == nil { walk = Walk(kept: current) }
            walk.from = current
            walk.to = next
            walk.steps += 1
            let isMet = next == walk.kept
            if walk.steps == walk.power {
                walk.kept = next
                walk.power *= 2
                walk.steps = 0
            }
            walks[stream] = walk
            return isMet
        }
    }
}
