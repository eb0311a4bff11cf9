// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSimulatorKit

/// `load`: rows of texts, by external id created or updated; all of them or none.
///
/// Source: odoo/odoo, `odoo/orm/models.py` (`load`, `_load_records`) and `odoo/addons/base/models/ir_fields.py` (how texts
/// become values, and the words of the messages).
struct Load {
    let environment: Environment
    let model: ModelDefinition
    /// `name`, `parent_id/.id`, `parent_id/id`, `id`.
    let columns: [[String]]

    private var messages: [JSONValue] = []

    init(_ environment: Environment, _ model: ModelDefinition, fields: [String]) throws {
        self.environment = environment
        self.model = model
        columns = fields.map { $0.split(separator: "/").map(String.init) }
        for column in columns where column[0] != "id" && column[0] != ".id" {
            guard model.field(column[0]) != nil else {
                throw OdooFailure("builtins.KeyError", "'\(column[0])'", status: 500)
            }
        }
    }

    /// Reports every bad row and rolls back if there is one; stops after more than ten of them.
    mutating func run(_ rows: [JSONValue]) throws -> JSONValue {
        var ids: [JSONValue] = []
        do {
            try environment.session.savepoint {
                var converted: [(number: Int, xmlid: String?, values: JSONValue)] = []
                for (number, row) in rows.enumerated() { converted.append(convert(number, row)) }
                var errors = 0
                for (number, xmlid, values) in converted {
                    do {
                        let id = try environment.session.savepoint { try save(xmlid, values) }
                        ids.append(.number(String(id)))
                    } catch let failure as OdooFailure {
                        errors += 1
                        report(number, failure)
                    }
                    guard errors < 10 || errors * 10 < number + 1 else {
                        messages.append([
                            "type": "warning",
                            "message":
                                "Found more than 10 errors and more than one error per 10 records, interrupted to avoid showing too many errors.",
                        ])
                        break
                    }
                }
                if messages.contains(where: { $0["type"] == "error" }) { throw RolledBack() }
            }
        } catch is RolledBack {
            return ["ids": false, "messages": .array(messages), "nextrow": 0]
        }
        return ["ids": .array(ids), "messages": .array(messages), "nextrow": 0]
    }

    private struct RolledBack: Error {}

    /// What a failure is called in a message about a row.
    private mutating func report(_ number: Int, _ failure: OdooFailure) {
        let isForeseen = failure.name.hasPrefix("odoo.exceptions")
        var message =
            isForeseen
            ? failure.message
            : "Unknown error during import: <class '\(failure.name.replacing("builtins.", with: ""))'>: \(failure.message)"
        var field: String?
        if let match = failure.message.firstMatch(of: /^Missing required value for the field '.*' \((.*)\)$/) {
            field = String(match.1)
            message = failure.message
        }
        log(number, "error", message, field)
    }

    private mutating func log(_ number: Int, _ type: String, _ message: String, _ field: String?) {
        var members: [JSONValue.Member] = [
            .init("rows", ["from": .number(String(number)), "to": .number(String(number))]),
            .init("record", .number(String(number))), .init("type", .string(type)), .init("message", .string(message)),
        ]
        if let field { members.append(.init("field", .string(field))) }
        messages.append(.object(members))
    }

    // MARK: Rows

    private mutating func convert(_ number: Int, _ row: JSONValue) -> (Int, String?, JSONValue) {
        var members: [JSONValue.Member] = []
        var xmlid: String?
        for (column, cell) in zip(columns, row.elements) {
            let text = cell.text ?? (cell == true ? "True" : "")
            if column == ["id"] {
                if !text.isEmpty { xmlid = text.contains(".") ? text : "__import__.\(text)" }
                continue
            }
            guard let field = model.field(column[0]) else { continue }
            if text.isEmpty {
                members.append(.init(field.name, field.type == .many2many ? [[5, 0, 0]] : false))
                continue
            }
            do {
                members.append(.init(field.name, try value(text, field, column.dropFirst().first)))
            } catch let failure as BadText {
                log(number, failure.isWarning ? "warning" : "error", failure.message, field.name)
            } catch {
                log(number, "error", "\(error)", field.name)
            }
        }
        return (number, xmlid, .object(members))
    }

