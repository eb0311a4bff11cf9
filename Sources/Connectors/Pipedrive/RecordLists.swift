// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// Records from the lists, which are read from the database itself; search has an index that lags behind, and is never
/// asked.
struct RecordLists: Sendable {
    let client: PipedriveClient
    let paths: PipedrivePaths
    let catalog: PipedriveCatalog

    init(_ connection: PipedriveConnection, _ catalog: PipedriveCatalog) {
        client = connection.client
        paths = connection.paths
        self.catalog = catalog
    }

    /// What is asked for besides the place.
    struct Narrowing: Sendable {
        var query: [(String, String)] = []
        var limit = PipedriveLimits.pageRecordsMax
    }

    struct ListPage {
        var records: [FlatRecord]
        /// Entries that are no records.
        var malformed: [(number: Int, entry: JSONValue)] = []
        var next: PipedriveCursor?
    }

    /// One page. After the last page of deals come those that are archived.
    func page(
        of object: PipedriveObject, at place: PipedriveCursor, _ narrowing: Narrowing = Narrowing()
    ) async throws -> ListPage {
        do {
            switch place {
            case .list(let isArchived, let after):
                return try await page(object, isArchived, after, narrowing)
            case .position(let position, let last):
                return try await page(object, from: position, last: last, narrowing)
            }
        } catch let error as MigratezError where error.code == .responseTooLarge && narrowing.limit > 1 {
            // Records with long texts: half as many.
            var narrower = narrowing
            narrower.limit = (narrowing.limit + 1) / 2
            return try await page(of: object, at: place, narrower)
        }
    }

    private func page(
        _ object: PipedriveObject, _ isArchived: Bool, _ after: String?, _ narrowing: Narrowing
    ) async throws -> ListPage {
        var query = [("limit", String(narrowing.limit))] + narrowing.query
        if object == .deal, !query.contains(where: { $0.0 == "include_fields" }) {
            query.append(("include_fields", "participants_count"))
        }
        if let after { query.append(("cursor", after)) }
        let answer = try await client.answer(
            isArchived ? paths.archivedDeals : paths.list(object), query, isArchived ? .formerList : .list)
        var page = try await split(answer, object)
        let next = answer["additional_data"]?["next_cursor"]?.text
        if let next {
            guard next != after else { throw PipedriveClient.loop(object.path) }
            page.next = .list(isArchived: isArchived, after: next)
        } else if object == .deal, !isArchived {
            page.next = .list(isArchived: true, after: nil)
        }
        return page
    }

    /// Version 1 pages by position, so that a record which is deleted meanwhile moves those behind it: each page begins
    /// with the last record of the one before, and if it does not, the place is looked for further ahead.
    private func page(
        _ object: PipedriveObject, from position: Int, last: Int, _ narrowing: Narrowing
    ) async throws -> ListPage {
        // With the one that was read last.
        let limit = min(narrowing.limit + 1, object.pageRecordsMax)
        var start = max(0, position - 1)
        while true {
            let query = [("start", String(start)), ("limit", String(limit)), ("sort", "id ASC")]
            let answer = try await client.answer(paths.list(object), query + narrowing.query, .formerList)
            var page = try await split(answer, object)
            let isBehind = page.records.first.flatMap { Int($0.id) }.map { $0 > last } ?? true
            if isBehind, start > 0 {
                start = max(0, start - limit)
                continue
            }
            let hasMore = answer["additional_data"]?["pagination"]?["more_items_in_collection"]?.bool == true
            let end = start + page.records.count + page.malformed.count
            page.records.removeAll { Int($0.id) ?? 0 <= last }
            let newest = page.records.last.flatMap { Int($0.id) } ?? last
            if hasMore {
                guard end > start else { throw PipedriveClient.loop(object.path) }
                page.next = .position(end, last: newest)
            }
            return page
        }
    }

    private func split(_ answer: JSONValue, _ object: PipedriveObject) async throws -> ListPage {
        let fields = try await catalog.fields(of: object)
        guard let data = answer["data"] else {
            throw MigratezError(
                .brokenResponse, "Pipedrive's answer holds no list of \(object.path)", remedy: .retry(after: nil))
        }
        var page = ListPage(records: [])
        for (number, entry) in data.elements.enumerated() {
            if let record = FlatRecord(entry, fields) {
                page.records.append(record)
            } else {
                page.malformed.append((number + 1, entry))
            }
        }
        return page
    }

    /// Records by id; one that does not exist is absent.
    ///
    /// - Parameter names: the custom fields that are wanted; `nil` = all.
    func records(_ object: PipedriveObject, _ ids: [String], names: [String]? = nil) async throws -> [FlatRecord] {
        // What is no number is no id of Pipedrive's, and a request that names it would be refused.
        let ids = ids.filter { Int($0) != nil }
        guard !object.isFormer else { return try await formerRecords(object, ids) }
        var codes: [String]?
        if let names { codes = try await catalog.fields(of: object).customCodes(names) }
        var records: [FlatRecord] = []
        var rest = ids[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let group = Array(rest.prefix(PipedriveLimits.idsMax))
            rest = rest.dropFirst(group.count)
            records += try await identified(object, group, codes, isArchived: false)
            guard object == .deal else { continue }
            let found = Set(records.map(\.id))
            let missing = group.filter { !found.contains($0) }
            if !missing.isEmpty { records += try await identified(object, missing, codes, isArchived: true) }
        }
        return records
    }

