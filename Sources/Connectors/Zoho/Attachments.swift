// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Files that belong to records, as an object of its own: `Attachments`.
///
/// Zoho lists attachments record by record only: neither queries nor bulk jobs know them. So an attachment's id here names
/// the record that it belongs to as well.
///
/// Source: zoho/crm-oas, `v8.0/attachments.json`; zoho.com/crm/developer, "Get List of Attachments", "Upload an Attachment",
/// "Download an Attachment"; "Query API: Overview" and "Bulk Read: Limitations" for the modules that they take.
struct Attachments: Sendable {
    static let object = "Attachments"
    static let name = "File_Name"
    static let size = "Size"
    static let parent = "Parent_Id"
    /// The form's part for the bytes, and our field for them.
    static let content = "file"
    /// "Upload an Attachment": 100 MB.
    static let bytesMax = ByteCount.MiB(100)
    private static let fields = [
        name, size, "Owner", "Created_By", ZohoModule.createdTime, "Modified_By", ZohoModule.modifiedTime, parent,
    ]
    private static let pageRecords = 200
    private static let pagesMax = 1_000

    let client: ZohoClient

    /// One attachment as Zoho shows it, with our id for it.
    struct Attachment: Sendable {
        var id: AttachmentID
        var json: JSONValue
    }

    /// - Parameter modules: those whose records can have attachments.
    static func schema(modules: [String]) -> ObjectSchema {
        func fixed(_ name: String, _ kind: FieldSchema.Kind, refersTo: [String] = []) -> FieldSchema {
            FieldSchema(
                name: name, label: name.replacing("_", with: " "), kind: kind, isCreateable: false, isUpdateable: false,
                refersTo: refersTo)
        }
        return ObjectSchema(
            name: object, label: object,
            fields: [
                fixed(ZohoModule.id, .id),
                FieldSchema(name: name, label: "File name", kind: .text, isRequired: true, isUpdateable: false),
                FieldSchema(
                    name: parent, label: "Record", kind: .reference, isRequired: true, isUpdateable: false,
                    refersTo: modules),
                fixed(size, .integer), fixed("Owner", .reference, refersTo: [ZohoModule.person]),
                fixed("Created_By", .reference, refersTo: [ZohoModule.person]),
                fixed(ZohoModule.createdTime, .dateTime), fixed(ZohoModule.modifiedTime, .dateTime),
            ],
            content: ContentSchema(
                field: content, bytesMax: bytesMax, sizeField: size, versionFields: [size, ZohoModule.modifiedTime]))
    }

    /// The attachments of a record, to the last page; none if there is no such record.
    ///
    /// - Parameter ids: only these; `nil` = all.
    func all(of module: String, _ record: String, ids: [String]? = nil) async throws -> [Attachment] {
        var found: [Attachment] = []
        for page in 1...Self.pagesMax {
            var query = [
                ("fields", Self.fields.joined(separator: ",")), ("page", String(page)),
                ("per_page", String(Self.pageRecords)),
            ]
            if let ids { query.append(("ids", ids.joined(separator: ","))) }
            let answer: JSONValue
            do {
                answer = try await client.value(path(module, record), query, class: "related")
            } catch let error as MigratezError where error.callRefused?.refusal.code == "INVALID_DATA" {
                return []
            }
            for row in answer["data"]?.elements ?? [] {
                guard let id = row[ZohoModule.id]?.text, ids?.contains(id) != false else { continue }
                let attachment = AttachmentID(module: module, record: record, id: id)
                found.append(Attachment(id: attachment, json: Self.flat(row, attachment)))
            }
            guard answer["info"]?["more_records"]?.bool == true else { return found }
        }
        throw MigratezError(
            .cursorLoop, "the attachments of \(module) \(record) have no end", remedy: .retry(after: nil))
    }

    private static func flat(_ row: JSONValue, _ id: AttachmentID) -> JSONValue {
        var members = row.members.filter { $0.key != ZohoModule.id && $0.key != ZohoModule.moduleOfWhat }
            .map { JSONValue.Member($0.key, FlatRecords.flat($0.value)) }
        members.append(.init(ZohoModule.moduleOfWhat, .string(id.module)))
        members.append(.init(ZohoModule.id, .string(id.text)))
        return .object(members)
    }

    /// Several attachments by our ids; one that is not there is absent.
    func attachments(_ ids: [String]) async throws -> [Attachment] {
        var found: [Attachment] = []
        let known = ids.compactMap { AttachmentID($0) }
        for (record, ids) in Dictionary(grouping: known, by: { [$0.module, $0.record] }).sorted(by: {
            $0.key[1] < $1.key[1]
        }) {
            var rest = ids[...]
            while !rest.isEmpty {
                try Task.checkCancellation()
                let group = rest.prefix(100)
                rest = rest.dropFirst(group.count)
                found += try await all(of: record[0], record[1], ids: group.map(\.id))
            }
        }
        return found
    }

    /// Hands on the bytes. A link to somewhere else, which can hang on a record like a file, has none.
    func read(_ id: AttachmentID, size: Int?, piece: ([UInt8]) async throws -> Void) async throws {
        let request = client.download("\(path(id.module, id.record))/\(id.id)")
        try await ContentDownload(client.http, request, expectedBytes: size).run(piece: piece) { response in
            let error = ZohoAnswers.error(response, to: request)
            guard let refused = error.callRefused, [400, 403, 404, 410].contains(refused.status) else { return error }
            return Rejection(
                .contentUnavailable, fields: [Self.content], vendorCode: refused.refusal.code,
                vendorText: refused.refusal.text)
        }
    }

    func path(_ module: String, _ record: String) -> String { "/\(module)/\(record)/\(Self.object)" }

    /// A file's size, which Zoho writes as a text.
    static func size(of attachment: JSONValue) -> Int? { attachment[size]?.text.flatMap { Int($0) } }
}

/// The id of an attachment: `Contacts:554…:554…`, with the record that it belongs to.
struct AttachmentID: Hashable {
    var module: String
    var record: String
    var id: String

    init(module: String, record: String, id: String) { (self.module, self.record, self.id) = (module, record, id) }

    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, COQL.isName(parts[0]), ZohoID.isID(parts[1]), ZohoID.isID(parts[2]) else { return nil }
        self.init(module: parts[0], record: parts[1], id: parts[2])
    }

    var text: String { "\(module):\(record):\(id)" }
}
