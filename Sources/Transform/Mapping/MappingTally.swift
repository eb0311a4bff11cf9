// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

/// Counts how often each field did not simply get its source's value, for the report.
package final class MappingTally: Sendable {
    /// What happened instead.
    package enum Event: Int, Sendable, CaseIterable {
        /// The default stood in for an empty value.
        case defaultUsed
        /// A value that is not in its value map was kept as it is.
        case valueKept
        /// A value that is not in its value map was left out.
        case valueDropped
        /// A value that is not in its value map was replaced by the one of `otherwise: {use:}`.
        case valueReplaced
        /// A person without counterpart was replaced by the one of `unmatched: {assign:}`.
        case personReplaced
        /// A value that did not fit counted as empty (`on_error: null`).
        case valueNulled
        /// A value was cut to its length.
        case valueTruncated
        /// A telephone number that cannot be read was kept as it is.
        case phoneKept
    }

    private let fields: [String]
    private let counts: Mutex<[Int]>

    init(fields: [String]) {
        self.fields = fields
        counts = Mutex(Array(repeating: 0, count: fields.count * Event.allCases.count))
    }

    func count(_ event: Event, field: Int) {
        counts.withLock { $0[field * Event.allCases.count + event.rawValue] += 1 }
    }

    /// All counts above zero, by field in the order of the pipeline file.
    package var entries: [(field: String, event: Event, count: Int)] {
        counts.withLock { counts in
            counts.indices.compactMap { place in
                guard counts[place] > 0,
                    let event = Event(rawValue: place % Event.allCases.count)
                else { return nil }
                return (fields[place / Event.allCases.count], event, counts[place])
            }
        }
    }
}
