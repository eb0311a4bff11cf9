// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezTransport

/// A text with places for values: `/contacts/{id}/notes`. `{{` is a brace.
struct TextTemplate: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        case literal(String)
        case placeholder(String)
    }

    let parts: [Part]

    /// `nil` if a brace is not closed or encloses nothing.
    init?(_ text: String) {
        var parts: [Part] = []
        var literal = ""
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{") {
            literal += rest[..<open]
            rest = rest[rest.index(after: open)...]
            if rest.first == "{" {
                literal.append("{")
                rest = rest.dropFirst()
                continue
            }
            guard let close = rest.firstIndex(of: "}"), close > rest.startIndex else { return nil }
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = ""
            parts.append(.placeholder(String(rest[..<close])))
            rest = rest[rest.index(after: close)...]
        }
        literal += rest
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.parts = parts
    }

    /// A text that is nothing but a placeholder.
    init(placeholder name: String) { parts = [.placeholder(name)] }

    var placeholders: [String] {
        parts.compactMap { if case .placeholder(let name) = $0 { name } else { nil } }
    }

    /// The placeholder that the text consists of, if it is nothing else.
    var onlyPlaceholder: String? {
        guard parts.count == 1, case .placeholder(let name) = parts[0] else { return nil }
        return name
    }

    /// The text with its values; `nil` if one of them is not known.
    func filled(_ value: (String) -> String?) -> String? {
        var text = ""
        for part in parts {
            switch part {
            case .literal(let literal): text += literal
            case .placeholder(let name):
                guard let value = value(name) else { return nil }
                text += value
            }
        }
        return text
    }

    /// The value that stands for the only placeholder in a text that was made from this template.
    func value(in text: String) -> String? {
        var (prefix, suffix, isBefore) = ("", "", true)
        for part in parts {
            switch part {
            case .literal(let literal): if isBefore { prefix += literal } else { suffix += literal }
            case .placeholder: isBefore = false
            }
        }
        guard text.hasPrefix(prefix), text.hasSuffix(suffix), text.count > prefix.count + suffix.count else {
            return nil
        }
        return String(text.dropFirst(prefix.count).dropLast(suffix.count))
    }
}

/// A JSON body with places for values. What has no value is left out with its key.
indirect enum BodyTemplate: Sendable, Hashable {
    case object([Member])
    case array([BodyTemplate])
    case text(TextTemplate)
    /// A number, a truth value or `null`, as it is written.
    case literal(String)

    struct Member: Sendable, Hashable {
        var key: String
        var value: BodyTemplate
    }

    /// A text that is nothing but a placeholder takes the value as it is: a number stays a number.
    func filled(_ values: PlaceholderValues) -> JSONValue? {
        switch self {
        case .object(let members):
            return .object(
                members.compactMap { member in member.value.filled(values).map { .init(member.key, $0) } })
        case .array(let elements): return .array(elements.compactMap { $0.filled(values) })
        case .text(let template):
            if let name = template.onlyPlaceholder { return values[name] }
            return template.filled { values[$0].flatMap(placeholderText) }.map { .string($0) }
        case .literal(let text):
            switch text {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null": return .null
            default: return .number(text)
            }
        }
    }

    var placeholders: [String] {
        switch self {
        case .object(let members): members.flatMap(\.value.placeholders)
        case .array(let elements): elements.flatMap(\.placeholders)
        case .text(let template): template.placeholders
        case .literal: []
        }
    }
}

/// What stands for the placeholders of one request.
typealias PlaceholderValues = [String: JSONValue]

/// The text of a value in an address; several stand with commas between them.
func placeholderText(_ value: JSONValue) -> String? {
    switch value {
    case .array(let elements): elements.compactMap(\.text).joined(separator: ",")
    case .bool(let value): value ? "true" : "false"
    default: value.text
    }
}

/// A request with places for values.
struct RequestTemplate: Sendable, Hashable {
    struct QueryItem: Sendable, Hashable {
        var name: String
        var value: TextTemplate
    }

    var method = HTTPMethod.get
    /// Below the base address.
    var path: TextTemplate
    var query: [QueryItem] = []
    var body: BodyTemplate?

    var placeholders: [String] {
        path.placeholders + query.flatMap(\.value.placeholders) + (body?.placeholders ?? [])
    }

    /// Path and query; an item without its value is left out. `nil` if a value of the path is not known.
    func target(_ values: PlaceholderValues) -> String? {
        let path = path.filled { values[$0].flatMap(placeholderText).map { URLQuery.escaped($0) } }
        guard let path else { return nil }
        let items = query.compactMap { item in
            item.value.filled { values[$0].flatMap(placeholderText) }.map { (item.name, $0) }
        }
        return items.isEmpty ? path : path + "?" + URLQuery.encoded(items, keepsCommas: true)
    }
}
