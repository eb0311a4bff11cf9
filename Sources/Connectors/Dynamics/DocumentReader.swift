// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Reads the documents of notes and the attachments of e-mails: short ones at once, others block by block, so that a block
/// that was lost is asked for again, and not the whole document.
///
/// Source: Microsoft Learn, "Use file data with Attachment and Note records": the text of `documentbody` and of `body` is
/// base 64, `InitializeAnnotationBlocksDownload` (or `…Attachment…`) and `DownloadBlock` give any part of what it stands
/// for.
struct DocumentReader: Sendable {
    /// Bytes of one block. The service takes 4 MB; this is what one file holds of the memory, some three times over.
    static let blockBytes = 5 * RowContent.pieceBytesMax
    private static let attemptsMax = 4

    let api: DynamicsAPI
    let form: DocumentForm

    /// - Parameter bytes: how long the document is, if that is known.
    /// - Throws: `Rejection(.contentUnavailable)` if there is no such record, or its document may not be read.
    func read(_ id: String, bytes: Int?, piece: ([UInt8]) async throws -> Void) async throws {
        guard let id = RecordID(id)?.text else { throw Rejection(.contentUnavailable, reason: "there is no such file") }
        do {
            if let bytes, bytes <= Self.blockBytes {
                try await hand(try await whole(id, bytes), to: piece)
            } else {
                try await readBlocks(id, piece)
            }
        } catch let error as MigratezError {
            guard let refused = error.refused, [403, 404].contains(refused.status) || refused.isAboutRows else {
                throw error
            }
            var rejection = refused.rejection(columns: [])
            rejection.code = .contentUnavailable
            throw rejection
        }
    }

    private func hand(_ bytes: [UInt8], to piece: ([UInt8]) async throws -> Void) async throws {
        for start in stride(from: 0, to: bytes.count, by: RowContent.pieceBytesMax) {
            try await piece(Array(bytes[start..<min(start + RowContent.pieceBytesMax, bytes.count)]))
        }
    }

    /// An answer that was cut off although its length is right looks like success to the transport, so it is asked for
    /// again here.
    private func whole(_ id: String, _ count: Int) async throws -> [UInt8] {
        for _ in 1...Self.attemptsMax {
            let request = api.request(.get, "\(form.setName)(\(id))/\(form.column)/$value", endpointClass: "document")
            let text = try await api.send(request).body
            if let bytes = Base64.standard.decode(text), bytes.count == count { return bytes }
        }
        throw MigratezError(
            .brokenResponse, "the document of \(form.table) \(id) is not as long as the record says",
            remedy: .retry(after: nil))
    }

    private func readBlocks(_ id: String, _ piece: ([UInt8]) async throws -> Void) async throws {
        let begun = try await call(
            "Initialize\(form.word)BlocksDownload",
            ["Target": .object([.init("@odata.type", .string(form.type)), .init(form.primaryID, .string(id))])])
        guard let token = begun["FileContinuationToken"], let size = begun["FileSizeInBytes"]?.int else {
            throw MigratezError(
                .brokenResponse, "the service did not say how to read \(form.table) \(id)", remedy: .retry(after: nil))
        }
        for start in stride(from: 0, to: size, by: Self.blockBytes) {
            try Task.checkCancellation()
            try await hand(try await block(id, token, start..<min(start + Self.blockBytes, size)), to: piece)
        }
    }

    private func block(_ id: String, _ token: JSONValue, _ range: Range<Int>) async throws -> [UInt8] {
        let answer = try await call(
            "DownloadBlock",
            [
                "Offset": .number(String(range.lowerBound)), "BlockLength": .number(String(range.count)),
                "FileContinuationToken": token,
            ])
        guard let bytes = answer["Data"]?.text.flatMap({ Base64.standard.decode($0) }), bytes.count == range.count
        else {
            throw MigratezError(
                .brokenResponse, "a block of the document of \(form.table) \(id) is not as long as it should be",
                remedy: .retry(after: nil))
        }
        return bytes
    }

    private func call(_ message: String, _ body: JSONValue) async throws -> JSONValue {
        var attempt = 1
        while true {
            do {
                return try await api.post(message, body, endpointClass: "document", isIdempotent: true)
            } catch let error as MigratezError where error.code == .brokenResponse && attempt < Self.attemptsMax {
                attempt += 1
            }
        }
    }
}
