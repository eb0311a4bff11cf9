// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import GRDB
import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM

/// A file of the account, as the files interface shows it: the name apart from its extension, and a path of both.
struct FileView: Sendable {
    var id: Int
    /// Without the extension.
    var name: String
    var fileExtension: String
    /// `/crm-attachments`
    var folder: String
    var folderID: Int
    var access: String
    var size: Int
    var createdAt: Timestamp
    var updatedAt: Timestamp

    /// What people attached to records lies in a folder that the file manager does not show.
    static let attachments = (id: 70, path: "/crm-attachments")

    init(_ file: CRMFile) {
        id = file.id
        (name, fileExtension) = FileView.split(file.name)
        (folder, folderID) = (FileView.attachments.path, FileView.attachments.id)
        access = "HIDDEN_PRIVATE"
        size = file.size
        (createdAt, updatedAt) = (file.createdAt, file.updatedAt)
    }

    init(_ row: Row) {
        id = row["id"]
        name = row["name"]
        fileExtension = row["extension"]
        folder = row["path"]
        folderID = row["folder"]
        access = row["access"]
        size = row["size"]
        createdAt = Timestamp(milliseconds: row["created"])
        updatedAt = Timestamp(milliseconds: row["updated"])
    }

    /// `a.b.pdf` → `a.b` and `pdf`.
    static func split(_ name: String) -> (name: String, fileExtension: String) {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return (name, "") }
        return (String(name[..<dot]), String(name[name.index(after: dot)...]))
    }

    var path: String { folder + "/" + name + (fileExtension.isEmpty ? "" : "." + fileExtension) }

    /// IMG, DOCUMENT, OTHER.
    var type: String {
        switch fileExtension.lowercased() {
        case "png", "jpg", "jpeg", "gif": "IMG"
        case "pdf", "docx", "xlsx", "txt", "csv": "DOCUMENT"
        default: "OTHER"
        }
    }

    var json: JSONValue {
        [
            "id": .string(String(id)), "createdAt": .string(DateText.instant(createdAt)),
            "updatedAt": .string(DateText.instant(updatedAt)), "archived": false,
            "parentFolderId": .string(String(folderID)), "name": .string(name), "path": .string(path),
            "size": .number(String(size)), "type": .string(type), "extension": .string(fileExtension),
            "defaultHostingUrl": .string("https://1000001.fs1.example/hubfs/1000001\(path)"),
            "url": .string("https://1000001.fs1.example/hubfs/1000001\(path)"), "isUsableInContent": false,
            "access": .string(access),
        ]
    }
}

extension OverlaySession {
    /// The file with this id; an archived one is not there.
    func file(id: Int) throws -> FileView? {
        let row = try Row.fetchOne(
            database,
            sql: """
                SELECT f.id, f.name, f.extension, f.folder, f.access, length(f.content) AS size, f.created, f.updated,
                    f.isDeleted, d.path FROM file f LEFT JOIN folder d ON d.id = f.folder WHERE f.id = ?
                """, arguments: [id])
        if let row { return (row["isDeleted"] as Bool) ? nil : FileView(row) }
        guard let index = crm.index(of: CRMObject.file, id: id), !crm.isArchived(.file, at: index) else { return nil }
        return FileView(crm.file(at: index))
    }

    /// The uploaded file at this path.
    func fileID(at path: String) throws -> Int? {
        guard let slash = path.lastIndex(of: "/") else { return nil }
        let (name, fileExtension) = FileView.split(String(path[path.index(after: slash)...]))
        return try Int.fetchOne(
            database,
            sql: """
                SELECT f.id FROM file f JOIN folder d ON d.id = f.folder
                WHERE d.path = ? AND f.name = ? AND f.extension = ? AND NOT f.isDeleted
                """, arguments: [String(path[..<slash]), name, fileExtension])
    }

    func folderID(at path: String) throws -> Int {
        try database.execute(sql: "INSERT OR IGNORE INTO folder (path) VALUES (?)", arguments: [path])
        return try Int.fetchOne(database, sql: "SELECT id FROM folder WHERE path = ?", arguments: [path]) ?? 0
    }

    /// Puts a file in the place of whatever had its id; `id` = `nil` takes the next one.
    func saveFile(
        id: Int?, name: String, folder: Int, access: String, content: [UInt8], created: Timestamp, updated: Timestamp
    ) throws -> Int {
        let last = try Int.fetchOne(database, sql: "SELECT max(id) FROM file") ?? 0
        let id = id ?? max(last + 1, crm.firstFreeID(of: CRMObject.file))
        let (stem, fileExtension) = FileView.split(name)
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO file (id, name, extension, folder, access, created, updated, isDeleted, content)
                VALUES (?,?,?,?,?,?,?,0,?)
                """,
            arguments: [
                id, stem, fileExtension, folder, access, created.milliseconds, updated.milliseconds,
                Data(content),
            ])
        return id
    }

    func deleteFile(id: Int) throws {
        try database.execute(
            sql: """
                INSERT INTO file (id, name, extension, folder, access, created, updated, isDeleted, content)
                VALUES (?,'','',0,'',0,0,1,x'') ON CONFLICT (id) DO UPDATE SET isDeleted = 1, content = x''
                """, arguments: [id])
    }

    /// The bytes of an uploaded file from `start` on, at most `count`.
    func fileBytes(id: Int, from start: Int, count: Int) throws -> [UInt8]? {
        try Row.fetchOne(
            database, sql: "SELECT substr(content, ?, ?) AS part FROM file WHERE id = ?",
            arguments: [start + 1, count, id]
        ).map { row in try row.withUnsafeData(named: "part") { $0.map { [UInt8]($0) } ?? [] } }
    }

    /// Puts the files that hang on contacts, companies and deals where HubSpot has them: on notes that are linked with
    /// these. Those that hang on notes are named by the notes themselves.
    func attachFiles() throws {
        for index in 0..<crm.counts.files {
            let file = crm.file(at: index)
            let parents = file.parents.filter { $0.object != .note }
            guard !parents.isEmpty else { continue }
            var note = StoredRecord(
                id: try nextID(.note), values: [:], createdAt: file.createdAt, updatedAt: file.updatedAt)
            note.values = [
                "hs_attachment_ids": String(file.id), "hs_timestamp": DateText.instant(file.createdAt),
                "hs_createdate": DateText.instant(file.createdAt),
                "hs_lastmodifieddate": DateText.instant(file.updatedAt), "hs_object_id": String(note.id),
            ]
            note.values["hubspot_owner_id"] = file[.owner]
            try save(.note, note, unique: [])
            for parent in parents { try attach(.note, note.id, .standard(parent.object), parent.id) }
        }
    }
}
