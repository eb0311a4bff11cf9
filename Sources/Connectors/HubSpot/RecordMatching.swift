// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Finds records that people made by the values of their properties.
///
/// By a unique property they are read from the database itself. By others only search can find them, whose index lags
/// behind by seconds: records that somebody made just now may be missed, which is no danger to records of ours, since
/// these are never looked for here.
///
/// Source: developers.hubspot.com, "Search the CRM": 5 groups of 6 filters, 18 in all; bodies of 3,000 characters; texts
/// of IN in lower case; 10,000 results.
struct RecordMatching: Sendable {
    let connection: HubSpotConnection
    let keyProperty: String

    /// Records without our key whose properties equal one of the tuples, without regard to case and outer spaces. A tuple
    /// with an empty value matches nothing.
    func find(
        _ object: HubSpotObject, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        let tuples = values.filter { !$0.contains("") }
        guard !tuples.isEmpty else { return [] }
        let names = Array(Set(fields + returning + [keyProperty])).sorted()
        let records: [JSONValue]
        if fields.count == 1, try await isUnique(fields[0], object) {
            let keys = Set(tuples.map { $0[0].lowercased() }).sorted()
            records = try await BatchRead(connection).records(keys, names, of: object, by: fields[0])
        } else {
            let ids = try await search(object, fields, tuples)
            records = try await BatchRead(connection).records(ids, names, of: object)
        }
        let wanted = Set(tuples.map { $0.map(Self.folded) })
        return records.filter { record in
            let properties = record["properties"]
            return (properties?[keyProperty]?.text ?? "").isEmpty
                && wanted.contains(fields.map { Self.folded(properties?[$0]?.text ?? "") })
        }.compactMap { ReadBack(record: $0, fields: returning, keyProperty: keyProperty) }
    }

    /// Contacts are found by their address although it is not listed as unique everywhere.
    private func isUnique(_ field: String, _ object: HubSpotObject) async throws -> Bool {
        if object.type == "contacts", field == "email" { return true }
        return try await HubSpotCatalog(connection).schema(of: object).field(field)?.isUnique == true
    }

    private static func folded(_ text: String) -> String {
        let start = text.lowercased().drop { $0 == " " }
        return String(start.reversed().drop { $0 == " " }.reversed())
    }

    // MARK: Search

    private func search(_ object: HubSpotObject, _ fields: [String], _ tuples: [[String]]) async throws -> [String] {
        let kinds = try await HubSpotCatalog(connection).schema(of: object)
        let isText = fields.map { name in
            [.text, .longText, .email, .phone, .url].contains(kinds.field(name)?.kind ?? .text)
        }
        let searched = tuples.map { tuple in zip(tuple, isText).map { $1 ? $0.lowercased() : $0 } }
        var ids: Set<String> = []
        for body in try Self.bodies(fields, searched, keyProperty: keyProperty) {
            try await ids.formUnion(pages(of: object, body))
        }
        return ids.sorted()
    }

    /// One body for as many tuples as HubSpot takes in one search.
    static func bodies(
        _ fields: [String], _ tuples: [[String]], keyProperty: String
    ) throws(MigratezError) -> [[JSONValue.Member]] {
        func filter(_ name: String, _ comparison: String, _ more: JSONValue.Member?) -> JSONValue {
            .object(
                [.init("propertyName", .string(name)), .init("operator", .string(comparison))]
                    + (more.map { [$0] } ?? []))
        }
        let isOurs = filter(keyProperty, "NOT_HAS_PROPERTY", nil)
        func body(_ tuples: [[String]]) -> [JSONValue.Member] {
            let groups: [JSONValue]
            if fields.count == 1 {
                let list = JSONValue.array(tuples.map { .string($0[0]) })
                groups = [["filters": [filter(fields[0], "IN", .init("values", list)), isOurs]]]
            } else {
                groups = tuples.map { tuple in
                    let equal = zip(fields, tuple).map { filter($0, "EQ", .init("value", .string($1))) }
                    return ["filters": .array(equal + [isOurs])]
                }
            }
            return [
                .init("filterGroups", .array(groups)), .init("properties", ["hs_object_id"]),
                .init("limit", .number(String(HubSpotLimits.searchPageMax))),
            ]
        }
        let filtersOfOne = fields.count + 1
        guard filtersOfOne <= 6 else {
            throw MigratezError(
                .notSupported, "HubSpot finds records by at most five properties at once, not by \(fields.count)",
                remedy: .fixConfiguration, hint: "name fewer keys in against_target")
        }
        let tuplesMax = fields.count == 1 ? 100 : min(HubSpotLimits.searchGroupsMax, 18 / filtersOfOne)
        var bodies: [[JSONValue.Member]] = []
        var open: [[String]] = []
        for tuple in tuples {
            let next = open + [tuple]
            let bytes = JSONValue.object(body(next)).serialized().count
            if !open.isEmpty, next.count > tuplesMax || bytes > HubSpotLimits.searchBodyBytesMax {
                bodies.append(body(open))
                open = [tuple]
            } else {
                open = next
            }
        }
        if !open.isEmpty { bodies.append(body(open)) }
        return bodies
    }

    /// The ids of all results of one search.
    private func pages(of object: HubSpotObject, _ body: [JSONValue.Member]) async throws -> [String] {
        var ids: [String] = []
        var after: String?
        repeat {
            var page = body
            if let after { page.append(.init("after", .string(after))) }
            let bytes = try await connection.client.post(
                connection.paths.search(object.type), [], .object(page), class: "search")
            let answer = bytes.withUnsafeBufferPointer { JSONValue(validated: $0) }
            guard let total = answer["total"]?.int, total <= HubSpotLimits.searchResultsMax else {
                throw MigratezError(
                    .requestRefused, "more \(object.type) match than HubSpot's search shows", remedy: .fixConfiguration,
                    hint: "name keys in against_target that tell records apart better")
            }
            ids += (answer["results"]?.elements ?? []).compactMap { $0["id"]?.text }
            let next = answer["paging"]?["next"]?["after"]?.text
            guard next == nil || next != after else {
                throw MigratezError(
                    .cursorLoop, "HubSpot's search of \(object.type) repeats a page", remedy: .retry(after: nil))
            }
            after = next
        } while after != nil
        return ids
    }
}

extension ReadBack {
    /// A record as HubSpot answers it, with these of its properties or members; `nil` if it has no id.
    init?(record: JSONValue, fields: [String], keyProperty: String) {
        guard let id = record["id"]?.text else { return nil }
        let properties = record["properties"]
        var writer = JSONWriter()
        writer.beginObject()
        for field in fields {
            writer.key(field)
            (properties?[field] ?? record[field] ?? .null).write(to: &writer)
        }
        writer.endObject()
        let key = properties?[keyProperty]?.text.flatMap { $0.isEmpty ? nil : $0 }
        self.init(id: id, key: key, fields: writer.bytes)
    }
}
