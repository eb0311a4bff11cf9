// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Synchronization

/// The ids that recent searches found, so that paging through a result does not search again.
final class SearchCache: Sendable {
    private let entries = Mutex<[(key: [UInt8], ids: [Int])]>([])

    func ids(for key: [UInt8]) -> [Int]? { entries.withLock { $0.first { $0.key == key }?.ids } }

    func keep(_ ids: [Int], for key: [UInt8]) {
        entries.withLock { entries in
            entries.append((key, ids))
            if entries.count > 4 { entries.removeFirst() }
        }
    }
}

extension HubSpotSimulator {
    static let searchResultsMax = 10_000

    /// `POST …/search`: `limit` up to 200, default 10; no more than 10,000 results can be reached by paging; archived
    /// records are not found; what was written lately is not found yet (`searchLag`).
    func search(_ object: ObjectType, _ request: SimulatorRequest) async throws(HubSpotFailure) -> SimulatorResponse {
        guard request.body.count <= 3000 else {
            throw .invalid("The request body is too long: 3000 characters are allowed")
        }
        let body = try HubSpotSimulator.body(request)
        let limit = body["limit"]?.int ?? 10
        guard (1...200).contains(limit) else { throw .invalid("limit must be between 1 and 200") }
        let after = body["after"]?.text.flatMap { $0.isEmpty ? 0 : Int($0) } ?? 0
        guard after >= 0, after < HubSpotSimulator.searchResultsMax else {
            throw .invalid("There was a problem with the request: paging ends at \(HubSpotSimulator.searchResultsMax)")
        }
        let query = try SearchQuery(body, definitions(of: object))
        let names = selection(object, body["properties"]?.elements.compactMap(\.text) ?? [])
        let ids = try await matches(object, query, body)
        let reach = min(ids.count, after + limit, HubSpotSimulator.searchResultsMax)
        let page = after < reach ? Array(ids[after..<reach]) : []
        var writer = JSONWriter(capacity: page.count * 1024)
        writer.beginObject()
        writer.key("total")
        writer.int(ids.count)
        writer.key("results")
        writer.beginArray()
        for record in try await indexed(object, page) { record.write(names, to: &writer) }
        writer.endArray()
        if reach < ids.count {
            writer.key("paging")
            writer.beginObject()
            writer.key("next")
            writer.beginObject()
            writer.key("after")
            writer.string(String(reach))
            writer.endObject()
            writer.endObject()
        }
        writer.endObject()
        return .json(writer.bytes)
    }

    /// The ids of all records that match, in the order that is asked for, else by id.
    private func matches(
        _ object: ObjectType, _ query: SearchQuery, _ body: JSONValue
    ) async throws(HubSpotFailure) -> [Int] {
        let isPristine = !overlay.hasRecords(of: object)
        let key: JSONValue = [
            "o": .number(String(object.number)), "g": body["filterGroups"] ?? .null, "s": body["sorts"] ?? .null,
            "q": .string(query.text),
        ]
        let cacheKey = key.serialized()
        if isPristine, let known = searches.ids(for: cacheKey) { return known }
        let written =
            isPristine ? [] : try await overlay.read { try $0.stored(object, after: 0, through: .max, limit: .max) }
        let replaced = try await visible(object, written)
        var found: [RecordView] = []
        if let synthetic = object.synthetic {
            for index in 0..<crm.counts[synthetic] where !crm.isArchived(synthetic, at: index) {
                let record = RecordView(crm, synthetic, index: index)
                if !replaced.ids.contains(record.id), query.matches(record) { found.append(record) }
            }
        }
        found += replaced.records.filter { !$0.isArchived && query.matches($0) }
        let ids = HubSpotSimulator.sorted(found, by: query.sort)
        if isPristine { searches.keep(ids, for: cacheKey) }
        return ids
    }

    /// Written records that the index knows already, and the ids of synthetic ones that they hide.
    private func visible(
        _ object: ObjectType, _ written: [StoredRecord]
    ) async throws(HubSpotFailure) -> (records: [RecordView], ids: Set<Int>) {
        let horizon =
            options.clock.now.milliseconds - Timestamp(milliseconds: 0).advanced(by: options.searchLag).milliseconds
        let old = written.filter { max($0.updatedAt, $0.archivedAt ?? $0.updatedAt).milliseconds <= horizon }
        return (old.map { RecordView(object, $0) }, Set(old.map(\.id)))
    }

    private func indexed(_ object: ObjectType, _ ids: [Int]) async throws(HubSpotFailure) -> [RecordView] {
        guard overlay.hasRecords(of: object) else {
            return ids.compactMap { id in RecordView(crm, object, id: id) }
        }
        return try await overlay.read { session in try ids.compactMap { try session.record(object, id: $0) } }
    }

    private static func sorted(_ records: [RecordView], by sort: SearchQuery.Sort?) -> [Int] {
        guard let sort else { return records.map(\.id).sorted() }
        if sort.isNumeric {
            let keyed = records.map { record in
                (key: record[sort.property].flatMap(SearchQuery.number) ?? -.infinity, id: record.id)
            }
            return keyed.sorted {
                $0.key != $1.key ? ($0.key < $1.key) != sort.isDescending : $0.id < $1.id
            }.map(\.id)
        }
        let keyed = records.map { (key: $0[sort.property] ?? "", id: $0.id) }
        return keyed.sorted { $0.key != $1.key ? ($0.key < $1.key) != sort.isDescending : $0.id < $1.id }.map(\.id)
    }
}
