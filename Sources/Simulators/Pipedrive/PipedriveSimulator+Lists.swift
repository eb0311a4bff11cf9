// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Lists of version 2.
extension PipedriveSimulator {
    /// `GET /api/v2/persons`: pages in the order of `sort_by`; archived deals are a list of their own.
    func list(_ entity: Entity, _ request: SimulatorRequest, isArchived: Bool = false) throws -> SimulatorResponse {
        let paging = try Paging(request)
        let sorting = try Sorting(request)
        var conditions = try filters(entity, request)
        if entity == .deal { conditions.append(.member("is_archived", .equals, .bool(isArchived))) }
        if let place = try paging.place() { conditions.append(sorting.from(place)) }
        return try store.read { session in
            let view = try RecordView(entity, custom: try session.customFields(of: entity), request)
            let records = try session.documents(
                entity.rawValue, where: .and(conditions), order: sorting.order, limit: paging.limit + 1)
            let next = records.count > paging.limit ? records.last.map(sorting.cursor) : nil
            return Paging.answer(try records.prefix(paging.limit).map { try view.json($0, session) }, next: next)
        }
    }

    private func filters(_ entity: Entity, _ request: SimulatorRequest) throws(PipedriveFailure) -> [DocumentCondition]
    {
        var conditions: [DocumentCondition] = []
        for name in ["owner_id", "person_id", "org_id", "deal_id", "pipeline_id", "stage_id"] {
            guard let text = request.query(name) else { continue }
            guard let id = Int64(text) else { throw .invalid(name, "Expected 'number'") }
            conditions.append(.member(name, .equals, .id(id)))
        }
        if request.query("ids") != nil {
            let ids = request.queryList("ids").map { Int64($0) }
            guard (1...100).contains(ids.count), ids.allSatisfy({ $0 != nil }) else {
                throw .invalid("ids", "Expected 1 to 100 numbers")
            }
            conditions.append(.or(ids.compactMap(\.self).map { .id(.equals, $0) }))
        }
        if request.query("status") != nil {
            conditions.append(.isIn("status", request.queryList("status").map { .string($0) }))
        }
        for (name, comparison) in [
            ("updated_since", DocumentCondition.Comparison.greaterOrEqual), ("updated_until", .less),
        ] {
            guard let text = request.query(name) else { continue }
            guard let time = Instant.parsed(text) else { throw .invalid(name, "'\(text)' is not a valid datetime") }
            conditions.append(.modified(comparison, time))
        }
        return conditions
    }

    /// `GET /api/v2/persons/{id}`
    func read(_ entity: Entity, _ id: Int64, _ request: SimulatorRequest) throws -> SimulatorResponse {
        try store.read { session in
            guard let record = try session.document(entity.rawValue, id), !record.isDeleted else {
                throw PipedriveFailure.notFound(entity.label)
            }
            let view = try RecordView(entity, custom: try session.customFields(of: entity), request)
            return .data(try view.json(record, session))
        }
    }

    /// `GET /api/v2/persons/search`: not case-sensitive, and blind to what was written within the lag.
    func search(_ entity: Entity, _ request: SimulatorRequest) throws -> SimulatorResponse {
        let isExact = request.flag("exact_match")
        guard let term = request.query("term"), term.count >= (isExact ? 1 : 2) else {
            throw PipedriveFailure.invalid("term", "Expected at least 2 characters, or 1 if exact_match is used")
        }
        let name = entity.requiredField ?? "name"
        let isIndexed = DocumentCondition.modified(
            .lessOrEqual, options.clock.now.advanced(by: .zero - options.searchLag))
        let found = try store.read { session in
            try session.documents(
                entity.rawValue,
                where: .and([
                    .member(name, isExact ? .equalsIgnoringCase : .contains, .string(term)), isIndexed,
                ]), limit: try Paging.limit(request))
        }
        let items: [JSONValue] = found.map { record in
            [
                "result_score": .number("0.5"),
                "item": [
                    "id": .id(record.id), "type": .string(entity.label.lowercased()),
                    "name": record.document[name] ?? .null,
                ],
            ]
        }
        return .data(["items": .array(items)], [.init("additional_data", ["next_cursor": .null])])
    }
}

/// The order of a list.
private struct Sorting {
    private enum Key { case id, newestID, modified }

    private let key: Key

    init(_ request: SimulatorRequest) throws(PipedriveFailure) {
        let isDescending = request.query("sort_direction") == "desc"
        switch request.query("sort_by") ?? "id" {
        case "id": key = isDescending ? .newestID : .id
        case "update_time" where !isDescending: key = .modified
        default: throw .invalid("sort_by", "this order is not simulated")
        }
    }

    var order: DocumentOrder {
        switch key {
        case .id: .id
        case .newestID: .newestFirst
        case .modified: .modified
        }
    }

    func cursor(of first: StoredDocument) -> String {
        Paging.cursor(key == .modified ? first.modifiedAt.milliseconds : 0, first.id)
    }

    /// What comes at the place of a cursor or behind it.
    func from(_ place: (Int64, Int64)) -> DocumentCondition {
        let time = Timestamp(milliseconds: place.0)
        return switch key {
        case .id: .id(.greaterOrEqual, place.1)
        case .newestID: .id(.lessOrEqual, place.1)
        case .modified:
            .or([.modified(.greater, time), .and([.modified(.equals, time), .id(.greaterOrEqual, place.1)])])
        }
    }
}
