// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// What `create`, `write` and `unlink` do.
extension Environment {
    /// Makes records, all or none, and gives their ids in the order of `values`.
    func create(_ name: String, _ values: [JSONValue], id: Int64? = nil, at created: Timestamp? = nil) throws -> [Int64]
    {
        let model = try model(name)
        return try values.map { values in
            var members = try stored(values, model)
            let data = name == AttachmentData.model ? AttachmentData.taken(from: &members) : nil
            if let data { members += try AttachmentData.marks(of: data) }
            for field in model.fields where !members.contains(where: { $0.key == field.name }) {
                if let value = field.defaultValue { members.append(.init(field.name, value)) }
            }
            members.append(.init("create_uid", .number(String(userID))))
            members.append(.init("write_uid", .number(String(userID))))
            let document = try completed(.object(members), model)
            do {
                let made = try session.insert(name, document, at: created ?? now, id: id)
                if let data { try AttachmentData(environment: self).put(data, of: made) }
                return made
            } catch is DocumentStore.Conflict {
                throw OdooFailure.validation(
                    "The operation cannot be completed: (module, name) must be unique in the model \(model.label)")
            }
        }
    }

    /// Writes the same values into all records.
    func write(_ name: String, _ ids: [Int64], _ values: JSONValue) throws {
        let model = try model(name)
        var changes = try stored(values, model)
        let data = name == AttachmentData.model ? AttachmentData.taken(from: &changes) : nil
        if let data { changes += try AttachmentData.marks(of: data) }
        for id in ids {
            guard let document = try session.document(name, id) else { throw OdooFailure.missing(name, [id]) }
            var members = document.document.members
            for change in changes + [.init("write_uid", .number(String(userID)))] {
                members.removeAll { $0.key == change.key }
                members.append(change)
            }
            try session.replace(name, id, with: try completed(.object(members), model), at: now)
            if let data { try AttachmentData(environment: self).put(data, of: id) }
        }
    }

    /// Deletes records for good, with what hangs on them: messages, activities, attachments and external ids.
    func unlink(_ name: String, _ ids: [Int64]) throws {
        _ = try model(name)
        for id in ids {
            guard try session.document(name, id) != nil else { throw OdooFailure.missing(name, [id]) }
            if name == "res.partner" { try checkUnlinkOfPartner(id) }
            try session.erase(name, id)
            if name == AttachmentData.model { try AttachmentData(environment: self).remove(id) }
            let place = JSONValue.number(String(id))
            for (child, member) in [
                ("mail.message", "model"), ("mail.activity", "res_model"), ("ir.attachment", "res_model"),
                ("ir.model.data", "model"),
            ] where child != name && models[child] != nil {
                let hanging = DocumentCondition.and([
                    .member("res_id", .equals, place), .member(member, .equals, .string(name)),
                ])
                for document in try session.documents(child, where: hanging) {
                    try session.erase(child, document.id)
                    if child == AttachmentData.model { try AttachmentData(environment: self).remove(document.id) }
                }
            }
            try forget(name, place)
        }
    }

    /// Relations to a record that is gone are emptied (`ondelete="set null"`).
    private func forget(_ name: String, _ id: JSONValue) throws {
        let relations: [String: [(model: String, field: String)]] = [
            "res.partner": [("res.partner", "parent_id"), ("crm.lead", "partner_id"), ("mail.message", "author_id")],
            "crm.stage": [("crm.lead", "stage_id")],
        ]
        for (model, field) in relations[name] ?? [] where models[model] != nil {
            for document in try session.documents(model, where: .member(field, .equals, id)) {
                let members = document.document.members.filter { $0.key != field }
                try session.replace(model, document.id, with: .object(members), at: now)
            }
        }
    }

    private func checkUnlinkOfPartner(_ id: Int64) throws {
        let users = try session.count("res.users", where: .member("partner_id", .equals, .number(String(id))))
        guard users == 0 else {
            throw OdooFailure.user(
                "You cannot delete contacts linked to an active user.\nAsk an administrator to archive their associated "
                    + "user first.")
        }
    }

    // MARK: Values

    /// The values as they are stored; what only the server sets is dropped, as it does.
    private func stored(_ values: JSONValue, _ model: ModelDefinition) throws -> [JSONValue.Member] {
        try values.members.compactMap { member in
            if ModelDefinition.logNames.contains(member.key) { return nil }
            guard let field = model.field(member.key) else {
                throw OdooFailure.value("Invalid field '\(member.key)' on model '\(model.name)'")
            }
            return .init(field.name, try stored(member.value, field, model))
        }
    }

