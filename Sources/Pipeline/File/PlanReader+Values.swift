// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform
import MigratezYAML

/// A mapping of the file whose keys were checked against its form.
struct Section {
    /// What it is called in messages: `objects.contact`.
    var name: String
    var path: [String]
    var position: FilePosition
    var members: [YAMLNode.Member]
    /// What it is: a section of `FileKeys`, or a mapping with names of the user's own.
    var form: FileForm

    subscript(key: String) -> YAMLNode? {
        guard let value = members.first(where: { $0.key == key })?.value else { return nil }
        return value
    }

    /// Where the value of a key stands, or else the section.
    func position(of key: String) -> FilePosition { self[key]?.position ?? position }

    /// What may stand at a key of it. Reading a key that is not in the table is a mistake of this program.
    func form(of key: String) -> FileForm {
        if case .entries(let form) = form { return form }
        guard let form = form.section?[key]?.form else {
            preconditionFailure("'\(key)' of \(name) is not in the table of keys")
        }
        return form
    }

    /// The same, where a value of that kind is about to be read: the table and the reader must not differ.
    func form(of key: String, as kind: FileForm.Kind) -> FileForm {
        let form = form(of: key)
        precondition(form.allows(kind), "the table of keys says otherwise of '\(key)' in \(name)")
        return form
    }

    /// What a key of it is called in messages.
    func name(of key: String) -> String { path.isEmpty ? key : "\(name).\(key)" }
}

/// Reading of single values; each reports what is wrong and goes on.
extension PlanReader {
    mutating func report(
        _ code: ErrorCode, _ position: FilePosition, _ message: String, suggestion: String? = nil,
        remedy: String? = nil, severity: Diagnostic.Severity = .error
    ) {
        diagnostics.append(
            Diagnostic(
                file: file, position: position, severity: severity, code: code, message: message,
                suggestion: suggestion, remedy: remedy))
    }

    /// A mapping whose keys are those of its form.
    mutating func section(_ node: YAMLNode, path: [String], name: String, _ form: FileForm) -> Section? {
        marks.set(path, node.position)
        guard case .mapping(let members) = node.content else {
            report(.wrongForm, node.position, "\(name) must be a mapping, not \(node.kindName)")
            return nil
        }
        for member in members { marks.set(path + [member.key], member.value.position) }
        let section = Section(name: name, path: path, position: node.position, members: members, form: form)
        if let known = form.section { check(section, against: known) }
        return section
    }

    private mutating func check(_ section: Section, against known: FileSection) {
        for member in section.members where known[member.key] == nil {
            report(
                .unknownKey, member.keyPosition, "unknown key '\(member.key)' in \(section.name)",
                suggestion: closest(to: member.key, among: known.keys.map(\.name)))
        }
        for key in known.keys {
            if key.isRequired, section[key.name] == nil { reportMissing(key.name, in: section) }
            if let needed = key.needs, section[key.name] != nil, section[needed] == nil {
                report(
                    .missingKey, section.position(of: key.name), "\(section.name(of: key.name)) needs '\(needed)'")
            }
        }
        for keys in known.needed where keys.allSatisfy({ section[$0] == nil }) {
            let names = keys.map { "'\($0)'" }
            report(.missingKey, section.position, "\(section.name) needs \(listed(names))")
        }
        for keys in known.alternatives {
            let given = keys.filter { section[$0] != nil }
            if given.isEmpty {
                let names = keys.map { "'\($0)'" }
                report(.missingKey, section.position, "\(section.name) needs one of \(listed(names, "and"))")
            } else if given.count > 1 {
                reportConflict(section, given[0], given[1])
            }
        }
    }

    mutating func reportMissing(_ key: String, in section: Section) {
        report(.missingKey, section.position, "the key '\(key)' is missing in \(section.name)")
    }

    /// A section below another; `nil` if it is absent.
    mutating func section(_ parent: Section, _ key: String) -> Section? {
        guard let node = parent[key] else { return nil }
        return section(node, path: parent.path + [key], name: parent.name(of: key), parent.form(of: key).mapping)
    }

    /// The section that is element `number` of a list.
    mutating func section(_ node: YAMLNode, _ number: Int, of parent: Section, _ key: String) -> Section? {
        let path = parent.path + [key, String(number)]
        return section(node, path: path, name: path.joined(separator: "."), parent.form(of: key).mapping)
    }

