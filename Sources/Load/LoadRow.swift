// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezJSON
import MigratezModel
import MigratezStaging

/// A ready line on its way to the destination.
///
/// Rows go from step to step in arrays. So a row is one reference, and what it holds is copied when it is changed while
/// somebody else has it, too: as plain values, whose copies retain a dozen buffers each, rows were a quarter of what a
/// load cost.
struct LoadRow: Sendable {
    private struct Content: Sendable {
        var line: Int
        var record: ReadyLine
        var row: Batch.Row
        var isSurelyNew = false
        var holder: Int?
        var links: [CarriedLink] = []
        var isPresent = false
        var before: BeforeImage?
        var staged: StagedContent?
    }

    // Sound: the content is changed only through a row that is its one owner.
    private final class Storage: @unchecked Sendable {
        var content: Content

        init(_ content: Content) { self.content = content }
    }

    private var storage: Storage

    /// A row that has its record's fields, and no references yet; its key, unless those decide it.
    init(line: Int, record: ReadyLine, key: String = "") {
        storage = Storage(Content(line: line, record: record, row: Batch.Row(key: key, fields: record.fields)))
    }

    private var content: Content {
        _read { yield storage.content }
        _modify {
            if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.content) }
            yield &storage.content
        }
    }

    /// Its number in the chunk, from 0.
    var line: Int { content.line }
    // Lent, as a copy would retain all that the line holds.
    var record: ReadyLine { _read { yield content.record } }
    var row: Batch.Row {
        _read { yield content.row }
        _modify { yield &content.row }
    }
    /// Whether nothing can have been there before: the record that the link belongs to, or one of its ends, is of this
    /// run.
    var isSurelyNew: Bool {
        get { content.isSurelyNew }
        set { content.isSurelyNew = newValue }
    }
    /// For a link that becomes a field of a record: that record's ordinal.
    var holder: Int? {
        get { content.holder }
        set { content.holder = newValue }
    }
    /// The links that the row carries in its fields.
    var links: [CarriedLink] {
        _read { yield content.links }
        _modify { yield &content.links }
    }
    /// Whether the record is there and has no key of ours: writing it again is refused, and counts as an update.
    var isPresent: Bool {
        get { content.isPresent }
        set { content.isPresent = newValue }
    }
    /// What the destination's record holds now, if there is one that the row will change.
    var before: BeforeImage? {
        _read { yield content.before }
        _modify { yield &content.before }
    }

    /// What is staged of the record's content, if its stream has any.
    var staged: StagedContent? {
        get { content.staged }
        set { content.staged = newValue }
    }

    /// About the length of its line in the chunk.
    var bytes: Int { record.fields.count + 64 + record.references.count * 96 }

    /// The fields that writing the row changes.
    var fieldNames: [String] {
        row.fields.withUnsafeBufferPointer { JSONValue(validated: $0).members.map(\.key) }
            + row.references.map(\.field)
    }

    /// What becomes of the links that the row carries when it is written.
    func linkOutcomes(isUpdate: Bool) -> [(stream: StreamName, outcome: RecordOutcome)] {
        links.map { link in
            switch link.fate {
            case .made: (link.stream, RecordOutcome(ordinal: link.edge, outcome: made(link, isUpdate: isUpdate)))
            case .kept: (link.stream, RecordOutcome(ordinal: link.edge, outcome: .skipped))
            case .lost(let isRejected): (link.stream, link.lost(isRejected: isRejected))
            }
        }
    }

    /// What becomes of the links that the row carries when it is not written.
    func linkOutcomes(unwritten outcome: Outcome, _ code: ErrorCode?) -> [(stream: StreamName, outcome: RecordOutcome)]
    {
        links.map { link in
            if case .lost(let isRejected) = link.fate { return (link.stream, link.lost(isRejected: isRejected)) }
            return (link.stream, RecordOutcome(ordinal: link.edge, outcome: outcome, code: code))
        }
    }

    /// A link that replaces another one, or that was there, is updated; one in an empty field is created.
    private func made(_ link: CarriedLink, isUpdate: Bool) -> Outcome {
        guard isUpdate else { return .created }
        guard let before else { return .updated }
        return before.isBlank(link.field) ? .created : .updated
    }
}

/// A link that becomes a field of the row that carries it.
struct CarriedLink: Sendable {
    enum Fate: Sendable {
        /// The row sets the field.
        case made
        /// The field has a value already that is to stay.
        case kept
        /// The other end was not loaded.
        case lost(isRejected: Bool)
    }

    var stream: StreamName
    var edge: Int
    var field: String
    var fate: Fate

    /// The outcome of a link whose other end was not loaded.
    func lost(isRejected: Bool) -> RecordOutcome {
        RecordOutcome(ordinal: edge, outcome: isRejected ? .rejected : .skipped, code: .parentNotLoaded)
    }
}

/// A record of the destination as it is before a row changes it.
struct BeforeImage: Sendable {
    var id: String
    var origin: ImageOrigin
    /// Its values, a JSON object as the destination gave it: at least of the fields that the row names.
    var fields: [UInt8]

    /// The values as a tree, for a moment: a batch holds many images.
    var values: JSONValue { fields.withUnsafeBufferPointer { JSONValue(validated: $0) } }

    /// Whether the record has no value in this field.
    func isBlank(_ field: String) -> Bool { Self.isBlank(values[field]) }

    static func isBlank(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null?: true
        case .string(let text)?: text.isEmpty
        case .some: false
        }
    }

    /// The line of the before chunk for a row that changes these fields.
    func line(ordinal: Int, fields names: [String]) -> BeforeLine {
        let values = values
        let members = names.map { JSONValue.Member($0, values[$0] ?? .null) }
        return BeforeLine(ordinal: ordinal, targetID: id, fields: JSONValue.object(members).serialized())
    }
}
