// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Files, which only version 1 has.
///
/// Source: the OpenAPI description of version 1, `/files`, `/files/{id}`, `/files/{id}/download`, `/deals/{id}/files`: at most
/// 100 a page; what belongs to a file is said when it is uploaded, and only its name and description can be changed.
extension PipedriveSimulator {
    private static let limitMax = 100
    private static let parents: [(name: String, entity: Entity)] = [
        ("deal_id", .deal), ("person_id", .person), ("org_id", .organization), ("activity_id", .activity),
        ("product_id", .product),
    ]

    func files(_ request: SimulatorRequest, where condition: DocumentCondition = .all) throws -> SimulatorResponse {
        let paging = try FormerPaging(request, max: Self.limitMax)
        let order: DocumentOrder
        switch request.query("sort") ?? "id ASC" {
        case "id ASC": order = .id
        case "id DESC": order = .newestFirst
        default: throw PipedriveFailure(400, nil, "this order is not simulated")
        }
        return try store.read { session in
            let files = try session.documents(
                StoredObject.files, where: condition, order: order, offset: paging.start, limit: paging.limit + 1)
            return paging.answer(files.map { Self.json($0, request) })
        }
    }

    func files(of entity: Entity, _ id: Int64, _ request: SimulatorRequest) throws -> SimulatorResponse {
        guard let parent = Self.parents.first(where: { $0.entity == entity }) else {
            throw PipedriveFailure(404, nil, "Unknown method .")
        }
        return try files(request, where: .member(parent.name, .equals, .id(id)))
    }

    func file(_ id: Int64, _ request: SimulatorRequest) throws -> SimulatorResponse {
        try store.read { .data(Self.json(try $0.liveFile(id), request)) }
    }

    /// The bytes of one that somebody uploaded as they were sent; those of the synthetic CRM piece by piece.
    func fileContent(_ id: Int64) throws -> SimulatorResponse {
        let (file, bytes) = try store.read { session in
            (try session.liveFile(id), try session.content(StoredObject.files, id))
        }
        let headers: SimulatorHeaders = ["Content-Type": "application/octet-stream"]
        if let bytes { return SimulatorResponse(headers: headers, body: .bytes(bytes)) }
        guard let origin = file.document["origin"]?.int else { throw PipedriveFailure(410, nil, "File is gone.") }
        return SimulatorResponse(
            headers: headers,
            body: .computed(length: crm.file(at: origin).size) { [crm] in crm.file(at: origin).bytes($0) })
    }

    func addFile(_ request: SimulatorRequest) throws -> SimulatorResponse {
        guard let form = MultipartForm(request), let part = form["file"], let name = part.fileName, !name.isEmpty else {
            throw PipedriveFailure(400, nil, "File is missing.")
        }
        if let max = options.fileBytesMax, part.bytes.count > max {
            throw PipedriveFailure(413, nil, "The file is too large.")
        }
        let now = options.clock.now
        return try store.write { session in
            var members: [JSONValue.Member] = [
                .init("name", .string(name)), .init("file_size", .number(String(part.bytes.count))),
                .init("user_id", .id(User.ownID)),
            ]
            for (parent, entity) in Self.parents {
                guard let text = form[parent]?.text else { continue }
                guard let id = Int64(text), try session.document(entity.rawValue, id)?.isDeleted == false else {
                    throw PipedriveFailure(400, nil, "\(entity.label) \(text) does not exist.")
                }
                members.append(.init(parent, .id(id)))
            }
            let id = try session.insert(StoredObject.files, .object(members), at: now)
            try session.keepContent(StoredObject.files, id, part.bytes)
            return .data(Self.json(try session.liveFile(id), request))
        }
    }

    func renameFile(_ id: Int64, _ request: SimulatorRequest) throws -> SimulatorResponse {
        try store.write { session in
            var document = try session.liveFile(id).document
            for (name, value) in request.form where name == "name" || name == "description" {
                document = document.setting(name, .string(value))
            }
            try session.replace(StoredObject.files, id, with: document, at: options.clock.now)
            return .data(Self.json(try session.liveFile(id), request))
        }
    }

    func deleteFile(_ id: Int64) throws -> SimulatorResponse {
        try store.write { session in
            _ = try session.liveFile(id)
            try session.delete(StoredObject.files, id, at: options.clock.now)
            return .data(["id": .id(id)])
        }
    }

    private static func json(_ file: StoredDocument, _ request: SimulatorRequest) -> JSONValue {
        let name = file.document["name"]?.text ?? ""
        let host = request.headers["Host"] ?? "127.0.0.1"
        var members: [JSONValue.Member] = [
            .init("id", .id(file.id)), .init("active_flag", .bool(!file.isDeleted)), .init("inline_flag", false),
            .init("add_time", .string(Instant.formerText(file.createdAt))),
            .init("update_time", .string(Instant.formerText(file.modifiedAt))),
            .init("file_name", .string("\(file.id)_\(name)")), .init("name", .string(name)),
            .init("file_type", .string(String(name.split(separator: ".").last ?? ""))),
            .init("file_size", file.document["file_size"] ?? .null), .init("remote_location", "s3"),
            .init("description", file.document["description"] ?? .null),
            .init("url", .string("http://\(host)/v1/files/\(file.id)/download")), .init("lead_id", .null),
            .init("user_id", file.document["user_id"] ?? .null),
        ]
        for (parent, _) in parents { members.append(.init(parent, file.document[parent] ?? .null)) }
        return .object(members)
    }
}

// MARK: - For checks
extension PipedriveSimulator {
    /// The bytes of a file that somebody uploaded.
    package func content(ofFile id: Int64) throws -> [UInt8]? {
        try store.read { try $0.content(StoredObject.files, id) }
    }
}

extension DocumentSession {
    fileprivate func liveFile(_ id: Int64) throws -> StoredDocument {
        guard let file = try document(StoredObject.files, id), !file.isDeleted else {
            throw PipedriveFailure(404, nil, "File not found.")
        }
        return file
    }
}
