// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes a file as a note with a document: a short one in one request, others in blocks, which become a note by the last
/// one alone.
///
/// The id of the note is made of our key (`RecordLookup`), so that a file that is written again meets the same note. A call
/// that was lost is settled by looking whether the note is there: a note is never there without its document.
///
/// Source: Microsoft Learn, "Use file data with Attachment and Note records" (`InitializeAnnotationBlocksUpload`,
/// `UploadBlock`, `CommitAnnotationBlocksUpload`; ids of blocks are base 64 of one length).
struct DocumentWriter: Sendable {
    private static let repeatsMax = 5
    private static let blockedCode = "0x80043e09"

    let api: DynamicsAPI
    let table: TableMetadata
    let lookup: RecordLookup
    let batches: BatchSender
    let body: RowBody
    /// The longest document that the environment takes; `nil` = it did not say.
    let bytesMax: ByteCount?

    func write(_ row: Batch.Row) async throws -> Receipt {
        do {
            return Receipt(key: row.key, result: try await put(try body.prepare(row)))
        } catch let rejection as Rejection {
            return Receipt(key: row.key, result: .rejected(rejection))
        } catch let error as MigratezError {
            guard let refused = error.refused, refused.isAboutRows else { throw error }
            return Receipt(key: row.key, result: .rejected(rejection(refused, row)))
        }
    }

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
                try await send(isThere ? row.update : row.create, content, to: id, isThere: isThere)
                return isThere ? .updated(id: id) : .created(id: id)
            } catch let error as MigratezError where error.leavesFateUnknown && attempt < Self.repeatsMax {
                try await batches.pause(attempt)
                attempt += 1
                if !isThere, try await lookup.records(ids: [id])[id] != nil { return .created(id: id) }
            }
        }
    }

    // MARK: Requests

    private func send(_ members: [UInt8], _ content: RowContent, to id: String, isThere: Bool) async throws {
        var members = members
        if !members.isEmpty { members.append(UInt8(ascii: ",")) }
        members += Array("\"isdocument\":true".utf8)
        guard content.bytes <= DocumentReader.blockBytes else {
            return try await sendBlocks(Array("\"annotationid\":\"\(id)\",".utf8) + members, content)
        }
        members += Array(",\"\(DynamicsObject.documentColumn)\":".utf8)
        // To the platform an empty text is none; a note may be a document without any.
        members += content.bytes == 0 ? Array("null".utf8) : Array("\"".utf8)
        let next = try await content.base64Pieces()
        while let piece = try await next() { members += piece }
        if content.bytes > 0 { members.append(UInt8(ascii: "\"")) }
        var request: HTTPRequest
        if isThere {
            request = api.request(
                .patch, "\(table.setName)(\(id))", contentType: Self.json, body: .bytes(Self.object(members)),
                endpointClass: "document", isIdempotent: true)
            // A PATCH would make the note otherwise.
            request.headers.append(HTTPHeader("If-Match", "*"))
        } else {
            request = api.request(
                .post, table.setName, contentType: Self.json,
                body: .bytes(Self.object(Array("\"annotationid\":\"\(id)\",".utf8) + members)),
                endpointClass: "document", isIdempotent: false)
        }
        _ = try await api.send(request)
    }

    private func sendBlocks(_ members: [UInt8], _ content: RowContent) async throws {
        let target =
            Array("\"Target\":{\"@odata.type\":\"Microsoft.Dynamics.CRM.annotation\",".utf8) + members
            + Array("}".utf8)
        let begun = try await call("InitializeAnnotationBlocksUpload", Self.object(target), isIdempotent: true)
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
        _ = try await call("CommitAnnotationBlocksUpload", Self.object(commit), isIdempotent: false)
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