    /// The members of a mapping with keys of the user's own.
    mutating func entries(_ parent: Section, _ key: String) -> [YAMLNode.Member] {
        section(parent, key)?.members ?? []
    }

    /// The elements of a list; one element alone may stand without brackets.
    mutating func elements(_ parent: Section, _ key: String) -> [YAMLNode] {
        guard let node = parent[key] else { return [] }
        guard case .sequence(let elements) = node.content else { return [node] }
        for (number, element) in elements.enumerated() {
            marks.set(parent.path + [key, String(number)], element.position)
        }
        return elements
    }

    mutating func scalar(_ node: YAMLNode, _ name: String) -> String? {
        guard case .scalar(let text) = node.content, !node.isNull else {
            // `{object}` without quotes is a mapping to YAML.
            var isBraced = false
            if case .mapping(let members) = node.content { isBraced = members.allSatisfy { $0.value.isNull } }
            report(
                .wrongForm, node.position, "\(name) must be a text, not \(node.kindName)",
                remedy: isBraced ? "Quote a text with braces: '{object}'" : nil)
            return nil
        }
        return text
    }

    mutating func text(_ section: Section, _ key: String) -> String? {
        guard let node = section[key] else { return nil }
        return scalar(node, section.name(of: key))
    }

    mutating func texts(_ section: Section, _ key: String) -> [String] {
        elements(section, key).compactMap { scalar($0, section.name(of: key)) }
    }

    /// A value read by `read`, described by the key's form if that fails.
    mutating func value<T>(
        _ section: Section, _ key: String, _ kind: FileForm.Kind, _ code: ErrorCode = .wrongUnit,
        _ read: (String) -> T?
    ) -> T? {
        let form = section.form(of: key, as: kind)
        guard let text = text(section, key) else { return nil }
        if let value = read(text) { return value }
        report(code, section.position(of: key), "\(section.name(of: key)) must be \(form.description), not '\(text)'")
        return nil
    }

    mutating func bool(_ section: Section, _ key: String) -> Bool? {
        value(section, key, .bool, .wrongForm) { ["true": true, "false": false][$0] }
    }

    mutating func count(_ section: Section, _ key: String) -> Int? {
        let least = section.form(of: key).countMin
        return value(section, key, .count) { text in Quantity.count(text).flatMap { $0 >= least ? $0 : nil } }
    }

    mutating func size(_ section: Section, _ key: String) -> ByteCount? {
        value(section, key, .size) { text in Quantity.bytes(text).flatMap { $0 > 0 ? ByteCount($0) : nil } }
    }

    mutating func share(_ section: Section, _ key: String) -> Double? {
        value(section, key, .share) { Quantity.share($0) }
    }

    /// One of the values of an enumeration.
    mutating func choice<T: RawRepresentable & CaseIterable>(
        _ section: Section, _ key: String, _ type: T.Type
    ) -> T? where T.RawValue == String {
        let words = section.form(of: key, as: .words).words
        precondition(words == T.allCases.map(\.rawValue), "the table of keys has other words for '\(key)'")
        // A bare `null` is one of the words (`on_error: null`), not the absence of a value.
        if let node = section[key], node.isNull, let value = T(rawValue: "null") { return value }
        guard let text = text(section, key) else { return nil }
        if let value = T(rawValue: text) { return value }
        reportChoice(section, key, text)
        return nil
    }

    /// One of a few words.
    mutating func word(_ section: Section, _ key: String) -> String? {
        guard let text = text(section, key) else { return nil }
        if section.form(of: key, as: .words).words.contains(text) { return text }
        reportChoice(section, key, text)
        return nil
    }

    private mutating func reportChoice(_ section: Section, _ key: String, _ text: String) {
        let words = section.form(of: key).words
        report(
            .wrongForm, section.position(of: key),
            "\(section.name(of: key)) must be \(listed(words)), not '\(text)'",
            suggestion: closest(to: text, among: words))
    }

