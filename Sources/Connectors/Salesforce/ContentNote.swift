// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel

/// Notes: written as the first version of a document, known by the document.
///
/// `ContentNote` itself can hold no field of ours. A `ContentVersion` whose path ends in `.snote` is the same note, and
/// can: so the note is inserted as that, stamped there, and its receipt carries the id of the `ContentDocument`, which
/// is the id of the `ContentNote` and the one that links need.
///
/// Source: Object Reference, "ContentNote" (only Title and Content can be updated; Content is base64 of escaped HTML)
/// and "ContentVersion".
enum ContentNote {
    /// The name that a pipeline uses.
    static let object = "ContentNote"
    /// The object that holds the note and our key.
    static let storageObject = "ContentVersion"
    /// The member with the text of the note.
    static let content = "Content"
    /// The member with the id of the version that holds the text.
    static let latestVersion = "LatestPublishedVersionId"
    /// The member of `ContentVersion` that takes its place there.
    private static let versionContent = "VersionData"
    /// The member of `ContentVersion` that is made of the title.
    private static let versionPath = "PathOnClient"

    /// Whether records of the object are known by the id of a document: notes and files.
    static func isDocument(_ object: String) -> Bool { object == Self.object || object == storageObject }

    /// The note as a version of a document; fields other than Title and Content are passed on as they are.
    static func version(_ row: Batch.Row) -> Batch.Row {
        var writer = JSONWriter(capacity: row.fields.count * 2)
        writer.beginObject()
        var title: String?
        row.fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                let name = cursor.name(of: field)
                if name == content {
                    writer.key(versionContent)
                    writer.string(encoded(field.value, of: fields))
                } else {
                    if name == "Title" { title = JSONText.string(field.value, of: fields) }
                    writer.key(name)
                    writer.raw(UnsafeBufferPointer(rebasing: fields[field.value.range]))
                }
            }
        }
        writer.key(versionPath)
        writer.string(path(title: title))
        writer.endObject()
        return Batch.Row(key: row.key, fields: writer.bytes, references: row.references, targetID: nil)
    }

    /// What can be changed of a note that is there: Title and Content.
    static func update(_ row: Batch.Row, documentID: String) -> Batch.Row {
        var writer = JSONWriter(capacity: row.fields.count * 2)
        writer.beginObject()
        row.fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                switch cursor.name(of: field) {
                case content:
                    writer.key(content)
                    writer.string(encoded(field.value, of: fields))
                case "Title":
                    writer.key("Title")
                    writer.raw(UnsafeBufferPointer(rebasing: fields[field.value.range]))
                default: break
                }
            }
        }
        writer.endObject()
        return Batch.Row(key: row.key, fields: writer.bytes, targetID: documentID)
    }

    /// The file name that makes a version a note. Slashes would read as folders; the platform allows 500 characters.
    static func path(title: String?) -> String {
        let name = String((title ?? "").prefix(255)).map { "/\\\0".contains($0) ? "_" : $0 }
        return (name.isEmpty ? "Untitled Note" : String(name)) + ".snote"
    }

    /// What was refused of the version, in the words that the pipeline uses for the note.
    static func rejection(_ refusals: [SalesforceRefusal]) -> Rejection {
        var rejection = SalesforceRefusal.rejection(refusals)
        let names = [versionContent: content, versionPath: "Title"]
        rejection.fields = rejection.fields.map { names[$0] ?? $0 }
        return rejection
    }

    /// A null content is an empty note.
    private static func encoded(_ value: JSONSlice, of fields: UnsafeBufferPointer<UInt8>) -> String {
        guard value.kind != .null else { return "" }
        var text: [UInt8] = []
        JSONText.append(value, of: fields, to: &text)
        return Base64.standard.encode(text)
    }

    /// The schema that a pipeline sees: the note's own, its content a text rather than base64.
    static func schema(note: ObjectSchema, storage: ObjectMetadata, stampField: String) -> ObjectSchema {
        var schema = note
        schema.fields = schema.fields.map { field in
            var field = field
            if field.name == content { field.kind = .longText }
            return field
        }
        if let stamp = storage.schema.field(stampField) { schema.fields.append(stamp) }
        schema.holdsKey = storage.schema.holdsKey
        return schema
    }
}

