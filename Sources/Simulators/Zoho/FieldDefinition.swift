// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// A field of a module, as `GET /settings/fields` describes it.
struct FieldDefinition: Sendable {
    enum DataType: String, Sendable {
        case text, textarea, email, phone, website, integer, bigint, double, currency, percent, date, datetime
        case boolean, picklist, multiselectpicklist, lookup, ownerlookup, subform

        /// What texts hold that were not given a length (zoho.com/crm/developer, "Field types").
        var length: Int {
            switch self {
            case .textarea: 32_000
            case .email: 100
            case .phone: 30
            case .website: 450
            case .bigint, .integer: 18
            default: 255
            }
        }
    }

    var name: String
    var label: String
    var type: DataType
    var length: Int
    var isMandatory = false
    var isReadOnly = false
    var isCustom = false
    /// No two records have the same value.
    var isUnique = false
    /// Of values that must be unique: whether `A` and `a` are two.
    var isCaseSensitive = false
    var options: [String] = []
    /// The module that a lookup leads to, `nil` = any (What_Id, Parent_Id); of a subform, the one that its rows are of.
    var module: String?

    init(_ name: String, _ type: DataType, label: String? = nil, length: Int? = nil) {
        self.name = name
        self.label = label ?? String(name.map { $0 == "_" ? " " : $0 })
        self.type = type
        self.length = length ?? type.length
    }

    /// A custom field as a request describes it; `nil` if the type is none that can be created here.
    ///
    /// The name is made of the label: what is neither letter nor digit becomes `_`.
    init?(creation: JSONValue) {
        guard let label = creation["field_label"]?.text, !label.isEmpty,
            let type = creation["data_type"]?.text.flatMap(DataType.init),
            ![.lookup, .ownerlookup, .subform].contains(type)
        else { return nil }
        let name = String(label.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        self.init(name, type, label: label, length: creation["length"]?.int)
        isCustom = true
        if let unique = creation["unique"], !unique.members.isEmpty {
            isUnique = true
            isCaseSensitive = unique["casesensitive"]?.bool == true
        }
        options = (creation["pick_list_values"]?.elements ?? []).compactMap {
            $0["actual_value"]?.text ?? $0["display_value"]?.text
        }
    }

    func mandatory() -> FieldDefinition { with { $0.isMandatory = true } }
    func readOnly() -> FieldDefinition { with { $0.isReadOnly = true } }
    func options(_ options: [String]) -> FieldDefinition { with { $0.options = options } }
    func to(_ module: String) -> FieldDefinition { with { $0.module = module } }

    private func with(_ change: (inout FieldDefinition) -> Void) -> FieldDefinition {
        var field = self
        change(&field)
        return field
    }

    /// - Parameter id: the field's own.
    func json(id: String) -> JSONValue {
        let isWritable = JSONValue.bool(!isReadOnly)
        return [
            "id": .string(id), "api_name": .string(name), "field_label": .string(label),
            "display_label": .string(label), "data_type": .string(type.rawValue),
            "length": .number(String(length)), "system_mandatory": .bool(isMandatory),
            "read_only": .bool(isReadOnly), "field_read_only": .bool(isReadOnly), "custom_field": .bool(isCustom),
            "visible": true, "decimal_place": type == .double || type == .currency ? 2 : .null,
            "unique": isUnique ? ["casesensitive": .bool(isCaseSensitive)] : [:],
            "operation_type": [
                "web_create": isWritable, "web_update": isWritable, "api_create": isWritable,
                "api_update": isWritable,
            ],
            "lookup": type == .lookup
                ? ["module": ["api_name": .string(module ?? "se_module")], "display_label": .string(label)] : [:],
            "subform": type == .subform ? ["module": .string(module ?? name), "id": .string("\(id)9")] : .null,
            "pick_list_values": .array(
                options.enumerated().map { number, option in
                    [
                        "id": .string("\(id)\(number)"), "display_value": .string(option),
                        "actual_value": .string(option), "type": "used",
                    ]
                }),
        ]
    }
}
