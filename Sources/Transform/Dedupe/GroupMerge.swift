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
    private let keep: DuplicateRule.Survivor
    private let rules: [DuplicateRule.Merge]

    private var survivor: Candidate?
    private var values: [FieldValue]
    private var members: [(ordinal: UInt64, sourceID: String)] = []
    private var lastModified: Int64?
    private var formerIDs: [String] = []

    /// - Parameters:
    ///   - fields: the source fields that the mapping reads; others are not carried over.
    ///   - rules: the object's rules; the first one's `keep` decides, and a field takes the first `merge` that names it.
    init(layout: RecordLayout, fields: [String], rules: [DuplicateRule]) {
        self.layout = layout
        self.fields = fields
        keep = rules.first?.keep ?? .first
        self.rules = fields.map { field in rules.lazy.compactMap { $0.merge[field] }.first ?? .survivor }
        values = Array(repeating: FieldValue(), count: fields.count)
    }

    private struct Candidate {
        var ordinal: UInt64
        var sourceID: String
        var filledFields: Int
        var modified: Int64?
        var values: [[UInt8]?]
    }

    /// What the group offers for one field.
    private struct FieldValue {
        var best: [UInt8]?
        var bestModified: Int64?
        var all: [[UInt8]] = []
        var seen: Set<[UInt8]> = []
    }

    /// Forgets the group before.
    mutating func begin() {
        survivor = nil
        members.removeAll(keepingCapacity: true)
        lastModified = nil
        formerIDs.removeAll()
        for index in values.indices { values[index] = FieldValue() }
    }

    /// Takes the next record of the group; records come in the order of their ordinals.
    mutating func add(
        ordinal: UInt64, sourceID: String, record: UnsafeBufferPointer<UInt8>, index: borrowing RecordIndex
    ) {
        members.append((ordinal, sourceID))
        let modified = layout.modified(index, in: record)?.milliseconds
        if let modified { lastModified = max(modified, lastModified ?? .min) }
        formerIDs += layout.formerIDs(index, in: record)
        var own: [[UInt8]?] = []
        own.reserveCapacity(fields.count)
        var filledFields = 0
        for (position, field) in fields.enumerated() {
            guard let slice = index.slice(field) else {
                own.append(nil)
                continue
            }
            let bytes = Array(record[slice.range])
            own.append(bytes)
            guard !slice.isBlank else { continue }
            filledFields += 1
            offer(bytes, of: position, modified: modified)
        }
        let candidate = Candidate(
            ordinal: ordinal, sourceID: sourceID, filledFields: filledFields, modified: modified, values: own)
        if let current = survivor, !wins(candidate, over: current) { return }
        survivor = candidate
    }

    /// The record that is kept, or `nil` for an empty group.
    func result() -> Result? {
        guard let survivor else { return nil }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key(layout.id)
        writer.string(survivor.sourceID)
        if let nested = layout.fields {
            writer.key(nested)
            writer.beginObject()
        }
        for (position, field) in fields.enumerated() where field != layout.id || layout.fields != nil {
            guard let value = merged(position, survivor.values[position]) else { continue }
            writer.key(field)
            writer.raw(value)
        }
        if layout.fields != nil { writer.endObject() }
        writer.endObject()
        return Result(
            ordinal: survivor.ordinal, sourceID: survivor.sourceID, record: writer.bytes,
            merged: members.filter { $0.ordinal != survivor.ordinal }, modified: lastModified, formerIDs: formerIDs)
    }

    private func wins(_ candidate: Candidate, over current: Candidate) -> Bool {
        switch keep {
        case .first: false
        case .mostComplete:
            candidate.filledFields != current.filledFields
                ? candidate.filledFields > current.filledFields
                : (candidate.modified ?? .min) > (current.modified ?? .min)
        case .mostRecent: (candidate.modified ?? .min) > (current.modified ?? .min)
        case .oldest: (candidate.modified ?? .max) < (current.modified ?? .max)
        }
    }

    private mutating func offer(_ bytes: [UInt8], of position: Int, modified: Int64?) {
        let better: Bool =
            switch rules[position] {
            case .newest, .survivor: (modified ?? .min) > (values[position].bestModified ?? .min)
            case .oldest: (modified ?? .max) < (values[position].bestModified ?? .max)
            case .longest: bytes.count > values[position].best?.count ?? 0
            case .concat: false
            }
        if better || values[position].best == nil {
            values[position].best = bytes
            values[position].bestModified = modified
        }
        if rules[position] == .concat, values[position].seen.insert(bytes).inserted {
            values[position].all.append(bytes)
        }
    }

    /// The value that the kept record has for a field.
    private func merged(_ position: Int, _ own: [UInt8]?) -> [UInt8]? {
        switch rules[position] {
        case .survivor: own.map { !Self.isBlank($0) } ?? false ? own : values[position].best ?? own
        case .newest, .oldest, .longest: values[position].best ?? own
        case .concat: joined(position, own)
        }
    }

    /// All different values, one a line, the survivor's own first. Anything but strings counts by its text.
    private func joined(_ position: Int, _ own: [UInt8]?) -> [UInt8]? {
        guard values[position].all.count > 1 else { return values[position].best ?? own }
        let ordered = values[position].all.filter { $0 == own } + values[position].all.filter { $0 != own }
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

    private static func isBlank(_ value: [UInt8]) -> Bool { value == blanks.null || value == blanks.text }
    private static let blanks = (null: Array("null".utf8), text: Array("\"\"".utf8))
}