/// Writes notes.
struct NoteWriter: Sendable {
    let collections: CollectionWriter

    /// Writes the rows; each receipt carries the id of the document.
    func write(_ rows: [Batch.Row]) async throws -> [Receipt] {
        let storage = try await collections.catalog.metadata(of: ContentNote.storageObject)
        var receipts: [Receipt] = []
        var updates = rows.compactMap { row in row.targetID.map { ContentNote.update(row, documentID: $0) } }
        let inserts = rows.filter { $0.targetID == nil }
        let rowsByKey = Dictionary(inserts.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })

        let request = collections.request(ContentNote.storageObject, .insert, storage)
        var created: [(key: String, version: String)] = []
        var present: [String] = []
        for (row, answer) in zip(inserts, try await collections.send(inserts.map(ContentNote.version), request)) {
            switch answer {
            case .created(let id), .updated(let id): created.append((row.key, id))
            case .refused(let refusals) where collections.isOurDuplicate(refusals): present.append(row.key)
            case .refused(let refusals):
                receipts.append(Receipt(key: row.key, result: .rejected(ContentNote.rejection(refusals))))
            }
        }
        let documents = try await documents(ofVersions: created.map(\.version))
        for (key, version) in created {
            guard let document = documents[version] else {
                throw MigratezError(
                    .brokenResponse, "a note was created and cannot be read back", remedy: .retry(after: nil))
            }
            receipts.append(Receipt(key: key, result: .created(id: document)))
        }
        let lookup = RecordLookup(api: collections.api, stampField: collections.settings.stampField)
        let found = try await lookup.stamped(present, object: ContentNote.storageObject)
        for key in present {
            guard let row = rowsByKey[key], let document = found[key]?.documentID else {
                receipts.append(
                    Receipt(key: key, result: .rejected(Rejection(.duplicate, vendorCode: "DUPLICATE_VALUE"))))
                continue
            }
            updates.append(ContentNote.update(row, documentID: document))
        }
        let update = CollectionRequest(object: ContentNote.object, operation: .update)
        return try await receipts + collections.receipts(updates, update)
    }

    /// What became of notes, or of files, whose write was cut off.
    func resolve(_ rows: [Batch.Row]) async throws -> [Receipt] {
        let lookup = RecordLookup(api: collections.api, stampField: collections.settings.stampField)
        let keys = rows.filter { $0.targetID == nil }.map(\.key)
        return try await lookup.stamped(keys, object: ContentNote.storageObject).compactMap { key, record in
            record.documentID.map { Receipt(key: key, result: .created(id: $0)) }
        }
    }

    /// Document ids by version id.
    private func documents(ofVersions ids: [String]) async throws -> [String: String] {
        var documents: [String: String] = [:]
        let head = "SELECT Id,ContentDocumentId FROM \(ContentNote.storageObject) WHERE Id IN "
        for group in SOQL.groups(ids.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try await collections.api.query(head + SOQL.list(group)) { record in
                guard let id = record["Id"]?.text, let document = record["ContentDocumentId"]?.text else { return }
                documents[SalesforceID.canonical(id)] = SalesforceID.canonical(document)
            }
        }
        return documents
    }
}

/// Links between documents and the records that show them.
enum ContentDocumentLink {
    static let object = "ContentDocumentLink"

    /// The row with the share type that the platform demands: viewer, unless the pipeline says otherwise
    /// (Object Reference, "ContentDocumentLink").
    static func withShareType(_ row: Batch.Row) -> Batch.Row {
        row.sets(anyOf: [Array("ShareType".utf8)]) ? row : row.adding("ShareType", "V")
    }
}
