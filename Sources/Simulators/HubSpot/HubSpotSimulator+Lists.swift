// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Lists and their members: made up, as many as the options say, of contacts and of companies in turn.
extension HubSpotSimulator {
    private static let firstListID = 9_001

    /// The object of the list at a place, and the live records that are in it.
    private func listMembers(at place: Int) -> (object: CRMObject, ids: [Int]) {
        let object = place.isMultiple(of: 2) ? CRMObject.contact : .company
        let ids = (0..<crm.counts[object]).filter { index in
            index.isMultiple(of: place + 1) && !crm.isArchived(object, at: index)
        }.map { crm.id(of: object, at: $0) }
        return (object, ids)
    }

    /// `POST …/lists/search`: `count` up to 500, default 20; `offset` of the answer is where the next page begins.
    func listsSearch(_ request: SimulatorRequest) throws(HubSpotFailure) -> SimulatorResponse {
        let body = try HubSpotSimulator.body(request)
        let (count, offset) = (body["count"]?.int ?? 20, body["offset"]?.int ?? 0)
        guard (1...500).contains(count), offset >= 0 else { throw .invalid("count must be between 1 and 500") }
        let wanted = body["listIds"].map { Set($0.elements.compactMap(\.text)) }
        let query = body["query"]?.text?.lowercased() ?? ""
        let found = (0..<options.lists).map(listJSON).filter { list in
            (wanted?.contains(list["listId"]?.text ?? "") ?? true)
                && (query.isEmpty || list["name"]?.text?.lowercased().contains(query) == true)
        }
        let page = found.dropFirst(offset).prefix(count)
        let answer: JSONValue = [
            "lists": .array(Array(page)), "hasMore": .bool(offset + page.count < found.count),
            "offset": .number(String(offset + page.count)), "total": .number(String(found.count)),
        ]
        return .json(answer.serialized())
    }

    /// `GET …/lists/{id}/memberships`: `limit` up to 250, default 100.
    func listMemberships(_ id: String, _ request: SimulatorRequest) throws(HubSpotFailure) -> SimulatorResponse {
        guard let number = Int(id), (0..<options.lists).contains(number - HubSpotSimulator.firstListID) else {
            throw HubSpotFailure(404, "OBJECT_NOT_FOUND", "List does not exist with ID \(id).")
        }
        var limit = 100
        if request.query("limit") != nil { limit = try HubSpotSimulator.limit(request, most: 250) }
        let after = try HubSpotSimulator.cursor(request)
        let ids = listMembers(at: number - HubSpotSimulator.firstListID).ids
        let rest = ids.filter { $0 > after }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("results")
        let results: JSONValue = .array(
            rest.prefix(limit).map {
                ["recordId": .string(String($0)), "membershipTimestamp": "2024-01-02T03:04:05.000Z"]
            })
        results.write(to: &writer)
        writer.key("total")
        writer.int(ids.count)
        if rest.count > limit {
            writer.key("paging")
            HubSpotSimulator.writeNext(HubSpotSimulator.cursor(for: rest[limit - 1]), of: request, to: &writer)
        }
        writer.endObject()
        return .json(writer.bytes)
    }

    private func listJSON(_ place: Int) -> JSONValue {
        let members = listMembers(at: place)
        return [
            "listId": .string(String(HubSpotSimulator.firstListID + place)), "listVersion": 1,
            "name": .string("List \(place + 1) – Größe"),
            "objectTypeId": .string(ObjectType.standard(members.object).typeID),
            "processingStatus": "COMPLETE", "processingType": .string(place % 3 == 0 ? "DYNAMIC" : "MANUAL"),
            "createdAt": "2024-01-02T03:04:05.000Z", "updatedAt": "2024-02-02T03:04:05.000Z",
            "createdById": "7", "updatedById": "7",
            "additionalProperties": ["hs_list_size": .string(String(members.ids.count))],
        ]
    }
}
