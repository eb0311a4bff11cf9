// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// Folds the records of one group of duplicates, one after the other, into the record that is kept.
///
/// Only the best candidate so far, the best value of each field, and the ordinals of the others are held, so that a
/// group of any size fits. The result is a record of the source's own layout with the fields that the mapping reads;
/// it is mapped as any other.
struct GroupMerge {
    /// The record that is kept.
    struct Result {
        var ordinal: UInt64
        var sourceID: String
        /// The record as the mapping shall read it: one JSON object.
        var record: [UInt8]
        /// The others, in order.
        var merged: [(ordinal: UInt64, sourceID: String)]
        /// When the member that was changed last was changed.
        var modified: Int64?
        /// The ids of records that the source itself merged into one of the group.
        var formerIDs: [String]
    }

    private let layout: RecordLayout
    private let fields: [String]
    /// The names of the fields, ready to be written.
    private let keys: [[UInt8]]
    private let keep: DuplicateRule.Survivor
    private let rules: [DuplicateRule.Merge]

    // Everything below is used again for each record and each group: with a text for each field, allocating them was half
    // of what merging cost.
    private var survivor: Candidate?
    private var values: [FieldValue]
    /// Where the values of the record are that is being added.
    private var slices: [JSONSlice?] = []
    private var writer = JSONWriter()
    private var members: [(ordinal: UInt64, sourceID: String)] = []
    private var lastModified: Int64?
    private var formerIDs: [String] = []

    /// - Parameters:
    ///   - fields: the source fields that the mapping reads; others are not carried over.
    ///   - rules: the object's rules; the first one's `keep` decides, and a field takes the first `merge` that names it.
    init(layout: RecordLayout, fields: [String], rules: [DuplicateRule]) {
        self.layout = layout
        self.fields = fields
        keys = fields.map { JSONWriter.preparedKey($0) }
        keep = rules.first?.keep ?? .first
        self.rules = fields.map { field in rules.lazy.compactMap { $0.merge[field] }.first ?? .survivor }
        values = Array(repeating: FieldValue(), count: fields.count)
    }

    private struct Candidate {
        var ordinal: UInt64
        var sourceID: String
        var filledFields: Int
        var modified: Int64?
        var record: [UInt8]
        /// Where the values of the fields are in `record`.
        var slices: [JSONSlice?]
    }

    /// What the group offers for one field.
    private struct FieldValue {
        /// `nil` = nothing; its bytes stay allocated in `best`.
        var bestModified: Int64??
        var best: [UInt8] = []
        var all: [[UInt8]] = []
        var seen: Set<[UInt8]> = []

        mutating func forget() {
            bestModified = nil
            if !all.isEmpty { (all, seen) = ([], []) }
        }
    }

    /// Forgets the group before.
    mutating func begin() {
        survivor?.filledFields = Self.noCandidate
        members.removeAll(keepingCapacity: true)
        lastModified = nil
        if !formerIDs.isEmpty { formerIDs.removeAll() }
        for position in values.indices { values[position].forget() }
    }

    /// In the place of the number of fields: the candidate is one of the group before, whose memory is used again.
    private static let noCandidate = -1

    /// Takes the next record of the group; records come in the order of their ordinals.
    mutating func add(
        ordinal: UInt64, sourceID: String, record: UnsafeBufferPointer<UInt8>, index: borrowing RecordIndex
    ) {
        members.append((ordinal, sourceID))
        let modified = layout.modified(index, in: record)?.milliseconds
        if let modified { lastModified = max(modified, lastModified ?? .min) }
        formerIDs += layout.formerIDs(index, in: record)
        slices.removeAll(keepingCapacity: true)
        var filledFields = 0
        for (position, field) in fields.enumerated() {
            let slice = index.slice(field)
            slices.append(slice)
            guard let slice, !slice.isBlank else { continue }
            filledFields += 1
            offer(UnsafeBufferPointer(rebasing: record[slice.range]), of: position, modified: modified)
        }
        if isBetter(filledFields, modified) { keep(ordinal, sourceID, filledFields, modified, record) }
    }

    /// Makes the record whose values are in `slices` the best candidate.
    private mutating func keep(
        _ ordinal: UInt64, _ sourceID: String, _ filledFields: Int, _ modified: Int64?,
        _ record: UnsafeBufferPointer<UInt8>
    ) {
        var candidate =
            survivor.take()
            ?? Candidate(ordinal: 0, sourceID: "", filledFields: 0, modified: nil, record: [], slices: [])
        candidate.ordinal = ordinal
        candidate.sourceID = sourceID
        candidate.filledFields = filledFields
        candidate.modified = modified
        candidate.record.removeAll(keepingCapacity: true)
        candidate.record.append(contentsOf: record)
        swap(&candidate.slices, &slices)
        survivor = candidate
    }

