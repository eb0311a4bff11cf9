// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

/// What the mapping of one record did, field by field. Reuse one for all records of a pass.
package struct MappingMarks: Sendable {
    private var marks: [(field: Int, event: MappingTally.Event)] = []

    package init() {}

    /// Forgets the record before.
    mutating func removeAll() { marks.removeAll(keepingCapacity: true) }

    package mutating func mark(_ event: MappingTally.Event, field: Int) { marks.append((field, event)) }

    /// What happened, whatever the field.
    var events: [MappingTally.Event] { marks.map(\.event) }

    /// Whether this happened in any field of the record.
    package func contains(_ event: MappingTally.Event) -> Bool { marks.contains { $0.event == event } }

    /// Calls `body` with the number of a field and what happened to it, for each.
    package func forEach(_ body: (Int, MappingTally.Event) -> Void) {
        for mark in marks { body(mark.field, mark.event) }
    }
}

/// Counts for each field how often it had a value, and how often it did not simply get its source's, for the report.
///
/// Only records that became ready count; what was done to one before it was rejected does not.
package final class MappingTally: Sendable {
    /// What happened to a field of a record.
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
        /// What the field is made of had a value in the source.
        case sourceFilled
        /// The field got a value.
        case filled

        /// Whether the field did not simply get its source's value.
        package var isFallback: Bool { self != .sourceFilled && self != .filled }

        /// The name under which the manifest counts it.
        package var name: String {
            switch self {
            case .defaultUsed: "default_used"
            case .valueKept: "value_kept"
            case .valueDropped: "value_dropped"
            case .valueReplaced: "value_replaced"
            case .personReplaced: "person_replaced"
            case .valueNulled: "value_nulled"
            case .valueTruncated: "value_truncated"
            case .phoneKept: "phone_kept"
            case .sourceFilled: "source_filled"
            case .filled: "filled"
            }
        }
    }

    /// How often one thing happened to one field.
    package struct Entry: Sendable, Equatable {
        package var field: String
        package var event: Event
        package var count: Int
    }

    private struct Counts {
        var records = 0
        var events: [Int]
    }

    private let fields: [String]
    private let counts: Mutex<Counts>

    init(fields: [String]) {
        self.fields = fields
        counts = Mutex(Counts(events: Array(repeating: 0, count: fields.count * Event.allCases.count)))
    }

    /// Counts a record that became ready.
    package func add(_ marks: MappingMarks) {
        counts.withLock { counts in
            counts.records += 1
            marks.forEach { field, event in counts.events[field * Event.allCases.count + event.rawValue] += 1 }
        }
    }

    /// All counts of fallbacks above zero, by field in the order of the pipeline file.
    package var entries: [Entry] {
        counts.withLock { entries($0) }.filter { $0.event.isFallback && $0.count > 0 }
    }

    /// Everything counted since the last call, and how many records it is about; starts anew. Every field has an entry
    /// for `filled`, so that one that is always empty is known, too.
    package func take() -> (records: Int, entries: [Entry]) {
        counts.withLock { counts in
            let taken = (counts.records, entries(counts))
            counts.records = 0
            for place in counts.events.indices { counts.events[place] = 0 }
            return taken
        }
    }

    private func entries(_ counts: Counts) -> [Entry] {
        counts.events.indices.compactMap { place in
            guard let event = Event(rawValue: place % Event.allCases.count),
                counts.events[place] > 0 || event == .filled
            else { return nil }
            return Entry(field: fields[place / Event.allCases.count], event: event, count: counts.events[place])
        }
    }
}
