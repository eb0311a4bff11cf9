// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSimulatorKit

/// Rows of a bulk write, carried out by the rules that hold for all records.
struct BulkRowWriting {
    struct End {
        var status: String
        var id = ""
        var errors = ""
    }

    let module: ModuleDefinition
    let header: [String]
    let resource: JSONValue
    let operation: String
    let ignoresEmpty: Bool
    let writing: RecordWriting

    private var mappings: [JSONValue] { resource["field_mappings"]?.elements ?? [] }

    /// The columns that are mapped, in the order of the mappings.
    var columns: [Int] { mappings.compactMap { $0["index"]?.int } }

    /// At most as many rows as one call takes.
    func write(_ lines: [[String]]) throws -> [End] {
        let rows = lines.map { line in JSONValue.object(mappings.compactMap { member($0, line) }) }
        let key = resource["find_by"]?.text ?? ""
        let verb: RecordWriting.Verb = operation == "insert" ? .insert : operation == "update" ? .update : .upsert
        var body: [JSONValue.Member] = [.init("data", .array(rows))]
        if verb == .upsert { body.append(.init("duplicate_check_fields", [.string(key)])) }
        guard case .bytes(let bytes) = try writing.write(verb, .object(body)).body else { return [] }
        return try JSONValue(parsing: bytes)["data"]?.elements.map(end) ?? []
    }

    private func end(_ answer: JSONValue) -> End {
        if answer["status"] == "success" {
            let isNew = operation == "insert" || answer["action"] == "insert"
            return End(status: isNew ? "ADDED" : "UPDATED", id: answer["details"]?["id"]?.text ?? "")
        }
        let field = answer["details"]?["api_name"]?.text ?? ""
        let index = mappings.first { $0["api_name"]?.text == field }?["index"]?.int
        let column = index.map { header[$0] } ?? field
        return End(status: "SKIPPED", errors: "\(answer["code"]?.text ?? "")-\(column)")
    }

    private func member(_ mapping: JSONValue, _ line: [String]) -> JSONValue.Member? {
        guard let name = mapping["api_name"]?.text, let index = mapping["index"]?.int, let field = module.field(name)
        else { return nil }
        let cell = line[index]
        if cell.isEmpty { return ignoresEmpty ? nil : .init(name, .null) }
        return .init(name, value(cell, field, finds: mapping["find_by"]?.text))
    }

    private func value(_ cell: String, _ field: FieldDefinition, finds: String?) -> JSONValue {
        switch field.type {
        case _ where field.name == "id": return .string(cell)
        case .integer, .bigint, .double, .currency, .percent:
            return cell.wholeMatch(of: /-?\d+(\.\d+)?([eE][+-]?\d+)?/) == nil ? .string(cell) : .number(cell)
        case .boolean: return ["true", "false"].contains(cell) ? .bool(cell == "true") : .string(cell)
        case .multiselectpicklist: return .array(cell.split(separator: ";").map { .string(String($0)) })
        case .lookup, .ownerlookup:
            // A record is found by what the mapping says; only ids are simulated.
            return finds == "id" ? ["id": .string(cell)] : .string(cell)
        default: return .string(cell)
        }
    }
}
