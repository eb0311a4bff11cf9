// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Values of rows in the form that a request takes.
enum FieldValue {
    /// - Parameter isFormer: whether version 1 is to take it, which has a form of its own for times.
    /// - Throws: a rejection if the value cannot be that of the field.
    static func encoded(
        _ value: JSONValue, _ field: PipedriveField, isFormer: Bool
    ) throws(Rejection) -> JSONValue {
        // Pipedrive keeps no empty texts.
        guard value != .null, value.text != "" else { return .null }
        switch field.form {
        case .asIs: return value
        case .options: return try options(value, field)
        default: break
        }
        guard let text = value.text ?? value.bool.map({ $0 ? "true" : "false" }) else {
            throw wrong(field, "the field holds a single value")
        }
        switch field.form {
        case .text, .part, .primary, .price:
            if field.kind == .choice, !field.options.contains(where: { $0.value == text }) { throw unlisted(field) }
            if field.kind == .decimal, Double(text) != nil { return .number(text) }
            if field.kind == .decimal { throw wrong(field, "the field holds a number") }
            return .string(text)
        case .number:
            guard let number = Double(text), number.isFinite else { throw wrong(field, "the field holds a number") }
            return .number(text)
        case .integer, .reference, .participant: return try integer(text, field)
        case .bool:
            guard let flag = ["true": true, "false": false, "1": true, "0": false][text] else {
                throw wrong(field, "the field holds true or false")
            }
            return .bool(flag)
        case .date:
            let day = String(text.prefix(10))
            guard InstantText.moment(day) != nil else { throw wrong(field, "the field holds a date") }
            return .string(day)
        case .dateTime:
            guard let time = InstantText.timestamp(text) else { throw wrong(field, "the field holds a time in UTC") }
            let seconds = ValueIndex.text(time)
            return .string(isFormer ? String(seconds.dropLast()).replacing("T", with: " ") : seconds)
        case .option:
            guard field.options.isEmpty || field.options.contains(where: { $0.value == text }) else {
                throw unlisted(field)
            }
            return try integer(text, field)
        case .asIs, .options: return value
        }
    }

    /// Several ids of options: a list, or a text with `;` between them. None at all clears the field.
    private static func options(_ value: JSONValue, _ field: PipedriveField) throws(Rejection) -> JSONValue {
        let texts: [String]
        if case .array(let elements) = value {
            texts = elements.compactMap(\.text)
        } else {
            texts = (value.text ?? "").split(separator: ";").map(String.init)
        }
        guard texts.allSatisfy({ text in field.options.contains { $0.value == text } }) else { throw unlisted(field) }
        guard !texts.isEmpty || !field.isCustom else { return .null }
        return .array(texts.map { .number($0) })
    }

    private static func integer(_ text: String, _ field: PipedriveField) throws(Rejection) -> JSONValue {
        if let number = Int64(text) { return .number(String(number)) }
        guard let number = Double(text), let whole = Int64(exactly: number) else {
            throw wrong(field, "the field holds a whole number")
        }
        return .number(String(whole))
    }

    private static func wrong(_ field: PipedriveField, _ reason: String) -> Rejection {
        Rejection(.wrongType, fields: [field.name], reason: reason)
    }

    private static func unlisted(_ field: PipedriveField) -> Rejection {
        Rejection(.notInPicklist, fields: [field.name], reason: "the field takes the values of a list")
    }
}
