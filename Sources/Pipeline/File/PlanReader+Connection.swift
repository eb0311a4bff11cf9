// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransform
import MigratezTransport
import MigratezYAML

/// `source:` and `target:`.
extension PlanReader {
    enum Side: String {
        case source, target
    }

    mutating func readConnection(_ node: YAMLNode, side: Side) -> ConnectionSpec? {
        let path = [side.rawValue]
        guard let section = section(node, path: path, name: side.rawValue, .entries(.text)) else { return nil }
        guard section["connector"] != nil else {
            reportMissing("connector", in: section)
            return nil
        }
        guard let connector = text(section, "connector") else { return nil }
        let known = side == .source ? catalog.sources : catalog.destinations
        guard let specs = known[connector] else {
            let role = side == .source ? "source" : "destination"
            report(
                .unknownConnector, section.position(of: "connector"), "there is no \(role) connector '\(connector)'",
                suggestion: closest(to: connector, among: known.keys.sorted()),
                remedy: "There are: " + known.keys.sorted().joined(separator: ", "))
            return nil
        }
        var settings: [String: SettingValue] = [:]
        for member in section.members where member.key != "connector" {
            read(member, path: [member.key], side: side, connector: connector, specs: specs, into: &settings)
        }
        for spec in specs where spec.isRequired && !spec.path.contains("*") && settings[spec.path] == nil {
            guard self[section, spec.path] == nil else { continue }
            report(
                .missingKey, section.position,
                "the \(connector) connector needs '\(side.rawValue).\(spec.path)': \(spec.summary)")
        }
        return ConnectionSpec(connector: connector, settings: settings)
    }

    /// The node at a dotted path below a section: something stands there, even if it could not be read.
    private subscript(section: Section, path: String) -> YAMLNode? {
        var members = section.members
        var found: YAMLNode?
        for name in path.split(separator: ".") {
            found = members.first { $0.key == name }?.value
            guard let node = found else { return nil }
            if case .mapping(let below) = node.content { members = below } else { members = [] }
        }
        return found
    }

    private mutating func read(
        _ member: YAMLNode.Member, path: [String], side: Side, connector: String, specs: [SettingSpec],
        into settings: inout [String: SettingValue]
    ) {
        marks.set([side.rawValue] + path, member.value.position)
        let isPrefix = specs.contains { Self.matches($0.path, path, isPrefix: true) }
        if let spec = specs.first(where: { Self.matches($0.path, path, isPrefix: false) }) {
            if let value = setting(member.value, spec, name: "\(side.rawValue).\(path.joined(separator: "."))") {
                settings[path.joined(separator: ".")] = value
            }
        } else if isPrefix {
            guard case .mapping(let members) = member.value.content else {
                let name = ([side.rawValue] + path).joined(separator: ".")
                report(.wrongForm, member.value.position, "\(name) must be a mapping, not \(member.value.kindName)")
                return
            }
            for inner in members {
                read(inner, path: path + [inner.key], side: side, connector: connector, specs: specs, into: &settings)
            }
        } else {
            let siblings = specs.map { $0.path.split(separator: ".").map(String.init) }
                .filter {
                    $0.count >= path.count && Self.matches($0.dropLast($0.count - path.count + 1), path.dropLast())
                }
                .map { $0[path.count - 1] }
            let name = ([side.rawValue] + path).joined(separator: ".")
            report(
                .unknownSetting, member.keyPosition, "the \(connector) connector has no setting '\(name)'",
                suggestion: closest(to: member.key, among: siblings + (path.count == 1 ? ["connector"] : [])))
        }
    }

    /// Whether a setting's dotted path, in which `*` stands for any name, means this one.
    static func matches(_ pattern: String, _ path: [String], isPrefix: Bool) -> Bool {
        let parts = pattern.split(separator: ".").map(String.init)
        guard isPrefix ? parts.count > path.count : parts.count == path.count else { return false }
        return matches(parts.prefix(path.count), path[...])
    }

    private static func matches(_ pattern: ArraySlice<String>, _ path: ArraySlice<String>) -> Bool {
        pattern.count == path.count && zip(pattern, path).allSatisfy { $0 == "*" || $0 == $1 }
    }

    // MARK: Values

