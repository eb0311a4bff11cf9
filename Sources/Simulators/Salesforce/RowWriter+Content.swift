// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import GRDB

/// Files: every version belongs to a document; the first version makes its document. A document of the type SNOTE is
/// what `ContentNote` shows, under the same id (crm-apis: Salesforce, sections 2 and 7).
extension RowWriter {
    func insertVersion(_ given: Values, _ object: ObjectDefinition) throws -> RecordID {
        var values = given
        let missing = ["PathOnClient", "VersionData"].filter { name in
            object.index(of: name).flatMap { values[$0] }?.isNull ?? true
        }
        guard missing.isEmpty else { throw RowWriter.missing(missing) }
        let file = FileFacts(path: text("PathOnClient", values, object), title: text("Title", values, object))
        let size = size(of: "VersionData", values, object)
        set("Title", file.title.databaseValue, in: &values, object)
        set("FileType", file.type.databaseValue, in: &values, object)
        set("FileExtension", file.fileExtension.databaseValue, in: &values, object)
        set("ContentSize", size.databaseValue, in: &values, object)
        set("IsLatest", true.databaseValue, in: &values, object)
        let document: RecordID
        var isFirst = false
        if let text = text("ContentDocumentId", values, object), let id = RecordID(text) {
            document = id
            try db.execute(sql: "UPDATE ContentVersion SET IsLatest = 0 WHERE ContentDocumentId = ?", arguments: [text])
            let versions = try Int.fetchOne(
                db, sql: "SELECT COUNT(*) FROM ContentVersion WHERE ContentDocumentId = ?", arguments: [text])
            set("VersionNumber", String((versions ?? 0) + 1).databaseValue, in: &values, object)
        } else {
            isFirst = true
            document = try insertDocument(for: values, object)
            set("ContentDocumentId", document.text.databaseValue, in: &values, object)
            set("VersionNumber", "1".databaseValue, in: &values, object)
        }
        let id = try insertRow(values, object)
        try db.cachedStatement(
            sql: """
                UPDATE ContentDocument SET latest = ?, LatestPublishedVersionId = ?, Title = ?, FileType = ?,
                    FileExtension = ?, ContentSize = ?, SystemModstamp = ? WHERE n = ?
                """
        ).execute(arguments: [
            id.ordinal, id.text, file.title, file.type, file.fileExtension, size, context.now, document.ordinal,
        ])
        // Where a document is first published is a matter of its first version.
        if isFirst, let location = text("FirstPublishLocationId", values, object) { try link(document, to: location) }
        return id
    }

    /// A change of a version, which shows in the document if it is its latest.
    func updateVersion(_ ordinal: Int64, _ given: Values, _ object: ObjectDefinition) throws {
        var values = given
        if object.index(of: "VersionData").flatMap({ values[$0] }) != nil {
            set("ContentSize", size(of: "VersionData", values, object).databaseValue, in: &values, object)
        }
        try updateRow(ordinal, values, object.name, object.fields)
        try db.cachedStatement(
            sql: """
                UPDATE ContentDocument SET (Title, ContentSize, LastModifiedDate, SystemModstamp) =
                    (SELECT Title, ContentSize, LastModifiedDate, SystemModstamp FROM ContentVersion WHERE n = ?)
                WHERE latest = ?
                """
        ).execute(arguments: [ordinal, ordinal])
    }

    /// A note written directly: a version of a file that ends in `.snote`; the id is that of the document.
    func insertNote(_ values: Values, _ object: ObjectDefinition) throws -> RecordID {
        guard let version = schema["ContentVersion"] else { throw RowWriter.notAllowed("insert", object) }
        let title = text("Title", values, object) ?? ""
        var fields = Values(repeating: nil, count: version.fields.count)
        let content = object.index(of: "Content").flatMap { values[$0] } ?? .null
        set("Title", title.databaseValue, in: &fields, version)
        set("PathOnClient", (title + ".snote").databaseValue, in: &fields, version)
        set("VersionData", content.isNull ? Data().databaseValue : content, in: &fields, version)
        if let owner = object.index(of: "OwnerId") { set("OwnerId", values[owner] ?? .null, in: &fields, version) }
        setSystemFields(of: &fields, version)
        let id = try insertVersion(fields, version)
        let document = try Int64.fetchOne(
            db, sql: "SELECT n FROM ContentDocument WHERE latest = ?", arguments: [id.ordinal])
        return object.id(document ?? -1)
    }