    private func stored(_ value: JSONValue, _ field: FieldDefinition, _ model: ModelDefinition) throws -> JSONValue {
        if value.isNull || value == false { return field.type == .boolean ? false : .null }
        switch field.type {
        case .char, .text, .binary, .html:
            guard let text = value.text else { throw OdooFailure.value("expected a text for \(field.name)") }
            guard !text.contains("\0") else {
                throw OdooFailure.value("A string literal cannot contain NUL (0x00) characters.")
            }
            return text.isEmpty ? .null : .string(field.type == .html ? HTMLText.sanitized(text) : text)
        case .integer, .many2oneReference:
            guard let number = value.int else {
                throw OdooFailure.value("invalid literal for int() with base 10")
            }
            return number == 0 && field.type == .many2oneReference ? .null : .number(String(number))
        case .float, .monetary:
            guard let text = value.text, let number = Double(text), number.isFinite else {
                throw OdooFailure.value("could not convert string to float")
            }
            return .number(Self.floatText(field.type == .monetary ? (number * 100).rounded() / 100 : number))
        case .boolean: return value == true ? true : .bool(value != 0 && value.text != "")
        case .date:
            guard let text = value.text, InstantText.days(text) != nil else {
                throw OdooFailure.value("time data does not match format '%Y-%m-%d'")
            }
            return value
        case .datetime:
            guard let instant = value.text.flatMap(InstantText.timestamp) else {
                throw OdooFailure.value("time data does not match format '%Y-%m-%d %H:%M:%S'")
            }
            return .string(InstantText.text(instant))
        case .selection:
            guard let text = value.text, field.selection.contains(where: { $0.value == text }) else {
                throw OdooFailure.value("Wrong value for \(model.name).\(field.name)")
            }
            return .string(text)
        case .many2one:
            guard let id = value.int, let relation = field.relation,
                try session.document(relation, Int64(id)) != nil
            else {
                throw OdooFailure.validation(
                    "The operation cannot be completed: another model requires the record being deleted, or the record "
                        + "does not exist.\n\nModel: \(model.label) (\(model.name))")
            }
            return .number(String(id))
        case .many2many: return try ids(value, field)
        }
    }

    /// Lists are written as commands: `[6, 0, ids]` replaces, `[5, 0, 0]` empties, `[4, id]` adds.
    private func ids(_ value: JSONValue, _ field: FieldDefinition) throws -> JSONValue {
        var ids: [JSONValue] = []
        for command in value.elements {
            switch command[0]?.int {
            case 6: ids = command[2]?.elements ?? []
            case 5: ids = []
            case 4: ids += [command[1]].compactMap(\.self)
            default: throw OdooFailure.value("Wrong value for \(field.name)")
            }
        }
        return ids.isEmpty ? .null : .array(ids)
    }

    /// As Python writes a float.
    static func floatText(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number)).0" : "\(number)"
    }

    /// What the server works out by itself, and what it insists on.
    private func completed(_ document: JSONValue, _ model: ModelDefinition) throws -> JSONValue {
        var members = document.members.filter { !$0.value.isNull }
        func set(_ name: String, _ value: JSONValue) {
            members.removeAll { $0.key == name }
            members.append(.init(name, value))
        }
        if model.name == "ir.model.data" {
            set("xmlid", .string("\(document["module"]?.text ?? "").\(document["name"]?.text ?? "")"))
        }
        if model.field("res_model_id") != nil, let id = document["res_model_id"]?.int,
            let name = try session.document("ir.model", Int64(id))?.document["model"]
        {
            set("res_model", name)
        }
        if model.name == "crm.lead", document["stage_id"]?.int == nil,
            let first = try session.documents("crm.stage", order: .member("sequence"), limit: 1).first
        {
            set("stage_id", .number(String(first.id)))
        }
        if model.name == "mail.message", document["date"]?.text == nil {
            set("date", .string(InstantText.text(now)))
        }
        for field in model.fields where field.isRequired && !members.contains(where: { $0.key == field.name }) {
            throw OdooFailure.validation(
                "Missing required value for the field '\(field.label)' (\(field.name))")
        }
        if model.name == "res.partner", document["type"] == "contact", document["name"]?.text == nil {
            throw OdooFailure.validation("Contacts require a name")
        }
        return .object(members)
    }
}