    /// The record that is kept, or `nil` for an empty group.
    mutating func result() -> Result? {
        guard let survivor, survivor.filledFields != Self.noCandidate else { return nil }
        writer.removeAll()
        writer.beginObject()
        writer.key(layout.id)
        writer.string(survivor.sourceID)
        if let nested = layout.fields {
            writer.key(nested)
            writer.beginObject()
        }
        for (position, field) in fields.enumerated() where field != layout.id || layout.fields != nil {
            survivor.record.withUnsafeBufferPointer { record in
                let own = survivor.slices[position].map { UnsafeBufferPointer(rebasing: record[$0.range]) }
                writeMerged(position, own)
            }
        }
        if layout.fields != nil { writer.endObject() }
        writer.endObject()
        return Result(
            ordinal: survivor.ordinal, sourceID: survivor.sourceID, record: writer.bytes,
            merged: members.filter { $0.ordinal != survivor.ordinal }, modified: lastModified, formerIDs: formerIDs)
    }

    /// Whether a record with so many filled fields, changed then, is kept rather than the candidate.
    private func isBetter(_ filledFields: Int, _ modified: Int64?) -> Bool {
        guard let current = survivor, current.filledFields != Self.noCandidate else { return true }
        return switch keep {
        case .first: false
        case .mostComplete:
            filledFields != current.filledFields
                ? filledFields > current.filledFields : (modified ?? .min) > (current.modified ?? .min)
        case .mostRecent: (modified ?? .min) > (current.modified ?? .min)
        case .oldest: (modified ?? .max) < (current.modified ?? .max)
        }
    }

    private mutating func offer(_ bytes: UnsafeBufferPointer<UInt8>, of position: Int, modified: Int64?) {
        let isBetter: Bool =
            if let best = values[position].bestModified {
                switch rules[position] {
                case .newest, .survivor: (modified ?? .min) > (best ?? .min)
                case .oldest: (modified ?? .max) < (best ?? .max)
                case .longest: bytes.count > values[position].best.count
                case .concat: false
                }
            } else {
                true
            }
        if isBetter {
            values[position].bestModified = .some(modified)
            values[position].best.removeAll(keepingCapacity: true)
            values[position].best.append(contentsOf: bytes)
        }
        if rules[position] == .concat {
            let value = Array(bytes)
            if values[position].seen.insert(value).inserted { values[position].all.append(value) }
        }
    }

    /// Writes the value that the kept record has for a field, with its name; nothing if the group has none.
    ///
    /// - Parameter own: the survivor's own value.
    private mutating func writeMerged(_ position: Int, _ own: UnsafeBufferPointer<UInt8>?) {
        if rules[position] == .survivor, let own, !Self.isBlank(own) { return write(position, own) }
        if rules[position] == .concat, values[position].all.count > 1 {
            let text = joined(position, own)
            return text.withUnsafeBufferPointer { write(position, $0) }
        }
        if values[position].bestModified != nil {
            writer.key(prepared: keys[position])
            writer.raw(values[position].best)
        } else if let own {
            write(position, own)
        }
    }

    private mutating func write(_ position: Int, _ value: UnsafeBufferPointer<UInt8>) {
        writer.key(prepared: keys[position])
        writer.raw(value)
    }

    /// All different values, one a line, the survivor's own first. Anything but strings counts by its text.
    private func joined(_ position: Int, _ own: UnsafeBufferPointer<UInt8>?) -> [UInt8] {
        func isOwn(_ value: [UInt8]) -> Bool { own.map { $0.elementsEqual(value) } ?? false }
        let ordered = values[position].all.filter { isOwn($0) } + values[position].all.filter { !isOwn($0) }
        var text: [UInt8] = [UInt8(ascii: "\"")]
        for (index, value) in ordered.enumerated() {
            if index > 0 { text += Array("\\n".utf8) }
            text += Self.quoted(value).dropFirst().dropLast()
        }
        text.append(UInt8(ascii: "\""))
        return text
    }

    /// A string as it is, anything else as a string of its text.
    private static func quoted(_ value: [UInt8]) -> [UInt8] {
        if value.first == UInt8(ascii: "\"") { return value }
        var writer = JSONWriter()
        value.withUnsafeBufferPointer { writer.string($0) }
        return writer.bytes
    }

    private static func isBlank(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        value.elementsEqual("null".utf8) || value.elementsEqual("\"\"".utf8)
    }
}