    private struct BadText: Error {
        var message: String
        var isWarning = false
    }

    private func value(_ text: String, _ field: FieldDefinition, _ subfield: String?) throws -> JSONValue {
        switch field.type {
        case .boolean:
            if ["1", "true", "yes"].contains(text.lowercased()) { return true }
            if ["0", "false", "no"].contains(text.lowercased()) { return false }
            throw BadText(message: "Unknown value '\(text)' for boolean field '\(field.label)'", isWarning: true)
        case .integer, .many2oneReference:
            guard let number = Int(text) else {
                throw BadText(message: "'\(text)' does not seem to be an integer for field '\(field.label)'")
            }
            return .number(String(number))
        case .float, .monetary:
            guard let number = Double(text), number.isFinite else {
                throw BadText(message: "'\(text)' does not seem to be a number for field '\(field.label)'")
            }
            return .number(Environment.floatText(number))
        case .date:
            guard InstantText.days(text) != nil else {
                throw BadText(message: "'\(text)' does not seem to be a valid date for field '\(field.label)'")
            }
            return .string(text)
        case .datetime:
            // Another zone than UTC in the context or of the user would shift it; this user has none.
            guard InstantText.timestamp(text) != nil else {
                throw BadText(message: "'\(text)' does not seem to be a valid datetime for field '\(field.label)'")
            }
            return .string(text)
        case .selection:
            let found = field.selection.first {
                $0.value.lowercased() == text.lowercased() || $0.label.lowercased() == text.lowercased()
            }
            guard let found else {
                throw BadText(message: "Value '\(text)' not found in selection field '\(field.label)'")
            }
            return .string(found.value)
        case .many2one: return .number(String(try id(text, field, subfield)))
        case .many2many:
            let ids = try text.split(separator: ",").map {
                JSONValue.number(String(try id(String($0), field, subfield)))
            }
            return [[6, 0, .array(ids)]]
        case .char, .text, .html, .binary: return .string(text)
        }
    }

    /// The record that a text means: by `.id` its number, by `id` its external id, else by its name.
    private func id(_ text: String, _ field: FieldDefinition, _ subfield: String?) throws -> Int64 {
        let relation = field.relation ?? ""
        let found: Int64?
        let kind: String
        switch subfield {
        case ".id":
            kind = "database id"
            found = try Int64(text).flatMap { try environment.session.document(relation, $0)?.id }
        case "id":
            kind = "external id"
            found = try record(ofExternalID: text)
        default:
            kind = "name"
            found = try environment.session.documents(
                relation, where: .member("name", .equals, .string(text)), limit: 1
            )
            .first?.id
        }
        guard let found else {
            throw BadText(message: "No matching record found for \(kind) '\(text)' in field '\(field.label)'")
        }
        return found
    }

    private func record(ofExternalID xmlid: String) throws -> Int64? {
        let rows = try environment.session.documents(
            "ir.model.data", where: .member("xmlid", .equals, .string(xmlid)), limit: 1)
        return rows.first?.document["res_id"]?.int.map(Int64.init)
    }

    /// Updates the record of the external id, or creates one and notes it.
    private func save(_ xmlid: String?, _ values: JSONValue) throws -> Int64 {
        guard let xmlid else { return try environment.create(model.name, [values])[0] }
        let rows = try environment.session.documents(
            "ir.model.data", where: .member("xmlid", .equals, .string(xmlid)), limit: 1)
        if let row = rows.first {
            guard row.document["model"]?.text == model.name else {
                throw OdooFailure.value(
                    "For external id \(xmlid) when trying to create/update a record of model \(model.name) found record of different model"
                )
            }
            if let id = row.document["res_id"]?.int.map(Int64.init),
                try environment.session.document(model.name, id) != nil
            {
                try environment.write(model.name, [id], values)
                return id
            }
            try environment.session.erase("ir.model.data", row.id)
        }
        let id = try environment.create(model.name, [values])[0]
        let parts = xmlid.split(separator: ".", maxSplits: 1).map(String.init)
        _ = try environment.create(
            "ir.model.data",
            [
                [
                    "module": .string(parts[0]), "name": .string(parts[1]), "model": .string(model.name),
                    "res_id": .number(String(id)), "noupdate": true,
                ]
            ])
        return id
    }
}
