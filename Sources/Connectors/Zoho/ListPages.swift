// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Pages of modules that cannot be queried: notes.
///
/// A list goes on by a token that is good for a day and for the same question only. Where a run goes on later than that, the
/// list is read from its beginning, and what was read before is passed over by its ids.
///
/// Source: zoho.com/crm/developer, "Get Records": 200 records a page, 50 fields, 100,000 records by page tokens.
struct ListPages: Sendable {
    /// Notes may be long: so many of them fit into one answer.
    private static let pageRecords = 100
    private static let fieldsMax = 50
    private static let recordsMax = 100_000
    private static let idsMax = 100

    let client: ZohoClient
    let module: String
    let fields: [String]

    init(_ client: ZohoClient, _ schema: ObjectSchema, fields: [String]) throws(MigratezError) {
        self.client = client
        module = schema.name
        var names: [String] = []
        for name in fields + [ZohoModule.modifiedTime] where name != ZohoModule.id && !names.contains(name) {
            names.append(name)
        }
        guard names.count <= Self.fieldsMax else {
            throw MigratezError(
                .notSupported, "\(names.count) fields of \(module) are wanted, and a list brings at most 50",
                remedy: .fixConfiguration, hint: "map fewer fields")
        }
        self.fields = names
    }

    func page(at place: ZohoPlace?) async throws -> Page {
        guard case .list(let token, let last)? = place else { return try await page(token: nil, after: nil) }
        do {
            return try await page(token: token, after: last)
        } catch let error as MigratezError
            where error.callRefused?.refusal.field == "page_token"
            || error.callRefused?.refusal.code == "EXPIRED_VALUE"
        {
            return try await pageFromTheBeginning(after: last)
        }
    }

    /// Records by id, on one page.
    func records(_ ids: [String]) async throws -> Page {
        var whole = Page(bytes: [], records: [], next: nil)
        var rest = ids[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let group = rest.prefix(Self.idsMax)
            rest = rest.dropFirst(group.count)
            let answer = try await client.get(
                "/\(module)", query([("ids", group.joined(separator: ","))]), class: "list")
            whole.append(try FlatRecords.page(answer, what: module))
        }
        return whole
    }

    /// Passes over pages until one has a record behind that id.
    private func pageFromTheBeginning(after last: String) async throws -> Page {
        var token: String?
        for _ in 0...(Self.recordsMax / Self.pageRecords) {
            let page = try await page(token: token, after: last)
            guard page.records.isEmpty, page.malformed.isEmpty, let next = page.next,
                case .list(let nextToken, _) = try ZohoPlace(next)
            else { return page }
            token = nextToken
        }
        throw MigratezError(.cursorLoop, "Zoho's list of \(module) has no end", remedy: .retry(after: nil))
    }

    private func page(token: String?, after last: String?) async throws -> Page {
        var items = [("per_page", String(Self.pageRecords)), ("sort_by", "id"), ("sort_order", "asc")]
        if let token { items.append(("page_token", token)) }
        let answer = try await client.get("/\(module)", query(items), class: "list")
        var page = try FlatRecords.page(answer, what: module, after: last)
        let info = answer.withUnsafeBufferPointer { bytes in
            bytes.isEmpty
                ? nil
                : member(at: ["info"], in: bytes).map {
                    JSONValue(validated: UnsafeBufferPointer(rebasing: bytes[$0.range]))
                }
        }
        guard info?["more_records"]?.bool == true else { return page }
        guard let next = info?["next_page_token"]?.text, next != token else {
            throw MigratezError(
                .notSupported, "Zoho lists no more than \(Self.recordsMax) records of \(module)",
                remedy: .fixConfiguration, hint: "what lies behind them cannot be read through the API")
        }
        page.next = ZohoPlace.list(token: next, after: Self.lastID(answer) ?? last ?? "0").cursor
        return page
    }

    private func query(_ items: [(String, String)]) -> [(String, String)] {
        [("fields", fields.joined(separator: ","))] + items
    }

    private static func lastID(_ answer: [UInt8]) -> String? {
        answer.withUnsafeBufferPointer { bytes in
            guard let range = PageSplit(bytes, at: ["data"])?.elements.last else { return nil }
            let record = UnsafeBufferPointer(rebasing: bytes[range])
            return member(at: [ZohoModule.id], in: record).map { JSONText.string($0, of: record) }
        }
    }
}
