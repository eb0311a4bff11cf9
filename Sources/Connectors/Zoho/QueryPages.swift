// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Pages of records, in the order of their ids.
///
/// Each page is a query of its own for what lies behind the last id: it needs nothing that Zoho remembers, and a record that
/// is made or deleted meanwhile costs no other its place. Offsets end at 100,000, and lists need a token that is good for
/// a day (zoho.com/crm/developer, "Query API: Limitations" and "Get Records").
struct QueryPages: Sendable {
    let client: ZohoClient
    let module: String
    /// Names of the columns, without the id and the tags.
    let columns: [String]
    private let hasTags: Bool

    /// - Parameter fields: those that are wanted; what a record tells of itself is added.
    init(_ client: ZohoClient, _ schema: ObjectSchema, fields: [String]) throws(MigratezError) {
        self.client = client
        module = schema.name
        var columns: [String] = []
        hasTags = fields.contains(RecordTags.field) && schema.field(RecordTags.field) != nil
        for name in fields + [ZohoModule.modifiedTime]
        where name != ZohoModule.id && !columns.contains(name) && !(hasTags && name == RecordTags.field) {
            guard schema.field(name) != nil, COQL.isName(name) else {
                throw MigratezError(
                    .requestRefused, "\(schema.name) has no field '\(name)' that can be read",
                    remedy: .fixConfiguration, hint: "migratez discover lists the fields")
            }
            columns.append(name)
        }
        guard columns.count < COQL.columnsMax else {
            throw MigratezError(
                .notSupported, "\(columns.count) fields of \(schema.name) are wanted, and a query brings at most 500",
                remedy: .fixConfiguration, hint: "map fewer fields")
        }
        self.columns = columns
    }

    private func select(where condition: String) -> String {
        let names = (columns + [ZohoModule.id]).map(COQL.column).joined(separator: ",")
        return "select \(names) from \(module) where \(condition)"
    }

    /// One page; one that would be too large is asked for in halves.
    func page(after last: String?, limit: Int) async throws -> Page {
        let condition = last.map { "id > \(COQL.literal($0))" } ?? "id is not null"
        let answer: [UInt8]
        do {
            answer = try await client.query(select(where: condition) + " order by id asc limit \(limit)")
        } catch let error as MigratezError where error.code == .responseTooLarge && limit > 1 {
            return try await page(after: last, limit: limit / 2)
        }
        var page = try await tagged(FlatRecords.page(answer, what: module))
        let hasMore = answer.withUnsafeBufferPointer {
            !$0.isEmpty && member(at: ["info", "more_records"], in: $0)?.kind == .true
        }
        guard hasMore || page.records.count + page.malformed.count == limit else { return page }
        guard let range = page.records.last, let id = Self.id(page.bytes, range),
            last.map({ ZohoID.isBehind(id, $0) }) ?? true
        else {
            throw MigratezError(
                .cursorLoop, "Zoho's query of \(module) leads back to a page that was read already",
                remedy: .retry(after: nil))
        }
        page.next = ZohoPlace.query(after: id).cursor
        return page
    }

    /// Records by id, on one page.
    func records(_ ids: [String]) async throws -> Page {
        var whole = Page(bytes: [], records: [], next: nil)
        for group in COQL.groups(ids) {
            try Task.checkCancellation()
            let query = select(where: "id in \(COQL.list(group))") + " limit \(COQL.valuesMax)"
            whole.append(try FlatRecords.page(try await client.query(query), what: module))
        }
        return try await tagged(whole)
    }

    /// The page with the tags of its records, if they are wanted.
    func tagged(_ page: Page) async throws -> Page {
        hasTags ? try await RecordTags(client: client, module: module).complete(page) : page
    }

    private static func id(_ bytes: [UInt8], _ range: Range<Int>) -> String? {
        bytes.withUnsafeBufferPointer { bytes in
            let record = UnsafeBufferPointer(rebasing: bytes[range])
            return member(at: [ZohoModule.id], in: record).map { JSONText.string($0, of: record) }
        }
    }
}

extension Page {
    /// Adds the records of another page.
    mutating func append(_ other: Page) {
        let offset = bytes.count
        bytes += other.bytes
        records += other.records.map { ($0.lowerBound + offset)..<($0.upperBound + offset) }
        malformed += other.malformed
    }
}

/// Where a page begins: `query 554…`, behind that id; `list <token> 554…`, at that token, the page before which ended with
/// that id; `bulk …`, in what a bulk job exports.
enum ZohoPlace: Equatable {
    case query(after: String)
    case bulk(BulkPlace)
    case list(token: String, after: String)

    init(_ cursor: Cursor) throws(MigratezError) {
        let parts = cursor.text.split(separator: " ").map(String.init)
        switch (parts.first, parts.count) {
        case ("query", 2) where ZohoID.isID(parts[1]): self = .query(after: parts[1])
        case ("list", 3) where ZohoID.isID(parts[2]): self = .list(token: parts[1], after: parts[2])
        default:
            guard let place = BulkPlace(parts) else {
                throw MigratezError(.internalError, "this is not a place in what Zoho was asked for")
            }
            self = .bulk(place)
        }
    }

    var cursor: Cursor {
        switch self {
        case .query(let id): Cursor("query \(id)")
        case .list(let token, let id): Cursor("list \(token) \(id)")
        case .bulk(let place): place.cursor
        }
    }
}
