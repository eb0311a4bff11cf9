// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
package import MigratezJSON

/// The JSON Schema (draft-07) of pipeline files, made from the tables that the reader itself goes by: an editor that
/// knows it completes keys and words, shows what they mean and marks what is wrong.
///
/// It says what can be said about one value at a time. Names that must exist elsewhere in the file, expressions and the
/// contents of map files are left to `lint`.
package struct PipelineSchema {
    private let catalog: ConnectorCatalog

    /// - Parameter catalog: the connectors that the file may name, with their settings.
    package init(_ catalog: ConnectorCatalog) { self.catalog = catalog }

    /// The schema as a document.
    package var document: JSONValue {
        var members: [JSONValue.Member] = [
            .init("$schema", "http://json-schema.org/draft-07/schema#"),
            .init("title", "Migratez pipeline, version 1"),
        ]
        members += section(FileKeys.pipeline).members
        return .object(members)
    }

    private func section(_ section: FileSection) -> JSONValue {
        var members: [JSONValue.Member] = [.init("type", "object"), .init("additionalProperties", false)]
        let required = section.keys.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { members.append(.init("required", .array(required))) }
        let needs = section.keys.compactMap { key in key.needs.map { JSONValue.Member(key.name, [.string($0)]) } }
        if !needs.isEmpty { members.append(.init("dependencies", .object(needs))) }
        let conditions =
            section.alternatives.map { JSONValue.object([.init("oneOf", .array($0.map(Self.requires)))]) }
            + section.needed.map { JSONValue.object([.init("anyOf", .array($0.map(Self.requires)))]) }
        if !conditions.isEmpty { members.append(.init("allOf", .array(conditions))) }
        let properties = section.keys.map { key in
            JSONValue.Member(key.name, Self.described(form(key.form), key.summary))
        }
        members.append(.init("properties", .object(properties)))
        return .object(members)
    }

    private static func requires(_ name: String) -> JSONValue { ["required": [.string(name)]] }

    private static func described(_ schema: JSONValue, _ summary: String) -> JSONValue {
        .object([.init("description", .string(summary))] + schema.members)
    }

    // MARK: Forms

    /// Texts may be written without quotes, and are numbers or truth values to other readers of YAML then.
    private static let scalar: JSONValue = ["type": ["string", "number", "boolean"]]

    private func form(_ form: FileForm) -> JSONValue {
        switch form {
        case .text, .template: Self.scalar
        case .expression: ["type": ["string", "boolean", "number"], "minLength": 1]
        case .bool: ["anyOf": [["type": "boolean"], ["enum": ["true", "false"]]]]
        case .count(let least):
            [
                "anyOf": [
                    ["type": "integer", "minimum": .number(String(least))], Self.pattern(#"^[0-9][0-9_.]*[kM]?$"#),
                ]
            ]
        case .size:
            [
                "anyOf": [
                    ["type": "integer", "minimum": 1],
                    Self.pattern(#"^[0-9][0-9_.]* *(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?$"#),
                ]
            ]
        case .span: Self.pattern(#"^[0-9][0-9_.]* *(ms|s|m|h|d)$"#)
        case .share: Self.pattern(#"^[0-9][0-9_.]*%$"#)
        case .grammar(_, let expression): Self.pattern(expression)
        case .words(let words): Self.words(words)
        case .secret: Self.pattern(#"^\$\{(env|file|cmd|cred):[^}]+\}$"#)
        case .list(let element):
            ["anyOf": [["type": "array", "items": self.form(element)], self.form(element)]]
        case .section(let section): self.section(section)
        case .entries(let value): ["type": "object", "additionalProperties": self.form(value)]
        case .any(let forms): ["anyOf": .array(forms.map { self.form($0) })]
        case .value: [:]
        case .connection(let side): connection(side == .source ? catalog.sources : catalog.destinations)
        }
    }

    private static func pattern(_ expression: String) -> JSONValue {
        ["type": "string", "pattern": .string(expression)]
    }

    /// A word that is also a number, a truth value or nothing in YAML may be written without quotes.
    private static func words(_ words: [String]) -> JSONValue {
        var values = words.map { JSONValue.string($0) }
        if words.contains("null") { values.append(.null) }
        values += words.filter { Int($0) != nil }.map { .number($0) }
        return ["enum": .array(values)]
    }

    // MARK: Connections

    private func connection(_ connectors: [String: [SettingSpec]]) -> JSONValue {
        let names = connectors.keys.sorted()
        let choices = names.map { name -> JSONValue in
            var settings = SettingTree()
            for spec in connectors[name] ?? [] { settings.add(spec, at: spec.path.split(separator: ".")) }
            var members = settings.schema(self).members
            // The connector's own name is a member beside its settings.
            if let place = members.firstIndex(where: { $0.key == "properties" }) {
                members[place].value = .object([.init("connector", [:])] + members[place].value.members)
            }
            let isChosen: JSONValue = [
                "required": ["connector"], "properties": ["connector": ["const": .string(name)]],
            ]
            return ["if": isChosen, "then": .object(members)]
        }
        return [
            "type": "object", "required": ["connector"],
            "properties": [
                "connector": [
                    "description": "The kind of system that it is", "enum": .array(names.map { .string($0) }),
                ]
            ],
            "allOf": .array(choices),
        ]
    }

    /// Settings by the segments of their dotted paths.
    private struct SettingTree {
        var spec: SettingSpec?
        var below: [(name: Substring, tree: SettingTree)] = []

        mutating func add(_ spec: SettingSpec, at path: [Substring]) {
            guard let first = path.first else {
                self.spec = spec
                return
            }
            var tree = SettingTree()
            if let place = below.firstIndex(where: { $0.name == first }) { tree = below.remove(at: place).tree }
            tree.add(spec, at: Array(path.dropFirst()))
            below.append((first, tree))
        }

        /// A mapping whose members must be given has to be given itself.
        private var isRequired: Bool {
            spec?.isRequired ?? below.contains { $0.name != "*" && $0.tree.isRequired }
        }

        func schema(_ schema: PipelineSchema) -> JSONValue {
            if let spec { return schema.setting(spec) }
            let named = below.filter { $0.name != "*" }
            let required = named.filter(\.tree.isRequired).map { JSONValue.string(String($0.name)) }
            let other = below.first { $0.name == "*" }?.tree.schema(schema) ?? false
            var members: [JSONValue.Member] = [.init("type", "object"), .init("additionalProperties", other)]
            if !required.isEmpty { members.append(.init("required", .array(required))) }
            members.append(
                .init("properties", .object(named.map { .init(String($0.name), $0.tree.schema(schema)) })))
            return .object(members)
        }
    }

    /// Any setting but a secret may also hold references, which are looked up when the pipeline runs.
    private func setting(_ spec: SettingSpec) -> JSONValue {
        let own = form(SettingForm.form(of: spec))
        if case .secret = spec.kind { return Self.described(own, spec.summary) }
        return Self.described(["anyOf": [own, Self.pattern(#"\$\{(env|file|cmd|cred):"#)]], spec.summary)
    }
}
