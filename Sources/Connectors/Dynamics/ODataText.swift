// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// Texts of addresses and filters.
///
/// Source: OData 4.0 URL Conventions, section 5.1.1; Microsoft Learn, "Filter rows using OData".
enum ODataText {
    /// How long an address may become, percent-encoded. Dataverse takes 32,768 characters (Microsoft Learn, "Query data
    /// using the Web API"), proxies less.
    static let addressBytesMax = 12_000

    /// Whether a name can be a table's or a column's: letters, digits and underscores.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            default: false
            }
        }
    }

    /// A text as a literal: quotes within it are doubled.
    static func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

    /// A value as a literal of the column's type; `nil` if it is empty or no value of that type.
    static func literal(_ value: String, _ kind: FieldSchema.Kind) -> String? {
        guard !value.isEmpty else { return nil }
        switch kind {
        case .bool: return value == "true" || value == "false" ? value : nil
        case .integer, .choice: return Int(value) == nil ? nil : value
        case .decimal: return NumberText.isNumber(value) ? value : nil
        case .date, .dateTime:
            // Unquoted, so nothing but what a time is made of may pass.
            return value.utf8.allSatisfy { "0123456789-:.TZ+".utf8.contains($0) } ? value : nil
        case .reference, .id: return RecordID(value)?.text
        default: return literal(value)
        }
    }

    /// The values of a query function `In`, and whatever else takes a list of texts, cut into parts that keep an address
    /// short enough.
    ///
    /// - Parameter overhead: bytes of the rest of the address.
    static func groups(_ items: [String], overhead: Int, itemsMax: Int = .max) -> [[String]] {
        var groups: [[String]] = []
        var group: [String] = []
        var bytes = overhead
        for item in items {
            let length = URLQuery.escaped(item, keepsCommas: true).utf8.count + 10
            if !group.isEmpty, bytes + length > addressBytesMax || group.count >= itemsMax {
                groups.append(group)
                group = []
                bytes = overhead
            }
            group.append(item)
            bytes += length
        }
        if !group.isEmpty { groups.append(group) }
        return groups
    }

    /// Rows whose column has one of the values (Microsoft Learn, "In query function").
    static func isIn(_ column: String, _ values: [String]) -> String {
        let list = values.map { value in
            "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }
        return "Microsoft.Dynamics.CRM.In(PropertyName='\(column)',PropertyValues=[\(list.joined(separator: ","))])"
    }

    /// `$select=a,b&$filter=x%20eq%201`: the names of options keep their dollar sign, and lists of columns their commas.
    static func query(_ items: [(name: String, value: String)]) -> String {
        items.map { "\($0.name)=\(URLQuery.escaped($0.value, keepsCommas: true))" }.joined(separator: "&")
    }
}

/// Numbers as texts.
enum NumberText {
    /// Digits with a sign and a decimal point, nothing else.
    static func isNumber(_ text: String) -> Bool {
        let digits = text.first == "-" ? text.dropFirst() : text[...]
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        return (1...2).contains(parts.count)
            && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
            && (digits.count == 1 || !digits.hasPrefix("0") || digits.hasPrefix("0."))
    }
}

/// The id of a record: a GUID, in the form in which Dataverse writes it.
struct RecordID: Hashable, Sendable {
    let text: String

    init?(_ text: String) {
        let groups = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard groups.map(\.count) == [8, 4, 4, 4, 12],
            text.allSatisfy({ $0 == "-" || $0.isASCII && $0.isHexDigit })
        else { return nil }
        self.text = text.lowercased()
    }
}
