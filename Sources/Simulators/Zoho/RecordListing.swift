// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Lists of records, single ones, those that were deleted, and how many there are.
///
/// Source: zoho.com/crm/developer, "Get Records", "Get Deleted Records", "Get Record Count".
struct RecordListing {
    private static let perPageMax = 200
    private static let fieldsMax = 50
    /// How far `page` reaches, and how far page tokens do.
    private static let pagedMax = 2_000
    private static let tokenMax = 100_000

    let organisation: Organisation
    let session: DocumentSession
    let module: ModuleDefinition
    let request: SimulatorRequest
    let now: Timestamp

    /// - Parameter filter: the records that the list is about, such as those of a related list.
    func list(_ filter: DocumentCondition = .all) throws -> SimulatorResponse {
        let fields = try fields()
        let perPage = request.query("per_page").flatMap { Int($0) } ?? Self.perPageMax
        guard (1...Self.perPageMax).contains(perPage) else { throw ZohoFailure.invalid("per_page", "invalid data") }
        if let since = request.headers["If-Modified-Since"].flatMap(ZonedTime.timestamp) {
            let changed = DocumentCondition.and([filter, .modified(.greater, since)])
            guard try session.count(module.name, where: changed) > 0 else { return .empty(status: 304) }
            return try page(changed, fields, perPage)
        }
        if case let ids = request.queryList("ids"), !ids.isEmpty {
            guard ids.count <= 100 else { throw ZohoFailure(400, "LIMIT_EXCEEDED", "more than 100 ids are given") }
            let named = ids.compactMap { Int64($0) }.map { DocumentCondition.id(.equals, $0) }
            return try page(.and([filter, .or(named)]), fields, perPage)
        }
        return try page(filter, fields, perPage)
    }

    private func fields() throws(ZohoFailure) -> [String] {
        let fields = request.queryList("fields")
        guard !fields.isEmpty else { throw .missing(parameter: "fields") }
        guard fields.count <= Self.fieldsMax else {
            throw ZohoFailure(400, "LIMIT_EXCEEDED", "more than 50 fields are asked for")
        }
        // Subforms come with single records.
        return fields.filter { module.field($0).map { $0.type != .subform } ?? false }
    }

    private func page(
        _ filter: DocumentCondition, _ fields: [String], _ perPage: Int
    ) throws -> SimulatorResponse {
        let isDescending = request.query("sort_order") != "asc"
        let isByID = (request.query("sort_by") ?? "id") == "id"
        let question =
            request.query.filter { $0.name != "page_token" && $0.name != "page" }
            .map { "\($0.name)=\($0.value)" }.sorted().joined(separator: "&") + String(request.pathText)
        var condition = filter
        var place = PageTokens.Place(question: question, after: 0, count: 0, expires: now)
        var offset = 0
        if let token = request.query("page_token") {
            guard let known = organisation.pageTokens.place(token), known.question == question else {
                throw ZohoFailure.invalid("page_token", "the page token is not of this request")
            }
            guard now < known.expires else {
                throw ZohoFailure(400, "EXPIRED_VALUE", "the page token has expired")
            }
            place = known
            if isByID {
                condition = .and([filter, .id(isDescending ? .less : .greater, known.after)])
            } else {
                offset = known.count
            }
        } else if let number = request.query("page").flatMap({ Int($0) }), number > 1 {
            guard number * perPage <= Self.pagedMax else {
                throw ZohoFailure(
                    400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", "page reaches 2000 records only; use page_token")
            }
            offset = (number - 1) * perPage
        }
        let order: DocumentOrder = isByID ? (isDescending ? .newestFirst : .id) : .modified
        let records = try session.documents(
            module.name, where: condition, order: order, offset: offset, limit: perPage + 1)
        guard !records.isEmpty else { return .empty() }
        let shown = Array(records.prefix(perPage))
        let hasMore = records.count > perPage
        place.count += shown.count
        place.after = shown.last?.id ?? 0
        place.expires = now.advanced(by: organisation.options.pageTokenLifetime)
        let next = hasMore && place.count < Self.tokenMax ? organisation.pageTokens.keep(place) : nil
        let view = RecordView(organisation: organisation, session: session, module: module)
        return .json(
            JSONValue.object([
                .init("data", .array(try shown.map { try view.json($0, fields: fields) })),
                .init(
                    "info",
                    [
                        "per_page": .number(String(perPage)), "count": .number(String(shown.count)),
                        "page": .number(request.query("page") ?? "1"),
                        "sort_by": .string(request.query("sort_by") ?? "id"),
                        "sort_order": isDescending ? "desc" : "asc", "more_records": .bool(hasMore),
                        "next_page_token": next.map { .string($0) } ?? .null,
                        "page_token_expiry": next == nil ? .null : organisation.time(place.expires),
                    ]),
            ]).serialized())
    }

    /// One record with all its fields.
    func single(_ id: String) throws -> SimulatorResponse {
        let table = RecordTable(organisation: organisation, session: session, module: module)
        guard let record = try table.record(id) else {
            throw ZohoFailure(
                400, "INVALID_DATA", "the id given seems to be invalid", [.init("id", .string(id))])
        }
        let view = RecordView(organisation: organisation, session: session, module: module)
        let (subforms, plain) = (
            module.fields.filter { $0.type == .subform }, module.fields.filter { $0.type != .subform }
        )
        var members = try view.json(record, fields: plain.map(\.name)).members
        let rows = Subforms(organisation: organisation, session: session, now: now)
        members += try subforms.map { .init($0.name, try rows.shown($0, record.id)) }
        return .json(JSONValue.object([.init("data", .array([.object(members)]))]).serialized())
    }

    func count() throws -> SimulatorResponse {
        let count = try session.count(module.name)
        return .json(JSONValue.object([.init("count", .number(String(count)))]).serialized())
    }

    func deleted() throws -> SimulatorResponse {
        let gone = try session.documents(
            module.name, where: .all, limit: nil, includingDeleted: true
        ).filter(\.isDeleted)
        guard !gone.isEmpty else { return .empty() }
        let shown = gone.prefix(Self.perPageMax).map { record -> JSONValue in
            [
                "id": .string(String(record.id)), "display_name": record.document[module.nameField] ?? .null,
                "type": "recycle", "deleted_time": organisation.time(record.modifiedAt),
            ]
        }
        return .json(
            JSONValue.object([
                .init("data", .array(shown)),
                .init(
                    "info",
                    [
                        "count": .number(String(shown.count)),
                        "more_records": .bool(gone.count > Self.perPageMax),
                    ]),
            ]).serialized())
    }
}
