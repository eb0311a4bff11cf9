// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

/// A number that many tasks and threads count up.
package final class Tally: Sendable {
    private let count = Atomic(0)

    package init() {}
    package var value: Int { count.load(ordering: .acquiring) }

    /// The number after adding.
    @discardableResult
    package func add(_ more: Int = 1) -> Int { count.add(more, ordering: .acquiringAndReleasing).newValue }
}
