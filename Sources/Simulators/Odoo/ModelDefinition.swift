// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// The types of fields (odoo/odoo, `odoo/orm/fields*.py`), as `fields_get` names them.
enum FieldType: String, Sendable {
    case char, text, html, integer, float, monetary, boolean, date, datetime, selection, binary, many2one, many2many
    case many2oneReference = "many2one_reference"
}

/// One field of a model.
struct FieldDefinition: Sendable {
    var name: String
    var label: String
    var type: FieldType
    var isRequired = false
    var isReadOnly = false
    /// The model that a relation leads to.
    var relation: String?
    var selection: [(value: String, label: String)] = []
    var defaultValue: JSONValue?

    init(_ name: String, _ type: FieldType, _ label: String) {
        self.name = name
        self.type = type
        self.label = label
    }

    func required() -> FieldDefinition {
        var field = self
        field.isRequired = true
        return field
    }

    func readOnly() -> FieldDefinition {
        var field = self
        field.isReadOnly = true
        return field
    }

    func to(_ relation: String) -> FieldDefinition {
        var field = self
        field.relation = relation
        return field
    }

    func of(_ selection: [(value: String, label: String)]) -> FieldDefinition {
        var field = self
        field.selection = selection
        return field
    }

    func defaulting(_ value: JSONValue) -> FieldDefinition {
        var field = self
        field.defaultValue = value
        return field
    }

    /// What a record without a value reads as: `false`, but for numbers and lists.
    var emptyValue: JSONValue {
        switch type {
        case .integer, .float, .monetary, .many2oneReference: 0
        case .many2many: []
        default: false
        }
    }

    /// As `fields_get` describes it.
    var description: JSONValue {
        var members: [JSONValue.Member] = [
            .init("name", .string(name)), .init("type", .string(type.rawValue)), .init("string", .string(label)),
            .init("required", .bool(isRequired)), .init("readonly", .bool(isReadOnly)), .init("store", true),
            .init("searchable", true), .init("sortable", true),
        ]
        if let relation { members.append(.init("relation", .string(relation))) }
        if type == .selection {
            members.append(
                .init("selection", .array(selection.map { [.string($0.value), .string($0.label)] })))
        }
        return .object(members)
    }
}

/// A model with its fields; those that every model has are added.
struct ModelDefinition: Sendable {
    var name: String
    var label: String
    var fields: [FieldDefinition]
    /// Fields by which records are searched often.
    var indexed: [String]
    private let byName: [String: FieldDefinition]

    init(_ name: String, _ label: String, indexed: [String] = [], _ own: [FieldDefinition]) {
        self.name = name
        self.label = label
        self.indexed = indexed
        fields = [FieldDefinition("id", .integer, "ID").readOnly()] + own + ModelDefinition.logFields
        byName = Dictionary(fields.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func field(_ name: String) -> FieldDefinition? { byName[name] }
    /// Whether records can be archived.
    var archives: Bool { byName["active"] != nil }

    /// Who made and changed a record, and when: set by the server alone (`LOG_ACCESS_COLUMNS`).
    private static let logFields = [
        FieldDefinition("create_date", .datetime, "Created on").readOnly(),
        FieldDefinition("create_uid", .many2one, "Created by").to("res.users").readOnly(),
        FieldDefinition("write_date", .datetime, "Last Updated on").readOnly(),
        FieldDefinition("write_uid", .many2one, "Last Updated by").to("res.users").readOnly(),
    ]
    static let logNames: Set = ["id", "create_date", "create_uid", "write_date", "write_uid"]
}
