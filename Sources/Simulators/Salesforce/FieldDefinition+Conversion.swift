// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import GRDB
import MigratezJSON

/// What becomes of a value that a client sent for a field.
enum ConvertedValue {
    case value(DatabaseValue)
    /// It cannot be read as the field's type at all; JSON requests are refused as a whole, bulk rows one by one.
    case mismatch
    case failure(RowFailure)
}

extension FieldDefinition {
    /// A value of a JSON request. Numbers and booleans may come as strings; a number for a text field is refused,
    /// as the platform's parser does. An empty string is null.
    func converted(_ json: JSONValue) -> ConvertedValue {
        switch json {
        case .null: return .value(.null)
        case .string(let text): return converted(text)
        case .bool(let value): return kind == .boolean ? .value(value.databaseValue) : .mismatch
        case .number(let text):
            switch kind {
            case .int, .double, .currency, .percent: return converted(text)
            default: return .mismatch
            }
        case .array, .object: return .mismatch
        }
    }

    /// A value as text: from JSON or from a column of a bulk job.
    func converted(_ text: String) -> ConvertedValue {
        if text.isEmpty { return .value(.null) }
        switch kind {
        case .string, .textarea, .email, .phone, .url, .combobox, .picklist, .multipicklist: return checked(text)
        case .boolean:
            switch text.lowercased() {
            case "true", "1": return .value(true.databaseValue)
            case "false", "0": return .value(false.databaseValue)
            default: return .mismatch
            }
        case .int:
            guard let value = Int64(text) else { return .mismatch }
            return inRange(Double(value)) ? .value(value.databaseValue) : .failure(outOfRange(text))
        case .double, .currency, .percent:
            guard let value = Double(text), value.isFinite else { return .mismatch }
            return inRange(value) ? .value(value.databaseValue) : .failure(outOfRange(text))
        case .date: return DateTimeText.isDate(text) ? .value(text.databaseValue) : .mismatch
        case .datetime:
            guard let value = DateTimeText.milliseconds(text) else { return .mismatch }
            return .value(value.databaseValue)
        case .id, .reference:
            guard let id = RecordID(text) else {
                return .failure(
                    RowFailure("MALFORMED_ID", "\(label): id value of incorrect type: \(text)", fields: [name]))
            }
            return .value(id.text.databaseValue)
        case .base64:
            guard let data = Data(base64Encoded: text) else { return .mismatch }
            return .value(data.databaseValue)
        }
    }

    private func checked(_ text: String) -> ConvertedValue {
        // A text has at most as many UTF-16 code units as bytes in UTF-8.
        if text.utf8.count > length, text.utf16.count > length {
            return .failure(
                RowFailure(
                    "STRING_TOO_LONG", "\(label): data value too large: \(text) (max length=\(length))", fields: [name])
            )
        }
        if kind == .email, !FieldDefinition.isEmailAddress(text) {
            return .failure(
                RowFailure("INVALID_EMAIL_ADDRESS", "\(label): invalid email address: \(text)", fields: [name]))
        }
        if isRestricted, !isAllowed(text) {
            return .failure(
                RowFailure(
                    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                    "\(label): bad value for restricted picklist field: \(text)", fields: [name]))
        }
        return .value(text.databaseValue)
    }

    private func isAllowed(_ text: String) -> Bool {
        guard kind == .multipicklist else { return picklist.contains(text) }
        return text.split(separator: ";").allSatisfy { picklist.contains(String($0)) }
    }

    private func inRange(_ value: Double) -> Bool {
        var bound = 1.0
        for _ in 0..<(precision - scale) { bound *= 10 }
        return precision == 0 || value.magnitude < bound
    }

    private func outOfRange(_ text: String) -> RowFailure {
        RowFailure(
            "NUMBER_OUTSIDE_VALID_RANGE",
            "\(label): value outside of valid range on numeric field: \(text)", fields: [name])
    }

    /// The platform's rule is not published; this is the dot-atom form of RFC 5322 with a domain of two labels or more.
    static func isEmailAddress(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].count) else { return false }
        let labels = parts[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.count >= 2 else { return false }
        let isAtom = { (byte: UInt8) in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
            }
        }
        let atoms = parts[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return atoms.allSatisfy { !$0.isEmpty && $0.allSatisfy(isAtom) }
            && labels.allSatisfy { label in
                !label.isEmpty
                    && label.allSatisfy {
                        (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x2D
                    }
            }
    }
}
