// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
package import MigratezModel

/// Links between records (associations v4).
extension HubSpotSource {
    /// HubSpot takes 1,000 ids a request. That there are no links of a kind is an answer, too.
    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? { HubSpotSource.linkIDsMax }

    static let linkIDsMax = 1_000

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        let path = settings.paths.linksRead(HubSpotObject(from).type, HubSpotObject(to).type)
        var edges: [Edge] = []
        // Each entry is one page of one record's links; what has more comes back with its cursor.
        var open = records.map { LinkPlace(id: $0.id, after: nil) }
        var seen: Set<LinkPlace> = []
        while !open.isEmpty {
            let asked = open.prefix(HubSpotSource.linkIDsMax)
            open.removeFirst(asked.count)
            for place in asked where place.after != nil && !seen.insert(place).inserted {
                throw MigratezError(
                    .cursorLoop, "HubSpot's links of \(from) \(place.id) lead back to a page that was read already",
                    remedy: .retry(after: nil))
            }
            let answer = try await linksAnswer(path, Array(asked))
            for result in answer {
                guard let id = result["from"]?["id"]?.text else { throw noLinks(from, to) }
                for link in result["to"]?.elements ?? [] {
                    guard let target = link["toObjectId"]?.text else { throw noLinks(from, to) }
                    let types = link["associationTypes"]?.elements ?? []
                    guard from != Self.company || to != Self.company || types.contains(where: Self.leadsToParent) else {
                        continue
                    }
                    edges += linkEdges(from: id, to: target, types: types)
                }
                if let after = result["paging"]?["next"]?["after"]?.text {
                    open.append(LinkPlace(id: id, after: after))
                }
            }
        }
        return edges
    }

    /// One page of links for each place. Records with so many links that the answer is too large are asked for in halves.
    private func linksAnswer(_ path: String, _ places: [LinkPlace]) async throws -> [JSONValue] {
        let inputs = places.map { place in
            JSONValue.object(
                [.init("id", .string(place.id))] + (place.after.map { [.init("after", .string($0))] } ?? []))
        }
        do {
            let answer = try await client.post(path, [], ["inputs": .array(inputs)], class: "associations")
            try checkPartial(answer, what: "the links")
            guard let value = try? JSONValue(parsing: answer), case .array(let results)? = value["results"] else {
                throw MigratezError(.brokenResponse, "HubSpot's answer holds no links", remedy: .retry(after: nil))
            }
            return results
        } catch let error as MigratezError where error.code == .responseTooLarge && places.count > 1 {
            let half = places.count / 2
            let first = try await linksAnswer(path, Array(places[..<half]))
            return try await first + linksAnswer(path, Array(places[half...]))
        }
    }

    /// A link with several labels is one edge for each; a link without one is one edge.
    private func linkEdges(from: String, to: String, types: [JSONValue]) -> [Edge] {
        var isPrimary = false
        var labels: [String] = []
        for type in types {
            let label = type["label"]?.text
            let isOwn = type["category"]?.text == "HUBSPOT_DEFINED"
            if isOwn, label == "Primary" || HubSpotSource.primaryTypes.contains(type["typeId"]?.int ?? 0) {
                isPrimary = true
            } else if let label, !label.isEmpty, !labels.contains(label) {
                labels.append(label)
            }
        }
        guard !labels.isEmpty else { return [Edge(from: from, to: to, isPrimary: isPrimary)] }
        return labels.map { Edge(from: from, to: to, isPrimary: isPrimary, label: $0) }
    }

    private func noLinks(_ from: StreamName, _ to: StreamName) -> MigratezError {
        MigratezError(.brokenResponse, "HubSpot's links from \(from) to \(to) lack ids", remedy: .retry(after: nil))
    }

    private static let company = StreamName("company")

    /// Between companies every link is seen from both ends; it counts at the child, where it leads to the parent:
    /// type 14, "child to parent company" (developers.hubspot.com, "Associations v4", type id values).
    private static func leadsToParent(_ type: JSONValue) -> Bool {
        type["category"]?.text == "HUBSPOT_DEFINED" && type["typeId"]?.int == 14
    }

    /// The types that HubSpot calls primary: contact and company, deal and company, ticket and company, lead and contact
    /// or company; developers.hubspot.com, "Associations v4", type id values. Their label is not always sent.
    private static let primaryTypes: Set<Int> = [1, 2, 5, 6, 25, 26, 578, 580]
}

/// A page of one record's links.
private struct LinkPlace: Hashable {
    var id: String
    var after: String?
}
