// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM

/// A record to be read, wherever it comes from.
struct RecordView: Sendable {
    private enum Content: Sendable {
        case synthetic(any SyntheticRecord)
        case stored(StoredRecord)
    }

    let object: ObjectType
    private let content: Content

    init(_ object: ObjectType, _ stored: StoredRecord) {
        self.object = object
        content = .stored(stored)
    }

    /// The synthetic record with this id, archived or not; `nil` if there is none.
    init?(_ crm: SyntheticCRM, _ object: ObjectType, id: Int) {
        guard let synthetic = object.synthetic, let index = crm.index(of: synthetic, id: id) else { return nil }
        self.init(crm, synthetic, index: index)
    }

    init(_ crm: SyntheticCRM, _ object: CRMObject, index: Int) {
        self.object = .standard(object)
        let record: any SyntheticRecord =
            switch object {
            case .contact: crm.contact(at: index)
            case .company: crm.company(at: index)
            case .deal: crm.deal(at: index)
            case .note: crm.note(at: index)
            case .task: crm.task(at: index)
            case .call: crm.call(at: index)
            case .meeting: crm.meeting(at: index)
            case .file: crm.file(at: index)
            case .email: crm.email(at: index)
            case .product: crm.product(at: index)
            case .lineItem: crm.lineItem(at: index)
            case .lead: crm.lead(at: index)
            }
        content = .synthetic(record)
    }

    var id: Int {
        switch content {
        case .synthetic(let record): record.id
        case .stored(let record): record.id
        }
    }

    var archivedAt: Timestamp? {
        switch content {
        case .synthetic(let record): record.isArchived ? record.updatedAt : nil
        case .stored(let record): record.archivedAt
        }
    }

    var isArchived: Bool { archivedAt != nil }

    /// The record as one that can be changed.
    var editable: StoredRecord {
        switch content {
        case .stored(let record): return record
        case .synthetic(let record):
            return StoredRecord(
                id: record.id, values: RecordView.values(of: record), createdAt: record.createdAt,
                updatedAt: record.updatedAt, archivedAt: archivedAt)
        }
    }

    subscript(name: String) -> String? {
        switch content {
        case .synthetic(let record): RecordView.value(named: name, of: record)
        case .stored(let record): record.values[name]
        }
    }

    /// Appends the record as HubSpot shows it.
    func write(_ names: [String], to writer: inout JSONWriter, more: (inout JSONWriter) -> Void = { _ in }) {
        switch content {
        case .synthetic(let record):
            RecordView.write(record, names, to: &writer, more: more)
        case .stored(let record):
            RecordView.write(
                id: record.id, createdAt: record.createdAt, updatedAt: record.updatedAt, archivedAt: record.archivedAt,
                to: &writer, more: more
            ) { writer in
                for name in names {
                    writer.key(name)
                    if let value = record.values[name] { writer.string(value) } else { writer.null() }
                }
            }
        }
    }

    /// The frame of a record around its properties.
    @inline(__always)
    static func write(
        id: Int, createdAt: Timestamp, updatedAt: Timestamp, archivedAt: Timestamp?, to writer: inout JSONWriter,
        more: (inout JSONWriter) -> Void = { _ in }, properties: (inout JSONWriter) -> Void
    ) {
        writer.beginObject()
        writer.key("id")
        writer.string(String(id))
        writer.key("properties")
        writer.beginObject()
        properties(&writer)
        writer.endObject()
        writer.key("createdAt")
        writer.string(DateText.instant(createdAt))
        writer.key("updatedAt")
        writer.string(DateText.instant(updatedAt))
        writer.key("archived")
        writer.bool(archivedAt != nil)
        if let archivedAt {
            writer.key("archivedAt")
            writer.string(DateText.instant(archivedAt))
        }
        more(&writer)
        writer.endObject()
    }

    /// For pages: the fields are looked up once, not once per record.
    @inline(__always)
    static func write<Record: SyntheticRecord>(
        _ record: Record, _ fields: [(name: String, field: Record.Field?)], to writer: inout JSONWriter
    ) {
        let updatedAt = record.updatedAt
        write(
            id: record.id, createdAt: record.createdAt, updatedAt: updatedAt,
            archivedAt: record.isArchived ? updatedAt : nil, to: &writer
        ) { writer in
            for (name, field) in fields {
                writer.key(name)
                if let field, let value = record[field] { writer.string(value) } else { writer.null() }
            }
        }
    }

    private static func write<Record: SyntheticRecord>(
        _ record: Record, _ names: [String], to writer: inout JSONWriter, more: (inout JSONWriter) -> Void
    ) {
        write(
            id: record.id, createdAt: record.createdAt, updatedAt: record.updatedAt,
            archivedAt: record.isArchived ? record.updatedAt : nil, to: &writer, more: more
        ) { writer in
            for name in names {
                writer.key(name)
                if let value = value(named: name, of: record) { writer.string(value) } else { writer.null() }
            }
        }
    }

    private static func value<Record: SyntheticRecord>(named name: String, of record: Record) -> String? {
        Record.Field(rawValue: name).flatMap { record[$0] }
    }

    private static func values<Record: SyntheticRecord>(of record: Record) -> [String: String] {
        var values: [String: String] = [:]
        for field in Record.Field.allCases { values[field.rawValue] = record[field] }
        return values
    }
}
