// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezTransport

/// Pages of records through REST, in the order of their ids.
///
/// Each page is a query of its own for what lies behind the last id: it needs nothing that the platform remembers, and a
/// record that is made or deleted meanwhile costs no other its place. The answers' own locators expire, and OFFSET ends at
/// 2,000 (REST API Developer Guide, "Query"; SOQL and SOSL Reference, "OFFSET").
///
/// Where so many fields are wanted that the address would become too long, the query asks for ids alone, and the records
/// are retrieved by these, with the names in the body.
struct QueryPages: Sendable {
    let api: SalesforceAPI
    let recordsMax: Int

    func page(_ selection: RecordSelection, _ range: IDRange) async throws -> Page {
        if PercentEncoding.length(selection.query(range.conditions)) <= Self.queryBytesMax {
            return try await page(selection, range, limit: recordsMax)
        }
        let filter = (selection.filter.map { [$0] } ?? []) + range.conditions
        var ids: [String] = []
        let limit = CollectionRequest.recordsMax
        try await api.query(
            "SELECT Id FROM \(selection.object)"
                + (filter.isEmpty ? "" : " WHERE " + filter.joined(separator: " AND "))
                + " ORDER BY Id LIMIT \(limit)", includesArchived: selection.includesArchived
        ) { record in
            if let id = record["Id"]?.text { ids.append(id) }
        }
        var page = try await retrieve(selection, ids: ids)
        if ids.count == limit, let last = ids.last { page.next = range.behind(last).cursor }
        return page
    }

    /// One page by one query; a page that would be too large is asked for in halves.
    ///
    /// - Parameter condition: what the records must be besides.
    private func page(
        _ selection: RecordSelection, where condition: [String] = [], _ range: IDRange, limit: Int
    ) async throws -> Page {
        let query = selection.query(condition + range.conditions, suffix: " ORDER BY Id LIMIT \(limit)")
        let answer: [UInt8]
        do {
            answer = try await api.page(
                .get, selection.includesArchived ? "/queryAll" : "/query", query: [("q", query)])
        } catch let error as MigratezError where error.code == .responseTooLarge && limit > 1 {
            return try await page(selection, where: condition, range, limit: limit / 2)
        }
        guard let split = answer.withUnsafeBufferPointer({ PageSplit($0, at: ["records"]) }) else {
            throw MigratezError(
                .brokenResponse, "a query of \(selection.object) answered without records", remedy: .retry(after: nil))
        }
        let isDone = answer.withUnsafeBufferPointer { split.member(at: ["done"], in: $0)?.kind == .true }
        var page = Page(bytes: answer, records: split.elements, next: nil)
        // The platform may put fewer records on a page than were asked for; the query behind the last one goes on.
        if !isDone || split.elements.count == limit {
            guard let last = split.elements.last, let id = Self.id(in: answer, last) else {
                throw MigratezError(
                    .brokenResponse, "a query of \(selection.object) has more records and shows none",
                    remedy: .retry(after: nil))
            }
            page.next = range.behind(id).cursor
        }
        return page
    }

    /// Records by id, in one page.
    ///
    /// Archived ones are found by a query that includes them, and files by their document; others by a retrieve, whose field
    /// list has no limit.
    func records(_ selection: RecordSelection, ids: [String]) async throws -> Page {
        let head = selection.query(["\(selection.idField) IN "])
        let isQueried = selection.includesArchived || selection.idField != RecordSelection.id
        guard isQueried, PercentEncoding.length(head) <= Self.queryBytesMax / 2 else {
            return try await retrieve(selection, ids: ids)
        }
        var whole = Page(bytes: [], records: [], next: nil)
        for group in SOQL.groups(ids.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            let condition = ["\(selection.idField) IN \(SOQL.list(group))"]
            var range = IDRange()
            while true {
                let part = try await page(selection, where: condition, range, limit: recordsMax)
                whole.append(part)
                guard let next = part.next, case .rest(let rest) = try ReadPlace(next) else { break }
                range = rest
            }
        }
        return whole
    }

    /// Records by id (REST API Developer Guide, "Get Records With sObject Collections"); what does not exist
    /// is `null` in the answer.
    private func retrieve(_ selection: RecordSelection, ids: [String]) async throws -> Page {
        var whole = Page(bytes: [], records: [], next: nil)
        var rest = ids[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let group = rest.prefix(CollectionRequest.recordsMax)
            rest = rest.dropFirst(group.count)
            let body: JSONValue = [
                "ids": .array(group.map { .string($0) }),
                "fields": .array(selection.columns.map { .string($0.name) }),
            ]
            let answer = try await api.page(
                .post, "/composite/sobjects/\(selection.object)", body: .bytes(body.serialized()))
            guard let split = answer.withUnsafeBufferPointer({ PageSplit($0, at: []) }) else {
                throw MigratezError(
                    .brokenResponse, "records of \(selection.object) were answered without a list",
                    remedy: .retry(after: nil))
            }
            for range in split.elements where answer[range.lowerBound] == UInt8(ascii: "{") {
                let start = whole.bytes.count
                whole.bytes += answer[range]
                whole.records.append(start..<whole.bytes.count)
            }
        }
        return whole
    }

    private static func id(in answer: [UInt8], _ range: Range<Int>) -> String? {
        answer.withUnsafeBufferPointer { bytes in
            let record = UnsafeBufferPointer(rebasing: bytes[range])
            return member(at: [RecordSelection.id], in: record).map { JSONText.string($0, of: record) }
        }
    }

    /// Encoded; the same budget as of the groups of `SOQL.groups`.
    private static let queryBytesMax = 12_000
}

extension Page {
    /// Adds the records of another page.
    fileprivate mutating func append(_ other: Page) {
        let offset = bytes.count
        bytes += other.bytes
        records += other.records.map { ($0.lowerBound + offset)..<($0.upperBound + offset) }
    }
}

extension SalesforceAPI {
    /// The bytes of an answer, valid JSON: an answer that is cut off although its length is right looks like success to the
    /// transport, so it is asked for again here.
    func page(
        _ method: HTTPMethod, _ path: String, query: [(String, String)] = [], body: HTTPBody = .empty
    ) async throws -> [UInt8] {
        let isPost = method == .post
        let request = request(
            method, path, query: query, contentType: isPost ? "application/json" : nil, body: body,
            endpointClass: isPost ? "retrieve" : "query", isIdempotent: true)
        var attempt = 1
        while true {
            let response = try await send(request)
            do throws(JSONFailure) {
                try JSONScanner.validate(response.body, limits: .page)
                return response.body
            } catch {
                guard attempt < Self.pageAttemptsMax else {
                    throw error.error(.brokenResponse, in: "the answer to \(request)", remedy: .retry(after: nil))
                }
            }
            attempt += 1
        }
    }

    private static let pageAttemptsMax = 4
}
