// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The fields of an object in one company, by the names that pipelines use.
///
/// A custom field is known by what people call it where no other field of the object is called so, and by its key of 40
/// hexadecimal digits otherwise: keys differ from company to company, and names need not be unique.
struct FieldList: Sendable {
    let object: PipedriveObject
    let fields: [PipedriveField]
    private let byName: [String: Int]
    /// The parts of each custom field, by its key.
    private let byCode: [String: [Int]]

    /// - Parameters:
    ///   - descriptions: what the list of fields tells of each.
    ///   - choices: options of standard fields that are told elsewhere.
    init(_ object: PipedriveObject, _ descriptions: [JSONValue], choices: [String: [FieldSchema.Option]]) {
        self.object = object
        let byCode = Dictionary(
            descriptions.compactMap { entry in entry["field_code"]?.text.map { ($0, entry) } },
            uniquingKeysWith: { first, _ in first })
        var fields: [PipedriveField] = []
        for var field in object.standardFields where !field.isOptional || byCode[field.name] != nil {
            if let description = byCode[field.code] { field.options = Self.options(description) }
            if let options = choices[field.name] { field.options = options }
            fields.append(field)
        }
        let custom = descriptions.filter { $0["is_custom_field"]?.bool == true }
        let counts = Dictionary(custom.compactMap { $0["field_name"]?.text }.map { ($0, 1) }, uniquingKeysWith: +)
        var taken = Set(fields.map(\.name))
        for description in custom {
            guard let code = description["field_code"]?.text, let label = description["field_name"]?.text else {
                continue
            }
            let isFree = counts[label] == 1 && !label.isEmpty && !taken.contains(label)
            var parts = PipedriveField.custom(description, code: code, label: label, name: isFree ? label : code)
            if isFree, parts.contains(where: { taken.contains($0.name) }) {
                parts = PipedriveField.custom(description, code: code, label: label, name: code)
            }
            taken.formUnion(parts.map(\.name))
            fields += parts
        }
        self.fields = fields
        byName = Dictionary(fields.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.byCode = Dictionary(
            grouping: fields.indices.filter { fields[$0].isCustom }, by: { fields[$0].code })
    }

    subscript(name: String) -> PipedriveField? { byName[name].map { fields[$0] } }

    /// A custom field with its parts, by its key.
    func custom(_ code: String) -> [PipedriveField] { (byCode[code] ?? []).map { fields[$0] } }

    /// The name under which a parameter of a request is known.
    func name(ofParameter name: String) -> String {
        if let field = custom(name).first { return field.name }
        switch name {
        case "emails": return "email"
        case "phones": return "phone"
        case "participants": return "person_id"
        default: return name
        }
    }

    /// The keys of custom fields among these names, each once.
    func customCodes(_ names: [String]) -> [String] {
        var codes: [String] = []
        for name in names {
            guard let field = self[name], field.isCustom, !codes.contains(field.code) else { continue }
            codes.append(field.code)
        }
        return codes
    }

    static func options(_ description: JSONValue) -> [FieldSchema.Option] {
        (description["options"]?.elements ?? []).compactMap { option in
            guard let id = option["id"]?.text else { return nil }
            return FieldSchema.Option(value: id, label: option["label"]?.text ?? id)
        }
    }
}

extension PipedriveField {
    /// A custom field, with its parts if its values are objects (`field_type` and `subfields` of the list of fields).
    fileprivate static func custom(
        _ description: JSONValue, code: String, label: String, name: String
    ) -> [PipedriveField] {
        let type = description["field_type"]?.text ?? ""
        var fields: [PipedriveField]
        switch type {
        case "address": fields = PipedriveObject.address(name, label)
        case "monetary":
            fields = [
                PipedriveField(name, label, .decimal, .part("value")),
                PipedriveField("\(name)_currency", "\(label), currency", .text, .part("currency")),
            ]
        case "daterange", "timerange":
            let kind: FieldSchema.Kind = type == "daterange" ? .date : .time
            fields = [
                PipedriveField(name, label, kind, .part("value")),
                PipedriveField("\(name)_until", "\(label), until", kind, .part("until")),
            ]
        default:
            let (kind, form, refersTo) = simple(type)
            fields = [PipedriveField(name, label, kind, form, refersTo: refersTo)]
        }
        for place in fields.indices {
            fields[place].code = code
            fields[place].isCustom = true
            fields[place].options = FieldList.options(description)
        }
        return fields
    }

    private static func simple(_ type: String) -> (FieldSchema.Kind, Form, [String]) {
        switch type {
        case "varchar", "varchar_auto": (.text, .text, [])
        case "text": (.longText, .text, [])
        case "phone": (.phone, .text, [])
        case "double": (.decimal, .number, [])
        case "int": (.integer, .integer, [])
        case "date": (.date, .date, [])
        case "time": (.time, .text, [])
        case "enum": (.choice, .option, [])
        case "set": (.choices, .options, [])
        case "user": (.reference, .reference, ["owner"])
        case "org": (.reference, .reference, ["organization"])
        case "people": (.reference, .reference, ["person"])
        default: (.other, .asIs, [])
        }
    }
}