    /// Simplified: the latest version is changed in place.
    func updateNote(_ ordinal: Int64, _ values: Values, _ object: ObjectDefinition) throws {
        guard let version = schema["ContentVersion"],
            let latest = try Int64.fetchOne(
                db, sql: "SELECT latest FROM ContentDocument WHERE n = ?", arguments: [ordinal])
        else { return }
        var fields = Values(repeating: nil, count: version.fields.count)
        for (from, to) in [
            ("Title", "Title"), ("Content", "VersionData"), ("LastModifiedDate", "LastModifiedDate"),
            ("LastModifiedById", "LastModifiedById"), ("SystemModstamp", "SystemModstamp"),
        ] {
            if let index = object.index(of: from), let value = values[index] { set(to, value, in: &fields, version) }
        }
        try updateVersion(latest, fields, version)
        if let owner = object.index(of: "OwnerId"), let value = values[owner] {
            try db.execute(sql: "UPDATE ContentDocument SET OwnerId = ? WHERE n = ?", arguments: [value, ordinal])
        }
    }

    /// The length of a file of the older kind, which lies in the record itself.
    func setBodyLength(in values: inout Values, _ object: ObjectDefinition) {
        guard object.name == "Attachment", object.index(of: "Body").flatMap({ values[$0] }) != nil else { return }
        set("BodyLength", size(of: "Body", values, object).databaseValue, in: &values, object)
    }

    private func insertDocument(for version: Values, _ object: ObjectDefinition) throws -> RecordID {
        guard let document = schema["ContentDocument"] else { throw RowWriter.notAllowed("insert", object) }
        var values = Values(repeating: nil, count: document.fields.count)
        for name in [
            "OwnerId", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp",
            "Description",
        ] {
            if let index = object.index(of: name), let value = version[index] {
                set(name, value, in: &values, document)
            }
        }
        set("IsDeleted", false.databaseValue, in: &values, document)
        return try insertRow(values, document)
    }

    private func link(_ document: RecordID, to entity: String) throws {
        guard let object = schema["ContentDocumentLink"] else { return }
        var values = Values(repeating: nil, count: object.fields.count)
        for (index, value) in object.defaults { values[index] = value }
        set("ContentDocumentId", document.text.databaseValue, in: &values, object)
        set("LinkedEntityId", entity.databaseValue, in: &values, object)
        setSystemFields(of: &values, object)
        _ = try insertRow(values, object)
    }

    private func size(of name: String, _ values: Values, _ object: ObjectDefinition) -> Int {
        object.index(of: name).flatMap { values[$0] }.flatMap { Data.fromDatabaseValue($0) }?.count ?? 0
    }

    /// What a file's path tells about it.
    private struct FileFacts {
        var title: String
        var type: String
        var fileExtension: String

        init(path: String?, title: String?) {
            let name = path?.split(separator: "/").last.map(String.init) ?? ""
            let point = name.lastIndex(of: ".")
            fileExtension = point.map { String(name[name.index(after: $0)...]) } ?? ""
            self.title = title ?? point.map { String(name[..<$0]) } ?? name
            let types = [
                "": "UNKNOWN", "snote": "SNOTE", "txt": "TEXT", "htm": "HTML", "doc": "WORD", "docx": "WORD_X",
            ]
            let lower = fileExtension.lowercased()
            type = types[lower] ?? fileExtension.uppercased()
        }
    }
}