    private func identified(
        _ object: PipedriveObject, _ ids: [String], _ codes: [String]?, isArchived: Bool
    ) async throws -> [FlatRecord] {
        var narrowing = Narrowing(
            query: [("ids", ids.joined(separator: ","))] + Self.customFields(codes), limit: PipedriveLimits.idsMax)
        if object == .deal { narrowing.query.append(("include_fields", "participants_count")) }
        return try await page(object, isArchived, nil, narrowing).records
    }

    /// The newest id of the object; `0` = there is none.
    func newestID(_ object: PipedriveObject) async throws -> Int {
        let answer = try await client.answer(
            paths.list(object), Self.newestFirst(object) + [("limit", "1")], object.isFormer ? .formerList : .list)
        return try await split(answer, object).records.first.flatMap { Int($0.id) } ?? 0
    }

    /// The records with a greater id than this one, the newest first.
    func newer(_ object: PipedriveObject, than last: Int) async throws -> [FlatRecord] {
        var records: [FlatRecord] = []
        var place = [("start", "0")]
        if !object.isFormer { place = [] }
        while true {
            try Task.checkCancellation()
            let answer = try await client.answer(
                paths.list(object),
                Self.newestFirst(object) + [("limit", String(min(Self.newerLimit, object.pageRecordsMax)))] + place,
                object.isFormer ? .formerList : .list)
            let page = try await split(answer, object).records
            records += page.filter { Int($0.id) ?? 0 > last }
            let more = answer["additional_data"]
            guard page.allSatisfy({ Int($0.id) ?? 0 > last }),
                let next = more?["next_cursor"]?.text ?? more?["pagination"]?["next_start"]?.text
            else { return records }
            let following = [(object.isFormer ? "start" : "cursor", next)]
            guard following.map(\.1) != place.map(\.1) else { throw PipedriveClient.loop(object.path) }
            place = following
        }
    }

    /// Twice the rows of a batch: others may have made some meanwhile.
    private static let newerLimit = PipedriveLimits.batchRows * 2

    private static func newestFirst(_ object: PipedriveObject) -> [(String, String)] {
        object.isFormer ? [("sort", "id DESC")] : [("sort_by", "id"), ("sort_direction", "desc")]
    }

    /// What the company counts of records that refer to these, by id.
    func counts(_ object: PipedriveObject, _ ids: [String]) async throws -> [String: JSONValue] {
        var counts: [String: JSONValue] = [:]
        var rest = ids.filter { Int($0) != nil }[...]
        while !rest.isEmpty {
            let group = rest.prefix(PipedriveLimits.idsMax)
            rest = rest.dropFirst(group.count)
            let names = object.counts.map(\.name).joined(separator: ",")
            let narrowing = Narrowing(
                query: [("ids", group.joined(separator: ",")), ("include_fields", names)], limit: PipedriveLimits.idsMax
            )
            for record in try await page(object, false, nil, narrowing).records { counts[record.id] = record.json }
        }
        return counts
    }

    /// Whether there is a record whose field refers to this one.
    func refers(_ object: PipedriveObject, by field: String, to id: String) async throws -> Bool {
        let answer = try await client.answer(
            paths.list(object), [(field, id), ("limit", "1")], object.isFormer ? .formerList : .list)
        return answer["data"]?.elements.isEmpty == false
    }

    /// Whether files belong to the record.
    func hasFiles(_ object: PipedriveObject, _ id: String) async throws -> Bool {
        let answer = try await client.answer(paths.files(of: object, id), [("limit", "1")], .formerList)
        return answer["data"]?.elements.isEmpty == false
    }

    /// Narrows answers to some custom fields, if the API takes as many.
    static func customFields(_ codes: [String]?) -> [(String, String)] {
        guard let codes, !codes.isEmpty, codes.count <= PipedriveLimits.customFieldsMax else { return [] }
        return [("custom_fields", codes.joined(separator: ","))]
    }

    private func formerRecords(_ object: PipedriveObject, _ ids: [String]) async throws -> [FlatRecord] {
        let fields = try await catalog.fields(of: object)
        var records: [FlatRecord] = []
        for id in ids {
            try Task.checkCancellation()
            do {
                let data = try await client.data(paths.record(object, id), [], .formerRead)
                // A deleted note may still be shown, with this mark.
                guard data["active_flag"]?.bool != false, let record = FlatRecord(data, fields) else { continue }
                records.append(record)
            } catch let error as MigratezError where [404, 410].contains(error.callRefused?.status) {
                continue
            }
        }
        return records
    }
}
