// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import Synchronization

/// Documents of notes and attachments: whole, and in blocks (Microsoft Learn, "Use file data with Attachment and Note records").
extension RequestHandler {
    var bodies: DocumentBodies { DocumentBodies(environment: environment, session: session) }

    /// `annotations(…)/documentbody/$value`: the text as it is; 204 if there is none (OData 4.0 Protocol, section 11.2.3).
    func rawValue(_ request: SimulatorRequest, _ path: [PathSegment]) throws -> SimulatorResponse {
        guard request.method == .get, path[2].name == "$value", let key = path[0].key,
            let table = environment.table(set: path[0].name), let column = table.column(property: path[1].name)
        else { throw APIFailure.noSuchResource(path[1].name) }
        guard let id = try id(table, key) else { throw APIFailure.noSuchKey() }
        let record = try writer.record(table, id)
        let text =
            DocumentBodies.columns.contains(column.name)
            ? try bodies.text(of: record) : record.document[column.property]?.text
        guard let text else { return .empty() }
        return .text(text)
    }

    /// The answer to a message about blocks; `nil` for any other.
    func blocks(_ request: SimulatorRequest, _ name: String) throws -> SimulatorResponse? {
        switch name {
        case "InitializeAnnotationBlocksUpload", "InitializeAttachmentBlocksUpload":
            _ = try target(try body(request), of: table(ofMessage: name))
            return try json(["FileContinuationToken": .string(environment.transfers.begin(of: ""))])
        case "UploadBlock":
            let body = try body(request)
            guard let id = body["BlockId"]?.text, let data = body["BlockData"]?.text.flatMap(Base64.decoded),
                let token = body["FileContinuationToken"]?.text
            else { throw APIFailure.invalidArgument("BlockId, BlockData and FileContinuationToken are required.") }
            guard data.count <= Transfers.blockBytesMax else {
                throw APIFailure.invalidArgument("A block has more than 4 MB.")
            }
            try environment.transfers.add(data, as: id, to: token)
            return .empty()
        case "CommitAnnotationBlocksUpload", "CommitAttachmentBlocksUpload":
            return try commit(try body(request), table(ofMessage: name))
        case "InitializeAnnotationBlocksDownload", "InitializeAttachmentBlocksDownload":
            let table = table(ofMessage: name)
            guard let id = try target(try body(request), of: table).id else {
                throw APIFailure.invalidArgument("Target has no id.")
            }
            let note = try writer.record(table, id)
            return try json([
                "FileContinuationToken": .string(environment.transfers.begin(of: "\(table.name) \(id)")),
                "FileSizeInBytes": note.document["filesize"] ?? 0, "FileName": note.document["filename"] ?? .null,
            ])
        case "DownloadBlock": return try block(try body(request))
        default: return nil
        }
    }

    private func table(ofMessage name: String) -> TableDefinition {
        name.contains("Attachment") ? StandardTables.attachment : StandardTables.annotation
    }

    private func target(_ body: JSONValue, of table: TableDefinition) throws -> (id: String?, values: JSONValue) {
        guard let target = body["Target"], target["@odata.type"]?.text == "Microsoft.Dynamics.CRM.\(table.name)" else {
            throw APIFailure.invalidArgument("Target is no \(table.name).")
        }
        return (target[table.primaryID]?.text.flatMap(RecordID.canonical), target)
    }

    /// Blocks make attachments and change none, while a note may be there.
    private func commit(_ body: JSONValue, _ table: TableDefinition) throws -> SimulatorResponse {
        let (wanted, values) = try target(body, of: table)
        guard let token = body["FileContinuationToken"]?.text, case .array(let list)? = body["BlockList"] else {
            throw APIFailure.invalidArgument("BlockList and FileContinuationToken are required.")
        }
        let bytes = try environment.transfers.joined(list.compactMap(\.text), of: token)
        let isThere =
            try wanted.map {
                try session.count(table.name, where: .member(table.primaryID, .equals, .string($0))) > 0
            } ?? false
        guard !isThere || table.name == StandardTables.annotation.name else {
            throw APIFailure(412, "0x80040237", "A record with matching key values already exists.")
        }
        let draft = try RecordDraft(values, of: table, isNew: !isThere, find: find)
        var id = wanted ?? ""
        if isThere { try writer.update(draft, id: id) } else { id = try writer.create(draft, id: wanted) }
        var note = try writer.record(table, id)
        try bodies.put(bytes, of: id, on: &note.document, at: now)
        try session.replace(table.name, note.id, with: note.document, at: now)
        environment.transfers.end(token)
        let name = table.name == StandardTables.annotation.name ? "AnnotationId" : "ActivityMimeAttachmentId"
        return try json(
            .object([.init(name, .string(id)), .init("FileSizeInBytes", .number(String(bytes.count)))]))
    }

    private func block(_ body: JSONValue) throws -> SimulatorResponse {
        guard let token = body["FileContinuationToken"]?.text, let start = body["Offset"]?.int,
            let length = body["BlockLength"]?.int, start >= 0, (1...Transfers.blockBytesMax).contains(length)
        else { throw APIFailure.invalidArgument("Offset, BlockLength and FileContinuationToken are required.") }
        let place = try environment.transfers.record(of: token).split(separator: " ").map(String.init)
        guard place.count == 2, let table = environment.table(place[0]) else {
            throw APIFailure.invalidArgument("The FileContinuationToken is not of a file that is read.")
        }
        let note = try writer.record(table, place[1])
        let bytes = try bodies.text(of: note).flatMap(Base64.decoded) ?? []
        guard start < bytes.count else { throw APIFailure.invalidArgument("Offset lies behind the end of the file.") }
        return try json(["Data": .string(Base64.encoded(Array(bytes[start..<min(start + length, bytes.count)])))])
    }
}

/// Files that come or go in blocks, by their tokens. They are of no use to another process.
final class Transfers: Sendable {
    static let blockBytesMax = 4 << 20

    private struct State {
        var next = 1
        var blocks: [String: [String: [UInt8]]] = [:]
        var records: [String: String] = [:]
    }

    private let state = Mutex(State())

    /// - Parameter record: table and id of the record whose file is read; empty for one that is written.
    func begin(of record: String) -> String {
        state.withLock { state in
            let token = "continue-\(state.next)"
            state.next += 1
            state.records[token] = record
            state.blocks[token] = [:]
            return token
        }
    }

    func record(of token: String) throws -> String {
        guard let record = state.withLock({ $0.records[token] }) else { throw Self.unknown }
        return record
    }

    /// A block that comes again takes the place of the one before.
    func add(_ bytes: [UInt8], as id: String, to token: String) throws {
        let isKnown = state.withLock { state in
            guard state.blocks[token] != nil else { return false }
            state.blocks[token]?[id] = bytes
            return true
        }
        if !isKnown { throw Self.unknown }
    }

    func joined(_ ids: [String], of token: String) throws -> [UInt8] {
        guard let blocks = state.withLock({ $0.blocks[token] }) else { throw Self.unknown }
        return try ids.flatMap { id -> [UInt8] in
            guard let bytes = blocks[id] else { throw APIFailure.invalidArgument("A block of the list is missing.") }
            return bytes
        }
    }

    func end(_ token: String) {
        state.withLock { state in
            state.blocks[token] = nil
            state.records[token] = nil
        }
    }

    private static let unknown = APIFailure.invalidArgument("The FileContinuationToken is not valid.")
}
