// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// One type of a link between two records, seen from one of them (developers.hubspot.com, "Associations v4").
struct LinkType: Sendable, Hashable {
    /// `HUBSPOT_DEFINED`, `USER_DEFINED`.
    var category: String
    var id: Int
    var label: String?

    init(category: String, id: Int, label: String? = nil) {
        self.category = category
        self.id = id
        self.label = label
    }

    init(_ value: JSONValue) {
        category = value["category"]?.text ?? ""
        id = value["typeId"]?.int ?? 0
        label = value["label"]?.text
    }

    static let own = "HUBSPOT_DEFINED"

    /// Whether somebody gave such links a name. The unlabelled links of a custom object are defined by users, too.
    var isLabel: Bool { category != Self.own && label?.isEmpty == false }

    var isPrimary: Bool { category == Self.own && (label == "Primary" || Self.primaryTypes.contains(id)) }

    /// As a request names it.
    var json: JSONValue {
        ["associationCategory": .string(category), "associationTypeId": .number(String(id))]
    }

    /// Between companies every link is seen from both ends; it counts at the child, where it leads to the parent:
    /// "child to parent company" (developers.hubspot.com, "Associations v4", type id values). Types are the same whatever
    /// their label says.
    static let childToParent = LinkType(category: own, id: 14)

    static func == (a: LinkType, b: LinkType) -> Bool { a.category == b.category && a.id == b.id }

    func hash(into hasher: inout Hasher) {
        hasher.combine(category)
        hasher.combine(id)
    }

    /// The types that HubSpot calls primary: contact and company, deal and company, ticket and company, lead and contact
    /// or company; developers.hubspot.com, "Associations v4", type id values. Their label is not always sent.
    private static let primaryTypes: Set<Int> = [1, 2, 5, 6, 25, 26, 578, 580]
}

/// All that links one record to another.
struct HubSpotLink: Sendable {
    var from: String
    var to: String
    var types: [LinkType]
}

/// Reads links between records, each to its last page.
struct LinkReader: Sendable {
    let client: HubSpotClient
    let paths: HubSpotPaths

    init(_ connection: HubSpotConnection) {
        client = connection.client
        paths = connection.paths
    }

    /// All links of these records to records of `to`.
    func links(of ids: [String], from: HubSpotObject, to: HubSpotObject) async throws -> [HubSpotLink] {
        let path = paths.links(from.type, to.type, .read)
        var links: [HubSpotLink] = []
        // Each entry is one page of one record's links; what has more comes back with its cursor.
        var open = ids.map { LinkPlace(id: $0, after: nil) }
        var seen: Set<LinkPlace> = []
        while !open.isEmpty {
            let asked = open.prefix(HubSpotLimits.linkReadIDsMax)
            open.removeFirst(asked.count)
            for place in asked where place.after != nil && !seen.insert(place).inserted {
                throw MigratezError(
                    .cursorLoop,
                    "HubSpot's links of \(from.type) \(place.id) lead back to a page that was read already",
                    remedy: .retry(after: nil))
            }
            for result in try await answer(path, Array(asked)) {
                guard let id = result["from"]?["id"]?.text else { throw Self.noIDs(from, to) }
                for link in result["to"]?.elements ?? [] {
                    guard let target = link["toObjectId"]?.text else { throw Self.noIDs(from, to) }
                    let types = (link["associationTypes"]?.elements ?? []).map { LinkType($0) }
                    links.append(HubSpotLink(from: id, to: target, types: types))
                }
                if let after = result["paging"]?["next"]?["after"]?.text {
                    open.append(LinkPlace(id: id, after: after))
                }
            }
        }
        return links
    }

    /// One page of links for each place. Records with so many links that the answer is too large are asked for in halves.
    private func answer(_ path: String, _ places: [LinkPlace]) async throws -> [JSONValue] {
        let inputs = places.map { place in
            JSONValue.object(
                [.init("id", .string(place.id))] + (place.after.map { [.init("after", .string($0))] } ?? []))
        }
        do {
            let answer = try await client.post(path, [], ["inputs": .array(inputs)], class: "associations")
            try HubSpotAnswers.checkPartial(answer, what: "the links")
            guard let value = try? JSONValue(parsing: answer), case .array(let results)? = value["results"] else {
                throw MigratezError(.brokenResponse, "HubSpot's answer holds no links", remedy: .retry(after: nil))
            }
            return results
        } catch let error as MigratezError where error.code == .responseTooLarge && places.count > 1 {
            let half = places.count / 2
            let first = try await self.answer(path, Array(places[..<half]))
            return try await first + self.answer(path, Array(places[half...]))
        }
    }

    private static func noIDs(_ from: HubSpotObject, _ to: HubSpotObject) -> MigratezError {
        MigratezError(
            .brokenResponse, "HubSpot's links from \(from.type) to \(to.type) lack ids", remedy: .retry(after: nil))
    }
}

/// A page of one record's links.
private struct LinkPlace: Hashable {
    var id: String
    var after: String?
}
