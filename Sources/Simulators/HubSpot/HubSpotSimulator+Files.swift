// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Synchronization

/// Files: uploading, replacing, describing, finding by path, deleting, and downloading by a signed address.
///
/// Source: developers.hubspot.com, "Files"; paths and members as the OpenAPI description of Files v3 has them.
extension HubSpotSimulator {
    /// `POST /files/v3/files`: a form with `file`, `options` (JSON with `access`), and `folderId` or `folderPath`.
    func fileUpload(_ request: SimulatorRequest) async throws(HubSpotFailure) -> SimulatorResponse {
        let form = try form(request)
        guard let part = form["file"] else { throw .invalid("file is required") }
        let settings = try HubSpotSimulator.options(form)
        guard let access = settings["access"]?.text, HubSpotSimulator.accessKinds.contains(access) else {
            throw .invalid("options.access is required")
        }
        let (folderPath, folderID) = (form["folderPath"]?.text, form["folderId"]?.text)
        guard (folderPath == nil) != (folderID == nil) else {
            throw .invalid("either folderId or folderPath must be given, and not both")
        }
        guard folderPath?.hasPrefix("/") != false else { throw .invalid("folderPath must begin with /") }
        let name = form["fileName"]?.text ?? part.fileName ?? ""
        guard !name.isEmpty, !name.contains("/") else { throw .invalid("the file has no valid name") }
        let content = Array(part.bytes)
        try checkSize(content)
        let (now, overwrites) = (options.clock.now, settings["overwrite"]?.bool == true)
        let view = try await overlay.write { session in
            let folder = try folderPath.map { try session.folderID(at: $0) } ?? folderID.flatMap(Int.init) ?? 0
            let known = overwrites ? try folderPath.flatMap { try session.fileID(at: $0 + "/" + name) } : nil
            let created = try known.flatMap { try session.file(id: $0)?.createdAt } ?? now
            let id = try session.saveFile(
                id: known, name: name, folder: folder, access: access, content: content, created: created,
                updated: now)
            return try session.file(id: id)
        }
        guard let view else { throw HubSpotSimulator.noFile }
        return .json(view.json.serialized(), status: 201)
    }

    /// `PUT /files/v3/files/{id}`: other bytes under the same id; name and folder stay.
    func fileReplace(_ id: String, _ request: SimulatorRequest) async throws(HubSpotFailure) -> SimulatorResponse {
        let form = try form(request)
        guard let part = form["file"] else { throw .invalid("file is required") }
        let settings = try HubSpotSimulator.options(form)
        let content = Array(part.bytes)
        try checkSize(content)
        let now = options.clock.now
        let view = try await overlay.write { session -> FileView? in
            guard let id = Int(id), let known = try session.file(id: id) else { return nil }
            let folder = try session.folderID(at: known.folder)
            let name = known.name + (known.fileExtension.isEmpty ? "" : "." + known.fileExtension)
            _ = try session.saveFile(
                id: id, name: name, folder: folder, access: settings["access"]?.text ?? known.access, content: content,
                created: known.createdAt, updated: now)
            return try session.file(id: id)
        }
        guard let view else { throw HubSpotSimulator.noFile }
        return .json(view.json.serialized())
    }

    func file(_ id: String) async throws(HubSpotFailure) -> SimulatorResponse {
        .json(try await fileView(id).json.serialized())
    }

    /// `GET /files/v3/files/stat/{path}`: what lies at a path, from the database itself.
    func fileStat(_ path: [String]) async throws(HubSpotFailure) -> SimulatorResponse {
        let text = "/" + path.joined(separator: "/")
        let view = try await overlay.read { session in try session.fileID(at: text).flatMap { try session.file(id: $0) }
        }
        guard let view else { throw HubSpotSimulator.noFile }
        return .json(JSONValue.object([.init("file", view.json)]).serialized())
    }

    /// `DELETE /files/v3/files/{id}`: 204 also for a file that is not there any more.
    func fileDelete(_ id: String) async throws(HubSpotFailure) -> SimulatorResponse {
        guard let number = Int(id) else { throw HubSpotSimulator.noFile }
        try await overlay.write { try $0.deleteFile(id: number) }
        return .empty()
    }

