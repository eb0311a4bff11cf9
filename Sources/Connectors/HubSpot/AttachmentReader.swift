// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Reads files as records: those that activities name, page by page of the activities, each described by the files
/// interface. Files of the file manager that hang on nothing are not part of the CRM and are not read.
///
/// A file that hangs on two activities comes twice, each time with another `attachedTo`: it is one record with the links of
/// both. One that is gone comes with its id alone, so that it is counted and rejected by name when its content is read.
///
/// Source: developers.hubspot.com, "Files"; the OpenAPI description of Files v3.
struct AttachmentReader: Sendable {
    let connection: HubSpotConnection

    // MARK: Records

    func page(at place: AttachmentCursor, limit: Int) async throws -> Page {
        let carrier = HubSpotObject(HubSpotAttachments.carriers[place.carrier])
        var query = [
            ("limit", String(limit)), ("archived", "false"),
            ("properties", "\(HubSpotAttachments.property),hubspot_owner_id,\(HubSpotObject.activityTime)"),
        ]
        if let after = place.after { query.append(("after", after)) }
        let list = try await connection.client.value(connection.paths.objects(carrier.type), query, class: "list")
        guard case .array(let activities)? = list["results"] else {
            throw MigratezError(
                .brokenResponse, "HubSpot's answer holds no list of \(carrier.type)", remedy: .retry(after: nil))
        }
        let found = activities.flatMap { activity in
            HubSpotAttachments.ids(activity["properties"]?[HubSpotAttachments.property]?.text)
                .map { Found(id: $0, activity: activity) }
        }
        let files = try await described(found.map(\.id))
        var page = Page(bytes: [], records: [], next: nil)
        for file in found {
            let record = Self.record(
                file.id, files[file.id],
                on: (HubSpotAttachments.carriers[place.carrier].text, file.activity))
            page.add(record)
        }
        if let after = list["paging"]?["next"]?["after"]?.text {
            page.next = AttachmentCursor(carrier: place.carrier, after: after).cursor
        } else if place.carrier + 1 < HubSpotAttachments.carriers.count {
            page.next = AttachmentCursor(carrier: place.carrier + 1).cursor
        }
        return page
    }

    /// Files by id, without what they hang on; one that does not exist is absent.
    func records(_ ids: [String]) async throws -> Page {
        let files = try await described(ids.filter { Int($0) != nil })
        var page = Page(bytes: [], records: [], next: nil)
        for id in ids {
            if let file = files[id] { page.add(Self.record(id, file, on: nil)) }
        }
        return page
    }

    private struct Found {
        var id: String
        var activity: JSONValue
    }

    /// What the files interface says of each; those that are gone or hidden from the token are not in the answer.
    func described(_ ids: [String]) async throws -> [String: JSONValue] {
        var open = Set(ids).sorted()[...]
        var found: [String: JSONValue] = [:]
        try await withThrowingTaskGroup(of: (String, JSONValue?).self) { group in
            for id in open.prefix(Self.requestsAtOnce) { group.addTask { (id, try await file(id)) } }
            open = open.dropFirst(Self.requestsAtOnce)
            while let (id, file) = try await group.next() {
                if let file { found[id] = file }
                if let next = open.popFirst() { group.addTask { (next, try await self.file(next)) } }
            }
        }
        return found
    }

    /// `nil` if there is no such file.
    private func file(_ id: String) async throws -> JSONValue? {
        do {
            return try await connection.client.value(connection.paths.file(id), [], class: "files")
        } catch let error as MigratezError where error.callRefused.map({ [400, 404].contains($0.status) }) == true {
            return nil
        }
    }

    private static let requestsAtOnce = 6