    /// An expression, with positions inside it.
    mutating func expression(_ section: Section, _ key: String) -> RecordExpression? {
        _ = section.form(of: key, as: .expression)
        guard let node = section[key], let text = scalar(node, section.name(of: key)) else { return nil }
        do {
            let expression = try RecordExpression(parsing: text)
            for variable in expression.variables where vars[variable.name] == nil {
                report(
                    .unknownVariable, scalars.position(of: variable.offset, inScalarAt: node.position),
                    "unknown variable 'vars.\(variable.name)' in \(section.name(of: key))",
                    suggestion: closest(to: variable.name, among: vars.keys.sorted()))
            }
            reportUses(of: expression, section, key, at: node.position)
            return expression
        } catch {
            report(
                .badExpression, scalars.position(of: error.offset, inScalarAt: node.position),
                "\(error.message) in \(section.name(of: key))", suggestion: error.suggestion)
            return nil
        }
    }

    /// What can never work, whatever the source's fields are.
    private mutating func reportUses(
        of expression: RecordExpression, _ section: Section, _ key: String, at position: FilePosition
    ) {
        // Who comes from other tools writes `contact.email`; a field of that name is `record['contact']`.
        for mention in expression.memberMentions
        where section.path.dropFirst().first == mention.field
            && expression.source.dropFirst(mention.offset).hasPrefix(mention.field)
        {
            report(
                .badExpression, scalars.position(of: mention.offset, inScalarAt: position),
                "'\(mention.field)' has no members; a field is written by its name alone, a variable as "
                    + "vars.\(mention.member) in \(section.name(of: key))")
        }
        let purpose = key == "where" ? ExpressionCheck.Purpose.filter : .value
        for failure in ExpressionCheck.failures(in: expression, for: purpose, vars: vars) {
            report(
                .badExpression, scalars.position(of: failure.offset, inScalarAt: position),
                "\(failure.message) in \(section.name(of: key))", suggestion: failure.suggestion)
        }
    }

    /// A text with `${run.…}` and `${vars.…}`.
    mutating func template(_ section: Section, _ key: String) -> TextTemplate? {
        _ = section.form(of: key, as: .template)
        guard let node = section[key] else { return nil }
        guard case .scalar(let text) = node.content else {
            _ = scalar(node, section.name(of: key))
            return nil
        }
        do {
            var template = TextTemplate(parts: [])
            for part in try templateParts(text) {
                switch part {
                case .literal(let literal): template.parts.append(.literal(literal))
                case .placeholder(let name):
                    guard let part = variable(name, at: node.position, in: section.name(of: key)) else { continue }
                    template.parts.append(part)
                }
            }
            return template
        } catch {
            report(.badReference, node.position, "\(error.message) in \(section.name(of: key))")
            return nil
        }
    }

    private mutating func variable(
        _ name: String, at position: FilePosition, in place: String
    ) -> TextTemplate.Part? {
        if name.hasPrefix("vars."), vars[String(name.dropFirst(5))] != nil {
            return .variable(String(name.dropFirst(5)))
        }
        if name.hasPrefix("run."), let variable = RunVariable(rawValue: String(name.dropFirst(4))) {
            return .run(variable)
        }
        if ["env:", "file:", "cmd:", "cred:"].contains(where: { name.hasPrefix($0) }) {
            report(
                .badReference, position, "\(place) cannot use '${\(name)}'",
                remedy: "References belong in settings; here ${run.date} and ${vars.name} are known")
            return nil
        }
        let names = RunVariable.allCases.map { "run.\($0.rawValue)" } + vars.keys.sorted().map { "vars.\($0)" }
        report(
            .unknownVariable, position, "unknown variable '\(name)' in \(place)",
            suggestion: closest(to: name, among: names))
        return nil
    }

    /// One reference to a secret; a literal is refused.
    mutating func secret(_ node: YAMLNode, _ name: String) -> Reference? {
        guard let text = scalar(node, name) else { return nil }
        do {
            if let reference = try ReferenceTemplate(parsing: text).soleReference { return reference }
            // The text itself must not be repeated: it may be the secret.
            report(
                .literalSecret, node.position, "\(name) is a secret and must not stand in the file",
                remedy:
                    "Write a reference: \"${env:NAME}\", \"${file:/path}\", \"${cmd:program …}\" or \"${cred:name}\"")
        } catch {
            report(
                .badReference, node.position,
                "\(name) must be one reference: ${env:…}, ${file:…}, ${cmd:…} or ${cred:…}",
                suggestion: error.suggestion)
        }
        return nil
    }
}
