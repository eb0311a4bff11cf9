// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Files: their bytes as they come and go.
///
/// A file is uploaded by one form with the ids of the records that it belongs to, and downloaded by its id. Its bytes never
/// change: only its name can. No field of it can hold our key, so what became of a request that was lost is told by name,
/// size and records of the files behind the newest one of before, which is noted with the intent; no two uploads are under
/// way at once (the route says so).
///
/// Source: the OpenAPI description of version 1, `/files`.
struct FileTransfer: Sendable {
    /// The form's part for the bytes, and our field for them.
    static let content = "file"
    static let size = "file_size"
    /// The records that a file can belong to, by the form's names for them.
    private static let parents = ["deal_id", "person_id", "org_id", "activity_id", "product_id"]
    private static let repeatsMax = 5

    let connection: PipedriveConnection
    let lists: RecordLists
    let clock: any WallClock

    // MARK: Reading

    /// - Parameter record: what the list told of the file; `nil` = it is asked for.
    func read(_ id: String, record: JSONValue?, piece: ([UInt8]) async throws -> Void) async throws {
        var record = record
        if record == nil { record = try await lists.records(.file, [id]).first?.json }
        guard let record, Int(id) != nil else { throw Rejection(.contentUnavailable, fields: [Self.content]) }
        // What lies in somebody's Google Drive is no content of Pipedrive's.
        if let place = record["remote_location"]?.text, place.hasPrefix("google") {
            throw Rejection(
                .contentUnavailable, fields: [Self.content], reason: "the file lies in Google Drive, not in Pipedrive")
        }
        let request = HTTPRequest(
            .get, connection.client.baseURL + connection.paths.record(.file, id) + "/download",
            headers: [HTTPHeader("Accept", "*/*")], deadline: .seconds(3_600), responseBytesMax: .GiB(4),
            endpointClass: RequestKind.formerList.rawValue, isIdempotent: true)
        try await ContentDownload(
            connection.client.http, request, expectedBytes: record[Self.size]?.int
        ).run(piece: piece) { response in
            let error = PipedriveAnswers.error(response, to: request)
            guard let refusal = error.callRefused, [400, 403, 404, 410].contains(refusal.status) else { return error }
            return Rejection(
                .contentUnavailable, fields: [Self.content], vendorCode: refusal.code, vendorText: refusal.text)
        }
    }

    // MARK: Writing

    func write(_ rows: [Batch.Row], intent: any WriteIntent) async throws -> [Receipt] {
        let list = try await lists.catalog.fields(of: .file)
        var receipts: [Receipt] = []
        for row in rows {
            try Task.checkCancellation()
            let result: Receipt.Result
            do {
                let body = try RowBody(list: list, keyCode: nil).json(row, existing: nil)
                if let id = row.targetID {
                    result = try await update(id, row, body)
                } else {
                    result = try await create(row, body, intent)
                }
            } catch let rejection as Rejection {
                result = .rejected(rejection)
            }
            receipts.append(Receipt(key: row.key, result: result))
        }
        return receipts
    }

    private func create(
        _ row: Batch.Row, _ body: JSONValue, _ intent: any WriteIntent
    ) async throws -> Receipt.Result {
        guard let content = row.content else { throw Rejection(.requiredFieldMissing, fields: [Self.content]) }
        guard let name = body["name"]?.text, !name.isEmpty else {
            throw Rejection(.requiredFieldMissing, fields: ["name"])
        }
        try await intent.note(String(try await lists.newestID(.file)))
        let upload = FormUpload(
            fields: Self.parents.compactMap { parent in body[parent]?.text.map { .init(parent, Array($0.utf8)) } },
            part: Self.content,
            fileName: name, content: content)
        var repeats = 0
        while true {
            do {
                let data = try await connection.client.upload(connection.paths.list(.file), upload)
                if let id = data["id"]?.text { return .created(id: id) }
                throw MigratezError(
                    .brokenResponse, "Pipedrive's answer to a new file holds no id", remedy: .retry(after: nil))
            } catch let error as MigratezError {
                if let rejection = Self.rejection(error, content) { throw rejection }
                // A body that was streamed is not sent again by the policies below; here it begins anew.
                guard case .retry(let wait) = error.remedy, !error.leavesFateUnknown, repeats < Self.repeatsMax else {
                    throw error
                }
                repeats += 1
                try await clock.sleep(for: wait ?? .seconds(1 << repeats))
            }
        }
    }

    /// Only the name of a file can be changed.
    private func update(_ id: String, _ row: Batch.Row, _ body: JSONValue) async throws -> Receipt.Result {
        if let content = row.content {
            guard let held = try await lists.records(.file, [id]).first else { throw Rejection(.recordDeleted) }
            guard try await isHeld(content, id, held.json) else {
                throw Rejection(
                    .ruleViolated, fields: [Self.content],
                    reason: "Pipedrive does not change the bytes of a file: delete it there, and it is uploaded anew")
            }
        }
        guard let name = body["name"]?.text else { return .updated(id: id) }
        do {
            _ = try await connection.client.writeForm(
                .put, connection.paths.record(.file, id), [("name", name)], .formerWrite)
            return .updated(id: id)
        } catch let error as MigratezError {
            guard let refusal = error.callRefused, refusal.isAboutRow else { throw error }
            throw refusal.rejection { $0 }
        }
    }

    private func isHeld(_ content: RowContent, _ id: String, _ record: JSONValue) async throws -> Bool {
        guard record[Self.size]?.int == content.bytes else { return false }
        var hash = SHA256()
        try await read(id, record: record) { hash.update($0) }
        return hash.finish() == content.sha256
    }

    private static func rejection(_ error: MigratezError, _ content: RowContent) -> Rejection? {
        guard let refusal = error.callRefused, refusal.isAboutRow else { return nil }
        if refusal.status == 413 {
            return Rejection(
                .contentTooLarge, fields: [Self.content], vendorCode: refusal.code, vendorText: refusal.text)
        }
        return refusal.rejection { $0 }
    }

    /// What became of files whose upload was cut off: those behind the newest one of before with the same name, size and
    /// records.
    func resolve(_ rows: [Batch.Row], note: String?) async throws -> [Receipt] {
        // Without a note nothing was sent yet.
        guard let last = note.flatMap({ Int($0) }) else { return [] }
        let list = try await lists.catalog.fields(of: .file)
        var open = try await lists.newer(.file, than: last).map { (id: $0.id, traits: Self.traits($0.json)) }
        return rows.filter { $0.targetID == nil }.compactMap { row in
            guard let content = row.content,
                let body = try? RowBody(list: list, keyCode: nil).json(row, existing: nil)
            else { return nil }
            var traits = Self.traits(body)
            traits[Self.size] = String(content.bytes)
            guard let place = open.firstIndex(where: { $0.traits == traits }) else { return nil }
            return Receipt(key: row.key, result: .created(id: open.remove(at: place).id))
        }
    }

    private static func traits(_ file: JSONValue) -> [String: String] {
        Dictionary(
            (["name", Self.size] + parents).compactMap { name in file[name]?.text.map { (name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }
}
