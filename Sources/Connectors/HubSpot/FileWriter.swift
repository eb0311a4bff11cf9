// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes files one by one, reads them back, and takes them away.
///
/// A file of ours lies in a folder that is named after the row's key, so that what became of a write that was cut off is
/// seen by its path, from the database itself and not from an index; the bytes of one that is there are replaced under its
/// id. Where a row says when it was, whose it is or what was noted, a note that carries the file is made with it
/// (`FileCarriers`).
struct FileWriter: Sendable {
    /// How often an upload that was lost is begun again.
    private static let attemptsMax = 6

    let connection: HubSpotConnection
    let keyProperty: String
    let clock: any WallClock

    private var carriers: FileCarriers {
        FileCarriers(connection: connection, keyProperty: keyProperty, clock: clock)
    }

    // MARK: Writing

    func write(_ rows: [Batch.Row]) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        for row in rows {
            try Task.checkCancellation()
            do {
                receipts.append(Receipt(key: row.key, result: try await write(row)))
            } catch let rejection as Rejection {
                receipts.append(Receipt(key: row.key, result: .rejected(rejection)))
            }
        }
        return receipts
    }

    private func write(_ row: Batch.Row) async throws -> Receipt.Result {
        let fields = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        let file = try await upload(row, fields)
        try await carriers.describe(file.id, by: fields)
        return file.isNew ? .created(id: file.id) : .updated(id: file.id)
    }

    private func upload(_ row: Batch.Row, _ fields: JSONValue) async throws -> (id: String, isNew: Bool) {
        guard let content = row.content else {
            guard let id = row.targetID else {
                throw Rejection(.requiredFieldMissing, fields: [HubSpotAttachments.contentField])
            }
            return (id, false)
        }
        guard let text = fields[HubSpotAttachments.fileName]?.text, !text.isEmpty else {
            throw Rejection(.requiredFieldMissing, fields: [HubSpotAttachments.fileName])
        }
        let name = FileUpload.name(text)
        let upload = FileUpload(
            content: content, name: name, access: fields["access"]?.text ?? Self.access,
            folder: FileUpload.folder(of: row.key))
        var attempt = 1
        var wasLost = false
        while true {
            // What is there is looked up before each attempt: the one before may have been carried out.
            let known: String?
            if let id = row.targetID { known = id } else { known = try await id(key: row.key, name: name) }
            do {
                if let known {
                    _ = try await send(.put, connection.paths.file(known), upload.replacing)
                    return (known, isNew: row.targetID == nil && wasLost)
                }
                let answer = try await send(.post, connection.paths.files, upload)
                guard let id = answer["id"]?.text else {
                    throw MigratezError(.brokenResponse, "HubSpot gives no id to a file", remedy: .retry(after: nil))
                }
                return (id, true)
            } catch let error as MigratezError {
                if let refused = error.callRefused, refused.isAboutRows { throw Self.rejection(refused) }
                guard case .retry(let asked) = error.remedy, attempt < Self.attemptsMax else { throw error }
                wasLost = wasLost || (known == nil && error.leavesFateUnknown)
                let milliseconds = 500 << min(attempt - 1, 6)
                try await clock.sleep(for: asked ?? .milliseconds(Int.random(in: milliseconds / 2...milliseconds)))
                attempt += 1
            }
        }
    }

    private func send(_ method: HTTPMethod, _ path: String, _ upload: FileUpload) async throws -> JSONValue {
        let request = try await upload.request(method, connection.client.url(path, []))
        let response = try await connection.client.http.send(request)
        guard response.isSuccess else { throw HubSpotAnswers.error(response, to: request) }
        do {
            return try JSONValue(parsing: response.body)
        } catch {
            throw error.error(.brokenResponse, in: "\(request)", remedy: .retry(after: nil))
        }
    }

    /// The file that a row with this key was written as.
    private func id(key: String, name: String) async throws -> String? {
        let path = FileUpload.folder(of: key) + "/" + name
        do {
            let segments = path.split(separator: "/").map { URLQuery.escaped(String($0)) }
            let address = connection.paths.files + "/stat/" + segments.joined(separator: "/")
            return try await connection.client.value(address, [], class: "files")["file"]?["id"]?.text
        } catch let error as MigratezError where error.callRefused?.status == 404 {
            return nil
        }
    }

    private static func rejection(_ refused: HubSpotCallRefused) -> Rejection {
        var rejection = refused.refusal.rejection
        if refused.status == 413 { rejection.code = .contentTooLarge }
        if rejection.fields.isEmpty { rejection.fields = [HubSpotAttachments.contentField] }
        return rejection
    }

    /// What became of rows whose write was cut off.
    func resolve(_ rows: [Batch.Row]) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        for row in rows where row.targetID == nil {
            let fields = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            guard let name = fields[HubSpotAttachments.fileName]?.text, !name.isEmpty,
                let id = try await id(key: row.key, name: FileUpload.name(name))
            else { continue }
            // The bytes came whole or not at all; what describes them may be missing still.
            try await carriers.describe(id, by: fields)
            receipts.append(Receipt(key: row.key, result: .created(id: id)))
        }
        return receipts
    }

    private static let access = "PRIVATE"

    // MARK: Reading

    func read(_ ids: [String], fields: [String]) async throws -> [ReadBack] {
        let files = try await AttachmentReader(connection: connection).described(ids)
        let needsNotes = fields.contains { FileCarriers.fields.contains($0) }
        let notes = needsNotes ? try await carriers.notes(of: ids) : [:]
        return ids.compactMap { id in
            guard let file = files[id] else { return nil }
            var writer = JSONWriter()
            writer.beginObject()
            for field in fields {
                writer.key(field)
                switch field {
                case HubSpotAttachments.fileName: writer.string(Self.name(of: file))
                case _ where FileCarriers.fields.contains(field):
                    (notes[id]?["properties"]?[field] ?? .null).write(to: &writer)
                default: (file[field] ?? .null).write(to: &writer)
                }
            }
            writer.endObject()
            return ReadBack(id: id, key: file["path"]?.text.flatMap(FileUpload.key(at:)), fields: writer.bytes)
        }
    }

    private static func name(of file: JSONValue) -> String {
        let (name, fileExtension) = (file["name"]?.text ?? "", file["extension"]?.text ?? "")
        return fileExtension.isEmpty ? name : "\(name).\(fileExtension)"
    }

    // MARK: Taking back

    /// Deletes files together with the notes that were made to carry them.
    func delete(_ ids: [String]) async throws -> [Deletion] {
        let there = try await AttachmentReader(connection: connection).described(ids.filter { Int($0) != nil })
        try await carriers.delete(of: ids.filter { there[$0] != nil })
        for id in ids where there[id] != nil {
            _ = try await connection.client.write(
                .delete, connection.paths.file(id), [], class: "files", isRepeatable: true)
        }
        return ids.map { Deletion(id: $0, result: there[$0] == nil ? .absent : .deleted) }
    }
}

extension FileUpload {
    /// The same bytes in the place of others.
    var replacing: FileUpload { FileUpload(content: content, name: name, access: access, folder: nil) }
}
