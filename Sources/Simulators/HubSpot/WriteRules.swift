// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM

/// What an object's properties accept.
struct WriteRules: Sendable {
    let object: ObjectType
    let unique: [String]
    /// What a new record must have a value for.
    let required: [String]
    private let definitions: [String: PropertyDefinition]

    init(_ object: ObjectType, _ definitions: [PropertyDefinition], required: [String]) {
        self.object = object
        self.required = required
        self.definitions = Dictionary(definitions.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        unique = definitions.filter(\.hasUniqueValue).map(\.name)
    }

    /// The values as HubSpot keeps them; a `nil` clears a property.
    ///
    /// - Throws: a failure that lists everything that is wrong with them.
    func checked(_ properties: JSONValue?) throws(HubSpotFailure) -> [(name: String, value: String?)] {
        var values: [(name: String, value: String?)] = []
        var problems: [JSONValue] = []
        for member in properties?.members ?? [] {
            guard let definition = definitions[member.key] else {
                problems.append(
                    problem(member.key, "PROPERTY_DOESNT_EXIST", "Property \"\(member.key)\" does not exist"))
                continue
            }
            if definition.isReadOnly {
                problems.append(problem(member.key, "READ_ONLY_VALUE", "\"\(member.key)\" is a read only property"))
                continue
            }
            let value = WriteRules.text(member.value)
            if let value, !value.isEmpty, let code = objection(to: value, definition) {
                problems.append(problem(member.key, code, "\"\(member.key)\" was not valid"))
                continue
            }
            let isEmail = member.key == "email" && object == .contact
            values.append((member.key, isEmail ? value.map { $0.lowercased().filter { $0 != " " } } : value))
        }
        guard problems.isEmpty else {
            let list = String(decoding: JSONValue.array(problems).serialized(), as: UTF8.self)
            throw .invalid("Property values were not valid: \(list)")
        }
        return values
    }

    /// HubSpot takes numbers and booleans too and keeps them as text; an empty text clears.
    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .bool(let flag): flag ? "true" : "false"
        default: value.text.flatMap { $0.isEmpty ? nil : $0 }
        }
    }

    private func problem(_ name: String, _ code: String, _ message: String) -> JSONValue {
        [
            "isValid": false, "message": .string(message), "error": .string(code), "name": .string(name),
            "localizedErrorMessage": .string(message),
        ]
    }

    /// The vendor's code for what is wrong with the value; `nil` if it is fine.
    private func objection(to value: String, _ definition: PropertyDefinition) -> String? {
        switch definition.type {
        case "enumeration" where !definition.options.isEmpty:
            let known = Set(definition.options)
            return value.split(separator: ";").allSatisfy { known.contains(String($0)) } ? nil : "INVALID_OPTION"
        case "bool": return value == "true" || value == "false" ? nil : "INVALID_OPTION"
        case "number": return Double(value) == nil ? "INVALID_LONG" : nil
        case "datetime", "date": return DateText.parsed(value) == nil ? "INVALID_DATE" : nil
        default:
            if value.utf16.count > 65_536 { return "PROPERTY_VALUE_TOO_LONG" }
            if object == .contact, definition.name == "email" {
                let parts = value.split(separator: "@", omittingEmptySubsequences: false)
                return parts.count == 2 && !parts[0].isEmpty && parts[1].contains(".") ? nil : "INVALID_EMAIL"
            }
            return nil
        }
    }
}

extension DateText {
    /// Reads `2026-01-02`, `2026-01-02T03:04:05[.678]Z` or milliseconds since the epoch.
    static func parsed(_ text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        if let milliseconds = Int64(text) { return Timestamp(milliseconds: milliseconds) }
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count else { return nil }
            return Int64(String(decoding: bytes[range], as: UTF8.self))
        }
        guard
            bytes.count == 10
                || (bytes.count >= 20 && bytes[10] == UInt8(ascii: "T") && bytes.last == UInt8(ascii: "Z")),
            bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), let year = number(0..<4),
            let month = number(5..<7), let day = number(8..<10), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let midnight = Timestamp.days(year: year, month: month, day: day) * 86_400_000
        guard bytes.count > 10 else { return Timestamp(milliseconds: midnight) }
        guard let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19) else { return nil }
        var fraction: Int64 = 0
        if bytes.count == 24 { fraction = number(20..<23) ?? 0 }
        return Timestamp(milliseconds: midnight + hour * 3_600_000 + minute * 60_000 + second * 1000 + fraction)
    }
}
