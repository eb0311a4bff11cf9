// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Files that belong to one record.
///
/// Source: zoho.com/crm/developer, "Get List of Attachments", "Upload an Attachment" (100 MB), "Download an Attachment",
/// "Delete Attachments"; zoho/crm-oas, `v8.0/attachments.json`: sizes are texts, and an empty list has no body.
struct RecordAttachments {
    private static let perPageMax = 200

    let organisation: Organisation
    let session: DocumentSession
    let request: SimulatorRequest
    let userID: String
    let now: Timestamp

    func list(_ module: String, _ record: String) throws -> SimulatorResponse {
        try require(module, record)
        guard !request.queryList("fields").isEmpty else { throw ZohoFailure.missing(parameter: "fields") }
        let fields = Set(request.queryList("fields"))
        let perPage = min(request.query("per_page").flatMap { Int($0) } ?? Self.perPageMax, Self.perPageMax)
        let page = max(request.query("page").flatMap { Int($0) } ?? 1, 1)
        var condition = Self.belong(module, record)
        if case let ids = request.queryList("ids"), !ids.isEmpty {
            guard ids.count <= 100 else { throw ZohoFailure(400, "LIMIT_EXCEEDED", "more than 100 ids are given") }
            condition = .and([condition, .or(ids.compactMap { Int64($0) }.map { .id(.equals, $0) })])
        }
        let found = try session.documents(
            Organisation.Table.attachments, where: condition, offset: (page - 1) * perPage, limit: perPage + 1)
        guard !found.isEmpty else { return .empty() }
        let shown = found.prefix(perPage).map { json($0, fields) }
        return .json(
            JSONValue.object([
                .init("data", .array(shown)),
                .init(
                    "info",
                    [
                        "per_page": .number(String(perPage)), "count": .number(String(shown.count)),
                        "page": .number(String(page)), "more_records": .bool(found.count > perPage),
                    ]),
            ]).serialized())
    }

    func upload(_ module: String, _ record: String) throws -> SimulatorResponse {
        try require(module, record)
        guard let part = MultipartForm(request)?["file"], let name = part.fileName, !name.isEmpty else {
            throw ZohoFailure(400, "REQUIRED_PARAM_MISSING", "the file is missing", [.init("param_name", "file")])
        }
        guard part.bytes.count <= organisation.options.fileBytesMax else {
            throw ZohoFailure(413, "INVALID_DATA", "the file is larger than allowed")
        }
        let id = try session.insert(
            Organisation.Table.attachments,
            [
                "module": .string(module), "record": .string(record), "File_Name": .string(name),
                "Size": .string(String(part.bytes.count)), "Owner": .string(userID),
            ], at: now)
        try session.keepContent(Organisation.Table.attachments, id, part.bytes)
        let details: JSONValue = [
            "Modified_Time": organisation.time(now), "Created_Time": organisation.time(now),
            "id": .string(String(id)), "Created_By": person(userID), "Modified_By": person(userID),
        ]
        let row: JSONValue = [
            "code": "SUCCESS", "details": details, "message": "attachment uploaded successfully", "status": "success",
        ]
        return .json(JSONValue.object([.init("data", [row])]).serialized())
    }

    /// The bytes of one that was uploaded as they were sent; those of the synthetic CRM piece by piece.
    func content(_ module: String, _ record: String, _ id: String, _ crm: SyntheticCRM?) throws -> SimulatorResponse {
        try require(module, record)
        guard let file = try attachment(module, record, id) else {
            throw ZohoFailure(
                400, "INVALID_DATA", "the related id given seems to be invalid", [.init("id", .string(id))])
        }
        let headers: SimulatorHeaders = ["Content-Type": "application/x-download;charset=UTF-8"]
        if let bytes = try session.content(Organisation.Table.attachments, file.id) {
            return SimulatorResponse(headers: headers, body: .bytes(bytes))
        }
        guard let origin = file.document["origin"]?.int, let crm else {
            throw ZohoFailure(400, "DOWNLOAD_NOT_ALLOWED", "a link cannot be downloaded")
        }
        return SimulatorResponse(
            headers: headers,
            body: .computed(length: crm.file(at: origin).size) { crm.file(at: origin).bytes($0) })
    }

    func delete(_ module: String, _ record: String, _ ids: [String]) throws -> SimulatorResponse {
        try require(module, record)
        guard (1...100).contains(ids.count) else { throw ZohoFailure.missing(parameter: "ids") }
        var answers: [JSONValue] = []
        var failed = 0
        for id in ids {
            guard let file = try attachment(module, record, id) else {
                failed += 1
                answers.append(
                    RowFailure("INVALID_DATA", "the related id given seems to be invalid", [.init("id", .string(id))])
                        .json)
                continue
            }
            try session.delete(Organisation.Table.attachments, file.id, at: now)
            answers.append([
                "code": "SUCCESS", "details": ["id": .string(id)], "message": "record deleted", "status": "success",
            ])
        }
        return RecordWriting.answer(answers, failed: failed, good: 200)
    }

    // MARK: Records

    /// A record that is not there is refused as an address.
    private func require(_ module: String, _ record: String) throws {
        let table = RecordTable(
            organisation: organisation, session: session, module: try organisation.module(module))
        guard try table.record(record) != nil else {
            throw ZohoFailure(400, "INVALID_DATA", "the related id given seems to be invalid")
        }
    }

    private static func belong(_ module: String, _ record: String) -> DocumentCondition {
        .and([.member("record", .equals, .string(record)), .member("module", .equals, .string(module))])
    }

    private func attachment(_ module: String, _ record: String, _ id: String) throws -> StoredDocument? {
        guard let number = Int64(id), let file = try session.document(Organisation.Table.attachments, number),
            !file.isDeleted, file.document["record"]?.text == record, file.document["module"]?.text == module
        else { return nil }
        return file
    }

    private func person(_ id: String) -> JSONValue {
        ["name": .string(organisation.user(id)?.name ?? ""), "id": .string(id)]
    }

    private func json(_ file: StoredDocument, _ fields: Set<String>) -> JSONValue {
        let owner = file.document["Owner"]?.text ?? ""
        let members: [JSONValue.Member] = [
            .init("File_Name", file.document["File_Name"] ?? .null), .init("Size", file.document["Size"] ?? .null),
            .init("Owner", person(owner)), .init("Created_By", person(owner)), .init("Modified_By", person(owner)),
            .init("Created_Time", organisation.time(file.createdAt)),
            .init("Modified_Time", organisation.time(file.modifiedAt)),
            .init("Parent_Id", ["name": "", "id": file.document["record"] ?? .null]),
        ]
        return .object(
            members.filter { fields.contains($0.key) } + [
                .init("$se_module", file.document["module"] ?? .null), .init("$type", "Attachment"),
                .init("id", .string(String(file.id))),
            ])
    }
}
