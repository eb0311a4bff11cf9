// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Answers queries in COQL.
struct COQLRun {
    let organisation: Organisation
    let session: DocumentSession

    func answer(_ body: JSONValue) throws -> SimulatorResponse {
        guard let text = body["select_query"]?.text else { throw ZohoFailure.missing(parameter: "select_query") }
        let query = try COQLParser.query(text)
        let module = try organisation.module(query.module)
        guard module.isQueryable else {
            throw ZohoFailure(400, "INVALID_QUERY", "the module is not supported in queries")
        }
        // The documentation of queries speaks neither of tags nor of subforms.
        for column in query.columns
        where column != COQLQuery.count && !isQueryable(module.field(column)) {
            throw invalid("select", column)
        }
        let condition = try condition(query.condition, module)
        if query.isCount {
            let count = try session.count(module.name, where: condition)
            return .json(
                JSONValue.object([
                    .init("data", .array([.object([.init(COQLQuery.count, .number(String(count)))])])),
                    .init("info", ["count": 1, "more_records": false]),
                ]).serialized())
        }
        let records = try session.documents(
            module.name, where: condition, order: try order(query.order, module), offset: query.offset,
            limit: query.limit + 1)
        // An empty answer has no body at all.
        guard !records.isEmpty else { return .empty() }
        let view = RecordView(organisation: organisation, session: session, module: module)
        let shown = try records.prefix(query.limit).map { try view.json($0, fields: query.columns, isQuery: true) }
        return .json(
            JSONValue.object([
                .init("data", .array(shown)),
                .init(
                    "info",
                    [
                        "count": .number(String(shown.count)), "more_records": .bool(records.count > query.limit),
                    ]),
            ]).serialized())
    }

    private func isQueryable(_ field: FieldDefinition?) -> Bool {
        field.map { $0.name != RecordTagging.field && $0.type != .subform } ?? false
    }

    private func order(
        _ order: (field: String, isDescending: Bool)?, _ module: ModuleDefinition
    ) throws -> DocumentOrder {
        guard let order, order.field != "id" else { return order?.isDescending == true ? .newestFirst : .id }
        guard module.field(order.field) != nil else { throw invalid("order by", order.field) }
        return order.field == "Modified_Time" && !order.isDescending
            ? .modified : .member(order.field, descending: order.isDescending)
    }

    private func condition(_ condition: COQLQuery.Condition, _ module: ModuleDefinition) throws -> DocumentCondition {
        switch condition {
        case .both(let a, let b): return .and([try self.condition(a, module), try self.condition(b, module)])
        case .either(let a, let b): return .or([try self.condition(a, module), try self.condition(b, module)])
        case .comparison(let name, let comparison):
            guard let field = module.field(name), field.type != .textarea, isQueryable(field) else {
                throw invalid("where", name)
            }
            return try self.condition(field, comparison, module)
        }
    }

    private func condition(
        _ field: FieldDefinition, _ comparison: COQLQuery.Comparison, _ module: ModuleDefinition
    ) throws -> DocumentCondition {
        switch comparison {
        case .null(let isNegated):
            let isNull: DocumentCondition =
                ["id", "Created_Time", "Modified_Time"].contains(field.name)
                ? .or([]) : .or([.isNull(field.name), .member(field.name, .equals, "")])
            return isNegated ? .not(isNull) : isNull
        case .like(let pattern):
            // `%` at one end or at both; nothing else stands for anything.
            let text = JSONValue.string(pattern.filter { $0 != "%" })
            switch (pattern.hasPrefix("%"), pattern.hasSuffix("%")) {
            case (true, true): return .member(field.name, .contains, text)
            case (false, true): return .member(field.name, .hasPrefix, text)
            default: return .member(field.name, .equalsIgnoringCase, text)
            }
        case .among(let values, let isNegated):
            let found = try among(field, values, module)
            return isNegated ? .not(found) : found
        case .compare(let sign, let value):
            let comparisons: [String: DocumentCondition.Comparison] = [
                "!=": .differs, "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
            ]
            guard let kind = comparisons[sign] else { return try among(field, [value], module) }
            return try single(field, kind, value)
        }
    }

    private func among(
        _ field: FieldDefinition, _ values: [COQLQuery.Value], _ module: ModuleDefinition
    ) throws -> DocumentCondition {
        if field.isUnique {
            let table = RecordTable(organisation: organisation, session: session, module: module)
            return .or(
                try values.compactMap { try table.holder(of: .string(text($0)), in: field) }
                    .map { .id(.equals, $0) })
        }
        if field.type == .lookup || field.type == .ownerlookup {
            return .isIn(field.name, values.map { .string(text($0)) })
        }
        return .or(try values.map { try single(field, .equalsIgnoringCase, $0) })
    }

    private func single(
        _ field: FieldDefinition, _ kind: DocumentCondition.Comparison, _ value: COQLQuery.Value
    ) throws -> DocumentCondition {
        let text = text(value)
        switch field.name {
        case "id":
            guard let id = Int64(text) else { throw invalid("where", "id") }
            return .id(exact(kind), id)
        case "Created_Time", "Modified_Time":
            guard let time = ZonedTime.timestamp(text) else { throw invalid("where", field.name) }
            return field.name == "Created_Time" ? .created(exact(kind), time) : .modified(exact(kind), time)
        default: break
        }
        switch field.type {
        case .integer, .bigint, .double, .currency, .percent:
            guard Double(text) != nil else { throw invalid("where", field.name) }
            return .member(field.name, exact(kind), .number(text))
        case .boolean: return .member(field.name, exact(kind), .bool(text.lowercased() == "true"))
        default: return .member(field.name, kind, .string(text))
        }
    }

    private func exact(_ kind: DocumentCondition.Comparison) -> DocumentCondition.Comparison {
        if case .equalsIgnoringCase = kind { .equals } else { kind }
    }

    private func text(_ value: COQLQuery.Value) -> String {
        switch value {
        case .text(let text), .plain(let text): text
        }
    }

    private func invalid(_ clause: String, _ name: String) -> ZohoFailure {
        ZohoFailure(
            400, "INVALID_QUERY", "invalid query formed",
            [
                .init("reason", "column given seems to be invalid"), .init("column_name", .string(name)),
                .init("clause", .string(clause)),
            ])
    }
}
