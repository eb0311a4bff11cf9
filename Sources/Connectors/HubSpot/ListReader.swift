// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Reads lists (HubSpot calls them segments, too) and which records are in them, whoever or whatever put them there.
///
/// Source: developers.hubspot.com, "Lists" v3: `POST …/lists/search` without a query pages through all of them,
/// `GET …/lists/{id}/memberships` through their members.
struct ListReader: Sendable {
    /// The name by which a pipeline reads lists.
    static let object = "list"
    /// Lists whose members are read before edges are handed on.
    static let linkBatch = 20

    private static let listsMax = 500
    private static let membersMax = 250

    let connection: HubSpotConnection

    static let schema = ObjectSchema(
        name: "lists", label: "Lists",
        fields: [
            field("listId", "List ID", .id), field("name", "Name", .text),
            field("processingType", "Kind: MANUAL, DYNAMIC or SNAPSHOT", .choice),
            field("objectTypeId", "Type of its records", .text), field("createdAt", "Created", .dateTime),
            field("updatedAt", "Updated", .dateTime),
        ])

    private static func field(_ name: String, _ label: String, _ kind: FieldSchema.Kind) -> FieldSchema {
        FieldSchema(
            name: name, label: label, kind: kind, isCreateable: false, isUpdateable: false, isUnique: kind == .id)
    }

    static let layout = RecordLayout(id: "listId", modified: "updatedAt")

    /// A page of all lists; the cursor is how many came before.
    func page(after cursor: Cursor?) async throws -> Page {
        let offset = cursor.flatMap { Int($0.text) } ?? 0
        let answer = try await search([
            .init("query", ""), .init("count", .number(String(Self.listsMax))),
            .init("offset", .number(String(offset))),
        ])
        var page = try Self.page(answer)
        let tail = answer.withUnsafeBufferPointer { bytes in
            (
                hasMore: member(at: ["hasMore"], in: bytes).map { $0.kind == .true } ?? false,
                next: member(at: ["offset"], in: bytes).flatMap { Int(JSONText.string($0, of: bytes)) }
            )
        }
        if tail.hasMore {
            guard let next = tail.next, next > offset else {
                throw MigratezError(
                    .cursorLoop, "HubSpot's list of lists does not go on", remedy: .retry(after: nil))
            }
            page.next = Cursor(String(next))
        }
        return page
    }

    func records(_ ids: [String]) async throws -> Page {
        var whole = Page(bytes: [], records: [], next: nil)
        var rest = ids[...]
        while !rest.isEmpty {
            let group = rest.prefix(Self.listsMax)
            rest = rest.dropFirst(group.count)
            let part = try Self.page(
                try await search([
                    .init("listIds", .array(group.map { .string($0) })),
                    .init("count", .number(String(Self.listsMax))), .init("offset", 0),
                ]))
            let offset = whole.bytes.count
            whole.bytes += part.bytes
            whole.records += part.records.map { ($0.lowerBound + offset)..<($0.upperBound + offset) }
        }
        return whole
    }

    /// Those records of `to` that are in the lists; a list of another kind of records has none.
    func links(
        of lists: [(id: String, bytes: ArraySlice<UInt8>)], to target: StreamName
    ) async throws -> [Edge] {
        let object = HubSpotObject(target)
        var typeID = object.typeID
        if typeID == nil, object.isCustom { typeID = try await HubSpotCatalog(connection).customObject(object).typeID }
        var edges: [Edge] = []
        for list in lists {
            let record = list.bytes.withUnsafeBufferPointer { JSONValue(validated: $0) }
            guard let type = record["objectTypeId"]?.text, type == typeID else { continue }
            var after: String?
            repeat {
                try Task.checkCancellation()
                var query = [("limit", String(Self.membersMax))]
                if let after { query.append(("after", after)) }
                let answer = try await connection.client.value(
                    connection.paths.listMembers(list.id), query, class: "list")
                guard case .array(let members)? = answer["results"] else {
                    throw MigratezError(
                        .brokenResponse, "HubSpot's answer holds no members of a list", remedy: .retry(after: nil))
                }
                edges += members.compactMap { $0["recordId"]?.text }.map { Edge(from: list.id, to: $0) }
                let next = answer["paging"]?["next"]?["after"]?.text
                guard next == nil || next != after else {
                    throw MigratezError(
                        .cursorLoop, "HubSpot's members of a list repeat a page", remedy: .retry(after: nil))
                }
                after = next
            } while after != nil
        }
        return edges
    }

    func count() async throws -> Int? {
        let answer = try await search([.init("query", ""), .init("count", 1), .init("offset", 0)])
        return answer.withUnsafeBufferPointer { JSONValue(validated: $0) }["total"]?.int
    }

    private func search(_ body: [JSONValue.Member]) async throws -> [UInt8] {
        return try await connection.client.post(connection.paths.listSearch, [], .object(body), class: "list")
    }

    private static func page(_ answer: [UInt8]) throws(MigratezError) -> Page {
        guard let split = answer.withUnsafeBufferPointer({ PageSplit($0, at: ["lists"]) }) else {
            throw MigratezError(.brokenResponse, "HubSpot's answer holds no lists", remedy: .retry(after: nil))
        }
        return Page(bytes: answer, records: split.elements, next: nil)
    }
}