    private mutating func setting(_ node: YAMLNode, _ spec: SettingSpec, name: String) -> SettingValue? {
        if case .secret = spec.kind { return secret(node, name).map { .secret($0) } }
        let text: String
        if case .sequence(let elements) = node.content {
            text = elements.compactMap { scalar($0, name) }.joined(separator: ",")
        } else {
            guard let scalar = scalar(node, name) else { return nil }
            text = scalar
        }
        do {
            let template = try ReferenceTemplate(parsing: text)
            guard let literal = template.literal else { return .text(template, spec.kind) }
            guard let value = SettingForm.normalized(literal, spec) else {
                let code = SettingForm.isQuantity(spec) ? ErrorCode.wrongUnit : .wrongForm
                var suggestion: String?
                if case .oneOf(let words) = spec.kind { suggestion = closest(to: literal, among: words) }
                report(
                    code, node.position, "\(name) must be \(SettingForm.description(of: spec)), not '\(literal)'",
                    suggestion: suggestion)
                return nil
            }
            if spec.kind == .url, let failure = SettingForm.failure(ofAddress: value) {
                report(.wrongForm, node.position, "\(name): \(failure.message)", remedy: failure.hint)
                return nil
            }
            return .text(ReferenceTemplate(value), spec.kind)
        } catch {
            report(.badReference, node.position, "\(error.message) in \(name)", suggestion: error.suggestion)
            return nil
        }
    }
}

/// What a setting's text must look like, by the kind and for a few settings that all connectors share by the name.
enum SettingForm {
    /// The text in its plain form (counts and sizes as digits), or `nil` if it does not fit.
    static func normalized(_ text: String, _ spec: SettingSpec) -> String? {
        switch spec.path {
        case "rate.requests": return Quantity.rate(text) == nil ? nil : text
        case "rate.daily_share": return Quantity.share(text) == nil ? nil : text
        case "rate.concurrency": return text == "auto" ? text : Quantity.count(text).map(String.init)
        default: return normalized(text, kind: spec.kind)
        }
    }

    static func normalized(_ text: String, kind: SettingSpec.Kind) -> String? {
        switch kind {
        case .text, .secret: text
        case .path: text.isEmpty ? nil : text
        case .integer: Quantity.count(text).map(String.init)
        case .bool: ["true", "false"].contains(text) ? text : nil
        case .url: text.hasPrefix("https://") || text.hasPrefix("http://") ? text : nil
        case .oneOf(let words): words.contains(text) ? text : nil
        case .byteCount: Quantity.bytes(text).map(String.init)
        }
    }

    /// Why nothing can be sent to an address. Which networks it may be in, the connector asks before it sends anything.
    static func failure(ofAddress text: String) -> MigratezError? {
        do throws(MigratezError) {
            _ = try BaseURL(text, .everywhere)
            return nil
        } catch {
            return error
        }
    }

    /// What may stand in the file, for editors.
    static func form(of spec: SettingSpec) -> FileForm {
        switch spec.path {
        case "rate.requests":
            return .grammar(description(of: spec), pattern: "^[0-9][0-9_.]*[kM]?/[0-9_.]*(ms|s|m|h|d)$")
        case "rate.daily_share": return .share
        case "rate.concurrency": return .any([.words(["auto"]), .count(least: 0)])
        default: break
        }
        return switch spec.kind {
        case .text: .list(.text)
        case .path: .text
        case .secret: .secret
        case .integer: .count(least: 0)
        case .bool: .bool
        case .url: .grammar(description(of: spec.kind), pattern: "^https?://")
        case .oneOf(let words): .words(words)
        case .byteCount: .size
        }
    }

    static func isQuantity(_ spec: SettingSpec) -> Bool {
        spec.kind == .integer || spec.kind == .byteCount || spec.path.hasPrefix("rate.")
    }

    static func description(of spec: SettingSpec) -> String {
        switch spec.path {
        case "rate.requests": "a rate such as 150/10s"
        case "rate.daily_share": "a share such as 70%"
        case "rate.concurrency": "auto or a number"
        default: description(of: spec.kind)
        }
    }

    static func description(of kind: SettingSpec.Kind) -> String {
        switch kind {
        case .text, .secret: "a text"
        case .path: "a path"
        case .integer: "a number such as 200 or 50k"
        case .bool: "true or false"
        case .url: "an address that begins with https://"
        case .oneOf(let words): words.joined(separator: " | ")
        case .byteCount: "a size such as 16MiB"
        }
    }
}
