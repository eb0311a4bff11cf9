// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes a file as a note with a document or as an attachment of an e-mail: a short one in one request, others in blocks,
/// which become a record by the last one alone.
///
/// The id of the record is made of our key (`RecordLookup`), so that a file that is written again meets the same one. A call
/// that was lost is settled by looking whether the record is there: it is never there without its document.
///
/// Blocks only create attachments. One that is there and too long for one request is left as it is if it has these bytes,
/// and refused if it has others. An e-mail that takes no attachment because it is closed is opened for it and closed again.
///
/// Source: Microsoft Learn, "Use file data with Attachment and Note records" (`InitializeAnnotationBlocksUpload`,
/// `UploadBlock`, `CommitAnnotationBlocksUpload`, and the same for attachments; ids of blocks are base 64 of one length).
struct DocumentWriter: Sendable {
    private static let repeatsMax = 5
    private static let blockedCode = "0x80043e09"

    let api: DynamicsAPI
    let form: DocumentForm
    let catalog: MetadataCatalog
    let table: TableMetadata
    let lookup: RecordLookup
    let batches: BatchSender
    let body: RowBody
    /// The longest document that the environment takes; `nil` = it did not say.
    let bytesMax: ByteCount?

    func write(_ row: Batch.Row, intent: any WriteIntent) async throws -> Receipt {
        do {
            let prepared = try body.prepare(row)
            do {
                return Receipt(key: row.key, result: try await put(prepared))
            } catch let error as MigratezError {
                guard let refused = error.refused, refused.isAboutRows else { throw error }
                guard let (closed, owner) = try await closedOwner(of: row) else { throw rejection(refused, row) }
                return try await write(prepared, opening: closed, owner, intent)
            }
        } catch let rejection as Rejection {
            return Receipt(key: row.key, result: .rejected(rejection))
        }
    }

    // MARK: Closed e-mails

    /// The closed e-mail that the attachment hangs on, with its table; `nil` if it hangs on none, or on an open one.
    private func closedOwner(of row: Batch.Row) async throws -> (ClosedRecords, TableMetadata)? {
        guard form == .attachment, let owner = row.references.first(where: { $0.field == Self.ownerColumn }),
            let id = RecordID(owner.targetID)?.text
        else { return nil }
        let table = try await catalog.table(owner.object)
        let found = try await RecordLookup(api: api, table: table, keyColumn: lookup.keyColumn).records(ids: [id])
        guard let state = found[id]?.state, state != 0 else { return nil }
        return (ClosedRecords(states: [id: RecordState(state: state, reason: found[id]?.reason)]), table)
    }

    private func write(
        _ row: RowBody.Prepared, opening closed: ClosedRecords, _ owner: TableMetadata, _ intent: any WriteIntent
    ) async throws -> Receipt {
        try await intent.note(closed.note)
        try await closed.open(owner, batches)
        let result: Receipt.Result
        do {
            result = try await put(row)
        } catch {
            try await closed.closeAgain(owner, batches, purpose: Self.purpose)
            guard let refused = (error as? MigratezError)?.refused, refused.isAboutRows else { throw error }
            throw rejection(refused, row.row)
        }
        if let refused = try await closed.close(owner, batches).values.first { throw refused }
        return Receipt(key: row.row.key, result: result)
    }

    /// Closes the e-mail that a write which was cut off had opened.
    ///
    /// - Parameter note: what it noted; `nil` = nothing was opened.
    func complete(_ note: String?, _ rows: [Batch.Row]) async throws {
        guard let closed = note.flatMap(ClosedRecords.init(note:)),
            let object = rows.lazy.flatMap(\.references).first(where: { $0.field == Self.ownerColumn })?.object
        else { return }
        let owner = try await catalog.table(object)
        let now = try await RecordLookup(api: api, table: owner, keyColumn: lookup.keyColumn)
            .records(ids: closed.states.keys.sorted())
        try await ClosedRecords(states: closed.states.filter { now[$0.key]?.state == 0 })
            .closeAgain(owner, batches, purpose: Self.purpose)
    }

    private static let ownerColumn = "objectid"
    private static let purpose = "attachments"

    // MARK: One file

    private func put(_ row: RowBody.Prepared) async throws -> Receipt.Result {
        guard let content = row.row.content else {
            throw MigratezError(.internalError, "a row of files came without its bytes")
        }
        let id = row.row.targetID ?? lookup.id(ofKey: row.row.key)
        let isThere = try await lookup.records(ids: [id])[id] != nil
        if row.row.targetID != nil, !isThere { throw Rejection(.recordDeleted) }
        var attempt = 1
        while true {
            do {
                try await send(row, content, to: id, isThere: isThere)
                return isThere ? .updated(id: id) : .created(id: id)
            } catch let error as MigratezError where error.leavesFateUnknown && attempt < Self.repeatsMax {
                try await batches.pause(attempt)
                attempt += 1
                if !isThere, try await lookup.records(ids: [id])[id] != nil { return .created(id: id) }
            }
        }
    }

    // MARK: Requests

