// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging

/// A record that the run wrote, with what is needed to take that back.
struct UndoEntry {
    var line: ReadyLine
    /// `created` or `updated`.
    var loaded: Outcome
    var targetID: String
    /// The values that the run wrote, by field.
    var written: [JSONValue.Member]
    /// What was there before, if the run may have changed it; the fields are exactly those that it wrote.
    var before: Before?
    /// Whether its change was sent by an earlier attempt at the undo.
    var wasSent: Bool
    /// For links that became a field: the ordinal of the record with that field.
    var holder: Int?

    struct Before {
        var origin: ImageOrigin
        var fields: JSONValue
    }

    /// The fields that are compared and put back.
    var fieldNames: [String] { before?.fields.members.map(\.key) ?? written.map(\.key) }

    /// Whether each field holds what the run wrote. Where values are put back, one that has its old value already is
    /// nobody's edit either.
    func isUntouched(_ current: JSONValue) -> Bool {
        written.allSatisfy { field in
            guard fieldNames.contains(field.key) else { return true }
            if FieldComparison.agree(field.value, current[field.key]) { return true }
            guard let before else { return false }
            return FieldComparison.agree(before.fields[field.key] ?? .null, current[field.key])
        }
    }

    /// The old values of the fields that do not have them.
    func restoration(_ current: JSONValue) -> [JSONValue.Member] {
        guard let before else { return [] }
        return before.fields.members.filter { !FieldComparison.agree($0.value, current[$0.key]) }
    }
}

/// When somebody's change of a record counts as an edit.
struct EditWindow {
    /// When the run's last write had ended, by our clock; `nil` = it was cut off, so times say nothing.
    var loaded: Timestamp?
    /// When the undo began: from then on we change records ourselves.
    var undone: Timestamp
    /// How far the destination's clock may be from ours.
    static let skew = Duration.seconds(120)

    /// Whether the change was made by somebody else, or at a time at which we did nothing.
    func isEdit(_ change: LastChange) -> Bool {
        if !change.isOurs { return true }
        guard let loaded else { return false }
        let zero = Duration.zero
        return change.at > loaded.advanced(by: Self.skew) && change.at < undone.advanced(by: zero - Self.skew)
    }
}
