// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Reads records back: by id, by values, and how many there are. Never through the search index.
struct RecordReader: Sendable {
    let api: SalesforceAPI
    let catalog: SchemaCatalog
    let stampField: String

    /// Records by id, through sObject Collections ("Get Records With sObject Collections"): a body has no limit on the
    /// length of the field list, an address would.
    func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        let metadata = try await catalog.metadata(of: object)
        var wanted = fields
        for name in metadata.hasStamp ? ["Id", stampField] : ["Id"] where !wanted.contains(name) { wanted.append(name) }
        var records: [ReadBack] = []
        var rest = ids[...]
        while !rest.isEmpty {
            let group = rest.prefix(CollectionRequest.recordsMax)
            rest = rest.dropFirst(group.count)
            let answer = try await api.json(
                .post, "/composite/sobjects/\(object)",
                body: [
                    "ids": .array(group.map(JSONValue.string)), "fields": .array(wanted.map(JSONValue.string)),
                ], endpointClass: "retrieve", isIdempotent: true)
            records += answer.elements.compactMap { readBack($0, fields) }
        }
        return records
    }

    /// Notes and files by the id of their document: the latest version, and its body if `Content` is asked for.
    func documents(ids: [String], fields: [String]) async throws -> [ReadBack] {
        let storage = try await catalog.metadata(of: ContentNote.storageObject)
        let plain = fields.filter { $0 != ContentNote.content }
        var columns = ["Id", "ContentDocumentId"] + (storage.hasStamp ? [stampField] : [])
        for field in plain where !columns.contains(field) { columns.append(field) }
        let head =
            "SELECT \(columns.joined(separator: ",")) FROM \(ContentNote.storageObject) "
            + "WHERE IsLatest = true AND ContentDocumentId IN "
        var versions: [(version: String, record: JSONValue)] = []
        for group in SOQL.groups(ids.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try await api.query(head + SOQL.list(group)) { record in
                versions.append((record["Id"]?.text ?? "", record))
            }
        }
        let keys = storage.hasStamp ? try await keys(ofDocuments: versions.map(\.record)) : [:]
        let bodies =
            fields.contains(ContentNote.content)
            ? try await ContentBodies(api: api).bodies(ofVersions: versions.map(\.version)) : [:]
        return versions.compactMap { version, record in
            guard let document = record["ContentDocumentId"]?.text else { return nil }
            var writer = JSONWriter()
            writer.beginObject()
            for field in plain {
                writer.key(field)
                (record[field] ?? .null).write(to: &writer)
            }
            if let body = bodies[version] {
                writer.key(ContentNote.content)
                body.withUnsafeBufferPointer { writer.string($0) }
            }
            writer.endObject()
            let id = SalesforceID.canonical(document)
            return ReadBack(id: id, key: record[stampField]?.text ?? keys[id], fields: writer.bytes)
        }
    }

    /// The keys of documents whose latest version has none: one before it may.
    private func keys(ofDocuments latest: [JSONValue]) async throws -> [String: String] {
        let ids = latest.filter { $0[stampField]?.text == nil }.compactMap { $0["ContentDocumentId"]?.text }
        var keys: [String: String] = [:]
        let head =
            "SELECT ContentDocumentId,\(stampField) FROM \(ContentNote.storageObject) "
            + "WHERE \(stampField) != null AND ContentDocumentId IN "
        for group in SOQL.groups(ids.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try await api.query(head + SOQL.list(group)) { record in
                guard let document = record["ContentDocumentId"]?.text else { return }
                keys[SalesforceID.canonical(document)] = record[stampField]?.text
            }
        }
        return keys
    }

    /// Records without our key whose fields equal one of the tuples. A tuple with an empty value matches nothing: to
    /// the platform an empty text is null, and null would match every record without a value.
    func match(object: String, fields: [String], values: [[String]], returning: [String]) async throws -> [ReadBack] {
        let metadata = try await catalog.metadata(of: object)
        let kinds = try fields.map { name -> FieldSchema.Kind in
            guard let field = metadata.schema.field(name) else {
                throw MigratezError(
                    .requestRefused, "\(object) has no field \(SOQL.isName(name) ? name : "of that name")",
                    remedy: .fixConfiguration)
            }
            return field.kind
        }
        let conditions = values.compactMap { Self.condition(fields, kinds, $0) }
        let isFile = object == SalesforceFile.object
        var columns = isFile ? ["Id", SalesforceFile.document] : ["Id"]
        for name in returning where !columns.contains(name) { columns.append(name) }
        let unstamped =
            (metadata.hasStamp ? "\(stampField) = null AND " : "") + (isFile ? "\(SalesforceFile.filter) AND " : "")
        let head = "SELECT \(columns.joined(separator: ",")) FROM \(object) WHERE \(unstamped)"
        var records: [ReadBack] = []
        let isSingle = fields.count == 1
        let overhead = PercentEncoding.length(head) + 400
        for group in SOQL.groups(conditions, overhead: overhead, joinLength: isSingle ? 3 : 8) {
            let filter = isSingle ? "\(fields[0]) IN \(SOQL.list(group))" : "(\(group.joined(separator: " OR ")))"
            try await api.query(head + filter) { record in
                guard var found = readBack(record, returning) else { return }
                if isFile, let document = record[SalesforceFile.document]?.text {
                    found.id = SalesforceID.canonical(document)
                }
                records.append(found)
            }
        }
        return records
    }

    /// One tuple as a literal (one field) or a conjunction; `nil` if no record can match it.
    private static func condition(_ fields: [String], _ kinds: [FieldSchema.Kind], _ values: [String]) -> String? {
        var parts: [String] = []
        for ((field, kind), value) in zip(zip(fields, kinds), values) {
            guard let literal = SOQL.literal(value, kind) else { return nil }
            parts.append(fields.count == 1 ? literal : "\(field) = \(literal)")
        }
        return fields.count == 1 ? parts.first : "(\(parts.joined(separator: " AND ")))"
    }

    /// The ids of some records, at most `count` of them; for notes and files those of their documents.
    func someIDs(of object: String, count: Int) async throws -> [String] {
        let column = ContentNote.isDocument(object) ? "ContentDocumentId" : "Id"
        let storage = object == ContentNote.object ? ContentNote.storageObject : object
        let filter =
            switch object {
            case ContentNote.object: " WHERE IsLatest = true AND FileType = 'SNOTE'"
            case SalesforceFile.object: " WHERE \(SalesforceFile.filter)"
            default: ""
            }
        var ids: [String] = []
        try await api.query("SELECT \(column) FROM \(storage)\(filter) LIMIT \(count)") { record in
            if let id = record[column]?.text { ids.append(SalesforceID.canonical(id)) }
        }
        return ids
    }

    /// How many records carry a key that begins so; `nil` where the object can hold none.
    func count(object: String, keyPrefix: String) async throws -> Int? {
        let holder = object == ContentNote.object ? ContentNote.storageObject : object
        guard try await catalog.metadata(of: holder).hasStamp else { return nil }
        // Of the versions of a document one has the key.
        return try await api.count(
            "SELECT COUNT() FROM \(holder) WHERE \(stampField) LIKE \(SOQL.pattern(prefix: keyPrefix))")
    }

    /// A record of an answer with the fields that were asked for; `null`, a record that does not exist, gives `nil`.
    private func readBack(_ record: JSONValue, _ fields: [String]) -> ReadBack? {
        guard let id = record["Id"]?.text else { return nil }
        var writer = JSONWriter()
        writer.beginObject()
        for field in fields {
            writer.key(field)
            (record[field] ?? .null).write(to: &writer)
        }
        writer.endObject()
        return ReadBack(id: SalesforceID.canonical(id), key: record[stampField]?.text, fields: writer.bytes)
    }
}

extension SOQL {
    /// A value as a literal of the field's type; `nil` if it is empty or no value of that type.
    static func literal(_ value: String, _ kind: FieldSchema.Kind) -> String? {
        guard !value.isEmpty else { return nil }
        switch kind {
        case .bool: return value == "true" || value == "false" ? value : nil
        case .integer, .decimal: return isNumber(value) ? value : nil
        case .date, .dateTime, .time:
            // Unquoted in SOQL, so nothing but what a time is made of may pass.
            return value.utf8.allSatisfy { "0123456789-:.TZ+".utf8.contains($0) } ? value : nil
        default: return literal(value)
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        var digits = text[...]
        if digits.first == "-" { digits = digits.dropFirst() }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        return (1...2).contains(parts.count)
            && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    }
}
