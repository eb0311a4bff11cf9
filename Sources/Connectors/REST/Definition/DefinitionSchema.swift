// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON

/// The JSON Schema (draft-07) of definitions, made from the tables that the check itself goes by: an editor that knows it
/// completes keys and words, shows what they mean and marks what is wrong.
///
/// It says what can be said about one value at a time; what keys say together is left to `connectors lint`.
package enum DefinitionSchema {
    package static let document = JSONValue.object(
        [
            .init("$schema", "http://json-schema.org/draft-07/schema#"),
            .init("title", "Migratez connector definition, version 1"),
        ] + section(DefinitionKeys.definition).members)

    private static func section(_ section: DefinitionSection) -> JSONValue {
        let required = section.keys.filter(\.isRequired).map { JSONValue.string($0.name) }
        let properties = section.keys.map { key in
            JSONValue.Member(
                key.name, .object([.init("description", .string(key.summary))] + form(key.form).members))
        }
        return .object(
            [.init("type", "object"), .init("additionalProperties", false)]
                + (required.isEmpty ? [] : [.init("required", .array(required))])
                + [.init("properties", .object(properties))])
    }

    /// Texts may be written without quotes, and are numbers or truth values to other readers of YAML then.
    private static let scalar: JSONValue = ["type": ["string", "number", "boolean"]]

    private static func form(_ form: DefinitionForm) -> JSONValue {
        switch form {
        case .text, .path, .template: scalar
        case .bool: ["anyOf": [["type": "boolean"], ["enum": ["true", "false"]]]]
        case .count(let least): ["type": "integer", "minimum": .number(String(least))]
        case .rate: ["type": "string", "pattern": "^[0-9]+/[0-9]*(ms|s|m|h|d)$"]
        case .words(let words): ["enum": .array(words.flatMap(Self.word))]
        case .paths, .templates, .texts: ["anyOf": [scalar, ["type": "array", "items": scalar]]]
        case .body: [:]
        case .short(let short, let section): ["anyOf": [self.form(short), self.section(section)]]
        case .section(let section): self.section(section)
        case .sections(let section):
            ["anyOf": [self.section(section), ["type": "array", "items": self.section(section)]]]
        case .entries(let value): ["type": "object", "additionalProperties": self.form(value)]
        }
    }

    /// A word that is also a number in YAML may be written without quotes.
    private static func word(_ word: String) -> [JSONValue] {
        Int(word) == nil ? [.string(word)] : [.string(word), .number(word)]
    }
}

/// The tables of the documentation.
package enum DefinitionGuide {
    /// A heading and a table for each mapping, in the order in which they are first mentioned.
    package static var markdown: String {
        var sections: [DefinitionSection] = []
        collect(DefinitionKeys.definition, &sections)
        return sections.map { section in
            let rows = section.keys.map { key in
                "| `\(key.name)`\(key.isRequired ? " *" : "") | \(key.form.description) | \(key.summary) |"
            }
            return "### \(section.name)\n\n| Key | Value | Meaning |\n|---|---|---|\n" + rows.joined(separator: "\n")
                + "\n"
        }.joined(separator: "\n")
    }

    private static func collect(_ section: DefinitionSection, _ sections: inout [DefinitionSection]) {
        guard !sections.contains(where: { $0.name == section.name }) else { return }
        sections.append(section)
        for key in section.keys { if let inner = key.form.section { collect(inner, &sections) } }
    }
}
