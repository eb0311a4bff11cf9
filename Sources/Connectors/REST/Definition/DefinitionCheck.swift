// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezYAML

/// Holds a tree against the forms of a definition and reports all that does not fit, each with its place.
struct DefinitionCheck {
    let file: String
    private(set) var diagnostics: [Diagnostic] = []

    init(file: String) { self.file = file }

    mutating func check(_ node: YAMLNode, _ form: DefinitionForm, _ name: String) {
        switch form {
        case .section(let section): check(node, section, name)
        case .sections(let section):
            if case .sequence(let elements) = node.content {
                for element in elements { check(element, section, name) }
            } else {
                check(node, section, name)
            }
        case .short(let form, let section):
            if case .mapping = node.content { check(node, section, name) } else { check(node, form, name) }
        case .entries(let form):
            guard case .mapping(let members) = node.content else { return wrongForm(node, "a mapping", name) }
            for member in members { check(member.value, form, "\(name).\(member.key)") }
        case .paths, .templates, .texts:
            guard case .sequence(let elements) = node.content else { return check(node, form.element, name) }
            for element in elements { check(element, form.element, name) }
        case .body: checkBody(node, name)
        case .text, .bool, .count, .rate, .words, .path, .template:
            guard case .scalar(let text) = node.content, !node.isNull else {
                return wrongForm(node, form.description, name)
            }
            check(text, form, name, node.position)
        }
    }

    private mutating func check(_ node: YAMLNode, _ section: DefinitionSection, _ name: String) {
        guard case .mapping(let members) = node.content else { return wrongForm(node, "a mapping", name) }
        for member in members {
            guard let key = section[member.key] else {
                report(
                    .unknownKey, member.keyPosition, "'\(member.key)' is not a key of \(name)",
                    suggestion: closest(to: member.key, among: section.keys.map(\.name)),
                    remedy: "There are: \(section.keys.map(\.name).joined(separator: ", "))")
                continue
            }
            check(member.value, key.form, "\(name).\(key.name)")
        }
        for key in section.keys where key.isRequired && !members.contains(where: { $0.key == key.name }) {
            report(.missingKey, node.position, "\(name) needs '\(key.name)': \(key.summary)")
        }
    }

    private mutating func check(_ text: String, _ form: DefinitionForm, _ name: String, _ position: FilePosition) {
        switch form {
        case .bool where !["true", "false"].contains(text),
            .count where Int(text) == nil,
            .path where RecordPath(text) == nil:
            report(.wrongForm, position, "\(name) must be \(form.description), not '\(text)'")
        case .count(let least) where (Int(text) ?? 0) < least:
            report(.wrongForm, position, "\(name) must be \(form.description), not '\(text)'")
        case .rate:
            if (try? RateBudget(parsing: text)) == nil {
                report(.wrongForm, position, "\(name) must be \(form.description), not '\(text)'")
            }
        case .words(let words) where !words.contains(text):
            report(
                .wrongForm, position, "\(name) cannot be '\(text)'", suggestion: closest(to: text, among: words),
                remedy: "There are: \(words.joined(separator: ", "))")
        case .template where TextTemplate(text) == nil:
            report(
                .wrongForm, position, "\(name) has a brace that is not closed or encloses nothing",
                remedy: "Write '{{' for a brace")
        default: break
        }
    }

    private mutating func checkBody(_ node: YAMLNode, _ name: String) {
        switch node.content {
        case .mapping(let members): for member in members { checkBody(member.value, "\(name).\(member.key)") }
        case .sequence(let elements): for element in elements { checkBody(element, name) }
        case .scalar(let text): check(text, .template, name, node.position)
        }
    }

    private mutating func wrongForm(_ node: YAMLNode, _ wanted: String, _ name: String) {
        report(.wrongForm, node.position, "\(name) must be \(wanted), not \(node.kindName)")
    }

    mutating func report(
        _ code: ErrorCode, _ position: FilePosition, _ message: String, suggestion: String? = nil,
        remedy: String? = nil
    ) {
        diagnostics.append(
            Diagnostic(
                file: file, position: position, severity: .error, code: code, message: message, suggestion: suggestion,
                remedy: remedy))
    }
}

extension YAMLNode {
    var members: [Member] { if case .mapping(let members) = content { members } else { [] } }
    var elements: [YAMLNode] { if case .sequence(let elements) = content { elements } else { [self] } }
    var text: String? { if case .scalar(let text) = content { text } else { nil } }

    subscript(key: String) -> YAMLNode? { members.first { $0.key == key }?.value }
}
