// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// How records of an object are written.
struct WritePlan: Sendable {
    /// What a record is in a request, made of its fields.
    var record: BodyTemplate
    /// Where fields go that `record` does not name, under their own names; `nil` = they cannot be written.
    var others: [String]?
    /// The field that holds our key, which no two records share.
    var key: String
    /// Creates that field in accounts that lack it.
    var keyCreation: RequestTemplate?
    /// Looks records up by our keys.
    var find: Find
    /// Looks records up by the values of fields, whose names are placeholders.
    var match: Match?
    /// Creates a record, or updates the one that has our key.
    var upsert: Call?
    /// Creates a record.
    var create: Call?
    /// Updates a record by its id.
    var update: Call
    var delete: RequestTemplate?

    struct Find: Sendable {
        var request: RequestTemplate
        /// So many keys fit into one request.
        var keysMax: Int
        var list: [String]
        var record: [String]
    }

    struct Match: Sendable {
        var list: ListPlan
        /// The fields by which records can be found.
        var fields: Set<String>
    }

    /// A request that writes one row or several.
    struct Call: Sendable {
        var request: RequestTemplate
        /// Where the answer to one row holds the record's id.
        var id: RecordPath?
        var batch: RowBatchPlan?
    }

    /// The fields that a record can be made of.
    var namedFields: Set<String> { Set(record.placeholders) }

    /// Whether a request carries several rows.
    var hasBatches: Bool { [upsert, create, update].contains { $0?.batch != nil } }
}

/// A request that carries several rows, and what its answer says of each.
struct RowBatchPlan: Sendable {
    var rowsMax: Int
    /// What a row is in the request.
    var row: BodyTemplate
    /// What became of the rows.
    var results: RecordPath
    /// Rows that were refused, if they are not among the results.
    var failures: RecordPath?
    /// Where an element says which row it is about: by our key, or by its number from 0.
    var mark: Mark
    /// Where a result holds the record's id; one that has none is a refusal.
    var id: RecordPath
    var code: RecordPath?
    var text: RecordPath?
    var field: RecordPath?

    enum Mark: Sendable {
        case key(RecordPath)
        case number(RecordPath)
    }
}

extension BodyTemplate {
    /// A record itself: of one of which nothing is said, or all is cleared, that is said of each part.
    func wholeRecord(_ values: PlaceholderValues) -> JSONValue {
        guard case .object(let members) = self else { return record(values) ?? .null }
        return .object(members.compactMap { member in member.value.record(values).map { .init(member.key, $0) } })
    }

    /// A record made of the fields that a row has. What is made of fields that are not given is left out, and what is made
    /// of cleared ones only is cleared, however much of it is said by the template itself: a reference to nothing has no
    /// object either. Lists lose the elements that are cleared.
    func record(_ values: PlaceholderValues) -> JSONValue? {
        switch self {
        case .literal: return filled(values)
        case .text(let template):
            guard template.onlyPlaceholder == nil else { return filled(values) }
            let found = template.placeholders.map { values[$0] }
            guard !found.contains(nil) else { return nil }
            return found.contains(.null) ? .null : filled(values)
        case .object(let members):
            guard let fate = Self.fate(of: members.map(\.value), values) else { return nil }
            guard fate else { return .null }
            return .object(
                members.compactMap { member in member.value.record(values).map { .init(member.key, $0) } })
        case .array(let elements):
            guard Self.fate(of: elements, values) != nil else { return nil }
            return .array(elements.compactMap { $0.record(values) }.filter { $0 != .null })
        }
    }

    /// `nil` = no value is given for anything in it, `false` = all that is given is cleared.
    private static func fate(of parts: [BodyTemplate], _ values: PlaceholderValues) -> Bool? {
        let made = parts.filter { !$0.placeholders.isEmpty }
        guard !made.isEmpty else { return true }
        let found = made.compactMap { $0.record(values) }
        return found.isEmpty ? nil : found.contains { $0 != .null && $0 != [] }
    }
}