    private static func record(
        _ id: String, _ file: JSONValue?, on carrier: (name: String, activity: JSONValue)?
    ) -> JSONValue {
        var properties = file?.members ?? []
        if let name = file?["name"]?.text {
            let fileExtension = file?["extension"]?.text ?? ""
            properties.append(
                .init(
                    HubSpotAttachments.fileName, .string(fileExtension.isEmpty ? name : "\(name).\(fileExtension)")))
        }
        var members: [JSONValue.Member] = [.init("id", .string(id))]
        if let carrier {
            for name in [HubSpotObject.activityTime, "hubspot_owner_id"] {
                properties.append(.init(name, carrier.activity["properties"]?[name] ?? .null))
            }
            members.append(
                .init(
                    HubSpotAttachments.carrier,
                    ["object": .string(carrier.name), "id": carrier.activity["id"] ?? .null]))
        }
        members.append(.init("properties", .object(properties.filter { $0.key != "id" })))
        members.append(.init("archived", .bool(false)))
        return .object(members)
    }

    // MARK: Links

    /// Links of files to what the activities that carry them are linked with, and to these activities themselves.
    func links(
        of records: [(id: String, bytes: ArraySlice<UInt8>)], to target: StreamName
    ) async throws -> [Edge] {
        // File by activity, for each kind of activity.
        var carried: [String: [String: [String]]] = [:]
        for record in records {
            let value = record.bytes.withUnsafeBufferPointer { JSONValue(validated: $0) }[HubSpotAttachments.carrier]
            guard let kind = value?["object"]?.text, let id = value?["id"]?.text else { continue }
            carried[kind, default: [:]][id, default: []].append(record.id)
        }
        var edges: [Edge] = []
        for (kind, files) in carried.sorted(by: { $0.key < $1.key }) {
            if kind == target.text {
                for (activity, ids) in files { edges += ids.map { Edge(from: $0, to: activity) } }
                continue
            }
            guard HubSpotAttachments.carrier(target.text) == nil, let carrier = HubSpotAttachments.carrier(kind) else {
                continue
            }
            let links = try await LinkReader(connection)
                .links(of: files.keys.sorted(), from: carrier, to: HubSpotObject(target))
            for link in links { edges += (files[link.from] ?? []).map { Edge(from: $0, to: link.to) } }
        }
        return edges
    }

    // MARK: Content

    /// The bytes of a file: by an address that is signed for a while and takes no token.
    ///
    /// - Throws: `Rejection(.contentUnavailable)` if the file is gone, or nobody may read it.
    func content(_ id: String, piece: ([UInt8]) async throws -> Void) async throws {
        let (address, size): (String, Int?)
        do {
            let answer = try await connection.client.value(
                connection.paths.file(id) + "/signed-url", [], class: "files")
            guard let text = answer["url"]?.text else {
                throw MigratezError(
                    .brokenResponse, "HubSpot gives no address for file \(id)", remedy: .retry(after: nil))
            }
            (address, size) = (text, answer["size"]?.int)
        } catch let error as MigratezError {
            guard let refused = error.callRefused, [400, 403, 404, 410].contains(refused.status),
                refused.refusal.category != "MISSING_SCOPES"
            else { throw error }
            throw Rejection(
                .contentUnavailable, reason: "HubSpot has no file \(id) any more, or does not give it out",
                vendorCode: refused.refusal.category)
        }
        let request = HTTPRequest(
            .get, address, deadline: .seconds(3_600), responseBytesMax: HubSpotAttachments.bytesMax,
            endpointClass: "download", isIdempotent: true)
        try await ContentDownload(connection.downloads, request, expectedBytes: size).run(piece: piece) { response in
            let reason = "the address of file \(id) is answered with status \(response.status)"
            guard [403, 404, 410].contains(response.status) else {
                return MigratezError(.serverFailed, reason, remedy: .retry(after: nil))
            }
            return Rejection(.contentUnavailable, reason: reason, vendorCode: String(response.status))
        }
    }
}

extension Page {
    /// Appends a record that was put together here.
    fileprivate mutating func add(_ record: JSONValue) {
        let start = bytes.count
        bytes += record.serialized()
        records.append(start..<bytes.count)
    }
}
