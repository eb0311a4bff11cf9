// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezStaging

/// A row beside what the baseline says of its record.
struct DeltaRow {
    var row: LoadRow
    var entry: Baseline.Entry
    /// The fields of which the source's value is another one than at the time of the run before, by name.
    var changes: [String: Change]
    /// Whether the record of the destination carries another key so far: that of a record which this one stands for.
    var isAdopted: Bool

    struct Change {
        /// The value that the source wants; `nil` = none.
        var wanted: JSONValue?
        var wantedPrint: Baseline.Fingerprint
        var earlierPrint: Baseline.Fingerprint
        /// What is to happen; decided when the destination's value is known.
        var decision = Decision.write
    }

    enum Decision {
        case write
        /// The destination has the value already, or its own value stands.
        case leave
    }

    /// The field that the record's content goes to.
    private let contentField: String?

    /// - Parameters:
    ///   - contentField: where the content of the stream's records goes, if they have any.
    ///   - fields: the names of the stream's fields by their places in the baseline.
    init(
        _ row: LoadRow, _ entry: Baseline.Entry, fields: [String], contentField: String?, isAdopted: Bool,
        _ fingerprint: (JSONValue?) -> Baseline.Fingerprint
    ) {
        self.row = row
        self.entry = entry
        self.isAdopted = isAdopted
        changes = [:]
        self.contentField = contentField
        var wanted: [String: JSONValue] = [:]
        for member in row.row.fields.withUnsafeBufferPointer({ JSONValue(validated: $0) }).members {
            wanted[member.key] = member.value
        }
        for reference in row.row.references { wanted[reference.field] = .string(reference.targetID) }
        var rest = wanted
        for (place, name) in fields.enumerated() {
            if let contentField, name == contentField || name == LoadDelta.versionName(contentField) { continue }
            let value = rest.removeValue(forKey: name)
            add(name, value, fingerprint(value), earlier: entry[place])
        }
        for (name, value) in rest { add(name, value, fingerprint(value), earlier: .blank) }
        if let contentField, let digest = row.row.content?.sha256 {
            let print = fingerprint(LoadDelta.contentValue(digest))
            let earlier = fields.firstIndex(of: contentField).map { entry[$0] } ?? .blank
            if print != earlier {
                changes[contentField] = Change(wanted: nil, wantedPrint: print, earlierPrint: earlier)
            }
        }
    }

    private mutating func add(
        _ name: String, _ value: JSONValue?, _ print: Baseline.Fingerprint, earlier: Baseline.Fingerprint
    ) {
        guard print != earlier else { return }
        // A field that the record had when it was found is the destination's; it is not emptied on our behalf.
        if earlier == .theirs, print == .blank { return }
        changes[name] = Change(wanted: value, wantedPrint: print, earlierPrint: earlier)
    }

    /// Whether the content is another one than at the time of the run before.
    var changesContent: Bool { contentField.map { changes[$0] != nil } ?? false }

    /// The row as it is to be written: the fields that were decided for, on the record with the entry's id.
    func written(over held: BeforeImage) -> LoadRow {
        var row = row
        let chosen = changes.filter { $0.value.decision == .write }
        row.row.references.removeAll { chosen[$0.field] == nil }
        let referring = Set(row.row.references.map(\.field))
        row.row.fields = JSONValue.object(
            chosen.filter { !referring.contains($0.key) && $0.key != contentField }.sorted { $0.key < $1.key }
                .map { JSONValue.Member($0.key, $0.value.wanted ?? .null) }
        ).serialized()
        if !changesContent { row.row.content = nil }
        row.row.targetID = entry.targetID
        row.before = held
        for number in row.links.indices {
            if case .made = row.links[number].fate, chosen[row.links[number].field] == nil {
                row.links[number].fate = .kept
            }
        }
        return row
    }
}