    private func send(
        _ row: RowBody.Prepared, _ content: RowContent, to id: String, isThere: Bool
    ) async throws {
        var members = try self.members(row, isThere: isThere)
        guard content.bytes <= DocumentReader.blockBytes else {
            guard isThere, !form.replacesByBlocks else {
                if !members.isEmpty { members.append(UInt8(ascii: ",")) }
                return try await sendBlocks(members + Array("\"\(form.primaryID)\":\"\(id)\"".utf8), content)
            }
            guard try await holds(content, id) else {
                throw Rejection(
                    .ruleViolated, fields: [form.column],
                    reason:
                        "Dataverse takes no other bytes for a long attachment: delete it there, and it is written anew")
            }
            return members.isEmpty ? () : try await patch(members, id)
        }
        if !members.isEmpty { members.append(UInt8(ascii: ",")) }
        members += Array("\"\(form.column)\":".utf8)
        // To the platform an empty text is none; a note may be a document without any.
        members += content.bytes == 0 ? Array("null".utf8) : Array("\"".utf8)
        let next = try await content.base64Pieces()
        while let piece = try await next() { members += piece }
        if content.bytes > 0 { members.append(UInt8(ascii: "\"")) }
        if isThere { return try await patch(members, id) }
        _ = try await api.send(
            api.request(
                .post, table.setName, contentType: Self.json,
                body: .bytes(Self.object(Array("\"\(form.primaryID)\":\"\(id)\",".utf8) + members)),
                endpointClass: "document", isIdempotent: false))
    }

    private func patch(_ members: [UInt8], _ id: String) async throws {
        var request = api.request(
            .patch, "\(table.setName)(\(id))", contentType: Self.json, body: .bytes(Self.object(members)),
            endpointClass: "document", isIdempotent: true)
        // A PATCH would make the record otherwise.
        request.headers.append(HTTPHeader("If-Match", "*"))
        _ = try await api.send(request)
    }

    /// What the record holds besides its document: a note says that it has one, an attachment what it hangs on.
    private func members(_ row: RowBody.Prepared, isThere: Bool) throws(Rejection) -> [UInt8] {
        var members = isThere ? row.update : row.create
        let more: String
        if form == .note {
            more = "\"isdocument\":true"
        } else {
            guard !isThere else { return members }
            guard let owner = row.row.references.first(where: { $0.field == Self.ownerColumn })?.object else {
                throw Rejection(
                    .requiredFieldMissing, fields: [Self.ownerColumn],
                    reason: "an attachment belongs to an e-mail, and this one is linked to none")
            }
            more = "\"\(TableMetadata.typeCode)\":\"\(owner)\""
        }
        if !members.isEmpty { members.append(UInt8(ascii: ",")) }
        return members + Array(more.utf8)
    }

    /// Whether the record has these bytes.
    private func holds(_ content: RowContent, _ id: String) async throws -> Bool {
        var hash = SHA256()
        var count = 0
        try await DocumentReader(api: api, form: form).read(id, bytes: nil) { piece in
            hash.update(piece)
            count += piece.count
        }
        let digest = hash.finish()
        return count == content.bytes && digest == content.sha256
    }

    private func sendBlocks(_ members: [UInt8], _ content: RowContent) async throws {
        let target =
            Array("\"Target\":{\"@odata.type\":\"\(form.type)\",".utf8) + members
            + Array("}".utf8)
        let begun = try await call("Initialize\(form.word)BlocksUpload", Self.object(target), isIdempotent: true)
        guard let token = begun["FileContinuationToken"] else {
            throw MigratezError(
                .brokenResponse, "the service did not say how to write a document", remedy: .retry(after: nil))
        }
        var ids: [JSONValue] = []
        var block: [UInt8] = []
        func send() async throws {
            try Task.checkCancellation()
            let number = String(100_000 + ids.count)
            let id = JSONValue.string(Base64.standard.encode(Array(number.utf8)))
            let body: JSONValue = [
                "BlockId": id, "BlockData": .string(String(decoding: block, as: UTF8.self)),
                "FileContinuationToken": token,
            ]
            // A block that comes again takes the place of the one before.
            _ = try await call("UploadBlock", body.serialized(), isIdempotent: true)
            ids.append(id)
            block = []
        }
        let next = try await content.base64Pieces()
        while let piece = try await next() {
            block += piece
            if block.count >= DocumentReader.blockBytes / 3 * 4 { try await send() }
        }
        if !block.isEmpty { try await send() }
        let rest: JSONValue = ["BlockList": .array(ids), "FileContinuationToken": token]
        let commit = target + Array(",".utf8) + rest.serialized().dropFirst().dropLast()
        _ = try await call("Commit\(form.word)BlocksUpload", Self.object(commit), isIdempotent: false)
    }

    private func call(_ message: String, _ body: [UInt8], isIdempotent: Bool) async throws -> JSONValue {
        try await api.json(
            api.request(
                .post, message, contentType: Self.json, body: .bytes(body), endpointClass: "document",
                isIdempotent: isIdempotent))
    }

    private static func object(_ members: [UInt8]) -> [UInt8] { Array("{".utf8) + members + Array("}".utf8) }
    private static let json = "application/json; charset=utf-8"

    /// The service has one code for documents of a type that is not let in and for those that are too long; its limit is
    /// on the encoded text.
    private func rejection(_ refused: DynamicsRefusal, _ row: Batch.Row) -> Rejection {
        var rejection = refused.rejection(columns: table.columnNames)
        if refused.vendorCode == Self.blockedCode, let content = row.content, let bytesMax,
            content.base64Bytes > bytesMax.bytes
        {
            rejection.code = .contentTooLarge
        }
        return rejection
    }
}
