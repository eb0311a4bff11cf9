// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON

/// A custom field as the Tooling API describes it: `{"FullName":"Contact.Ext__c","Metadata":{"type":"Text",…}}`.
enum CustomField {
    /// Reads the metadata; a failure names what is missing, in the platform's manner.
    static func definition(named fullName: String, _ document: JSONValue) -> Result<FieldDefinition, APIFailure> {
        let name = fullName.split(separator: ".").last.map(String.init) ?? ""
        guard name.hasSuffix("__c"), name.count <= 43, isDeveloperName(name.dropLast(3)) else {
            return .failure(
                APIFailure(
                    400, "INVALID_FIELD_NAME",
                    "The field name can only contain underscores and alphanumeric characters and must end with __c",
                    fields: ["FullName"]))
        }
        guard let metadata = document["Metadata"], let type = metadata["type"]?.text else {
            return .failure(missing("Metadata"))
        }
        guard let label = metadata["label"]?.text, !label.isEmpty else { return .failure(missing("label")) }
        guard var field = field(name, type, metadata) else {
            return .failure(
                APIFailure(
                    400, "FIELD_INTEGRITY_EXCEPTION", "The metadata for a field of type \(type) is not complete",
                    fields: ["Metadata"]))
        }
        field.label = label
        field.isCustom = true
        field.isExternalID = metadata["externalId"]?.bool ?? false
        field.isUnique = metadata["unique"]?.bool ?? false
        field.isCaseSensitive = metadata["caseSensitive"]?.bool ?? false
        if metadata["required"]?.bool ?? false { field.traits.insert(.required) }
        if field.isExternalID || field.isUnique, ![.string, .email, .double].contains(field.kind) {
            return .failure(
                APIFailure(
                    400, "FIELD_INTEGRITY_EXCEPTION", "A field of type \(type) cannot be an external ID or unique",
                    fields: ["externalId"]))
        }
        return .success(field)
    }

    private static func field(_ name: String, _ type: String, _ metadata: JSONValue) -> FieldDefinition? {
        let length = metadata["length"]?.int
        switch type {
        case "Text":
            guard let length, (1...255).contains(length) else { return nil }
            return .text(name, length)
        case "TextArea": return .longText(name, 255)
        case "LongTextArea", "Html":
            guard let length, (256...131_072).contains(length), metadata["visibleLines"]?.int != nil else { return nil }
            return .longText(name, length)
        case "Email": return .email(name)
        case "Phone": return .phone(name)
        case "Url": return FieldDefinition(name, .url, length: 255)
        case "Checkbox":
            guard let value = metadata["defaultValue"] else { return nil }
            return FieldDefinition.bool(name).with(default: value.bool ?? (value.text == "true"))
        case "Number", "Currency", "Percent":
            guard let precision = metadata["precision"]?.int, let scale = metadata["scale"]?.int,
                (1...18).contains(precision), (0...precision).contains(scale)
            else { return nil }
            let kind: FieldDefinition.Kind = type == "Number" ? .double : type == "Currency" ? .currency : .percent
            return .number(name, kind, precision: precision, scale: scale)
        case "Date": return .date(name)
        case "DateTime": return .dateTime(name)
        case "Picklist", "MultiselectPicklist":
            guard let set = metadata["valueSet"] else { return nil }
            let values = set["valueSetDefinition"]?["value"]?.elements ?? []
            let names = values.compactMap { $0["fullName"]?.text ?? $0["valueName"]?.text }
            let isRestricted = set["restricted"]?.bool ?? false
            return .picklist(
                name, names, kind: type == "Picklist" ? .picklist : .multipicklist,
                length: type == "Picklist" ? 255 : 4099, isRestricted ? .restricted : [])
        case "Lookup":
            guard let target = metadata["referenceTo"]?.text, metadata["relationshipName"]?.text != nil else {
                return nil
            }
            return .reference(name, to: [target], .indexed)
        default: return nil
        }
    }

    private static func missing(_ what: String) -> APIFailure {
        APIFailure(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [\(what)]", fields: [what])
    }

    /// Begins with a letter, has no two underscores in a row and none at the end (Metadata API, fullName).
    private static func isDeveloperName(_ name: Substring) -> Bool {
        guard let first = name.first, first.isASCII, first.isLetter, !name.hasSuffix("_"), !name.contains("__") else {
            return false
        }
        return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }
}