    // MARK: Downloading

    /// `GET /files/v3/files/{id}/signed-url`: an address that anybody may read from for a while.
    func fileSignedURL(_ id: String, _ request: SimulatorRequest) async throws(HubSpotFailure) -> SimulatorResponse {
        let view = try await fileView(id)
        let expires = options.clock.now.advanced(by: .seconds(3_600))
        let host = request.headers["Host"] ?? "127.0.0.1"
        let address =
            "http://\(host)/hubfs-signed/\(view.id)?Expires=\(expires.milliseconds)"
            + "&Signature=\(signature(view.id, expires.milliseconds))"
        let answer: JSONValue = [
            "url": .string(address), "expiresAt": .string(DateText.instant(expires)), "name": .string(view.name),
            "extension": .string(view.fileExtension), "type": .string(view.type), "size": .number(String(view.size)),
        ]
        return .json(answer.serialized())
    }

    /// The bytes behind a signed address; it takes no token, and none is looked at.
    func fileDownload(_ id: String, _ request: SimulatorRequest) async throws(HubSpotFailure) -> SimulatorResponse {
        guard let expires = request.query("Expires").flatMap(Int64.init), let number = Int(id),
            request.query("Signature") == signature(number, expires), options.clock.now.milliseconds < expires,
            request.headers["Authorization"] == nil
        else { throw HubSpotFailure(403, "MISSING_SCOPES", "Access denied") }
        let view = try await fileView(id)
        let (overlay, crm) = (overlay, crm)
        let isStored = try await overlay.read { try $0.fileBytes(id: number, from: 0, count: 0) != nil }
        let source = crm.index(of: CRMObject.file, id: number).map { crm.file(at: $0) }
        let position = Position()
        return SimulatorResponse(
            headers: ["Content-Type": "application/octet-stream"],
            body: .stream(length: view.size) {
                let range = position.next(of: view.size)
                guard !range.isEmpty else { return nil }
                if !isStored, let source { return source.bytes(range) }
                return try await overlay.read {
                    try $0.fileBytes(id: number, from: range.lowerBound, count: range.count)
                }
            })
    }

    private func signature(_ id: Int, _ expires: Int64) -> String {
        let mixed = UInt64(bitPattern: Int64(id)) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(bitPattern: expires)
        return String(mixed, radix: 16)
    }

    // MARK: Parts

    private func fileView(_ id: String) async throws(HubSpotFailure) -> FileView {
        let view = try await overlay.read { session in try Int(id).flatMap { try session.file(id: $0) } }
        guard let view else { throw HubSpotSimulator.noFile }
        return view
    }

    private func form(_ request: SimulatorRequest) throws(HubSpotFailure) -> MultipartForm {
        guard let form = MultipartForm(request) else { throw .invalid("the body is no form") }
        return form
    }

    private func checkSize(_ content: [UInt8]) throws(HubSpotFailure) {
        guard let most = options.fileBytesMax, content.count > most else { return }
        throw HubSpotFailure(413, "FILE_TOO_LARGE", "The file is larger than this account allows.")
    }

    private static func options(_ form: MultipartForm) throws(HubSpotFailure) -> JSONValue {
        guard let text = form["options"]?.text else { return .null }
        do {
            return try JSONValue(parsing: Array(text.utf8), limits: .page)
        } catch {
            throw .invalid("options is not valid JSON")
        }
    }

    private static let accessKinds: Set = [
        "PRIVATE", "PUBLIC_INDEXABLE", "PUBLIC_NOT_INDEXABLE", "HIDDEN_PRIVATE", "HIDDEN_INDEXABLE",
        "HIDDEN_NOT_INDEXABLE", "SENSITIVE", "HIDDEN_SENSITIVE",
    ]

    private static let noFile = HubSpotFailure(404, "OBJECT_NOT_FOUND", "File does not exist")
}

/// How far a download has come; one reader only.
private final class Position: Sendable {
    private let place = Mutex(0)

    func next(of size: Int) -> Range<Int> {
        place.withLock { place in
            let start = place
            place = min(size, start + (1 << 16))
            return start..<place
        }
    }
}
