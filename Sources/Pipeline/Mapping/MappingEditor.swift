// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezYAML

/// Changes single rules in the text of a pipeline file and leaves every other character as it is.
///
/// Each step finds its place by reading the text anew, so that steps cannot disturb each other.
struct MappingEditor {
    private let file: String
    private var scalars: [Unicode.Scalar]

    init(file: String, text: String) {
        self.file = file
        scalars = Array(text.unicodeScalars)
    }

    var text: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// The text as a tree.
    func root() throws(MigratezError) -> YAMLNode {
        var reader = YAMLReader(file: file, text: text)
        guard let root = reader.read() else {
            throw MigratezError(
                .invalidPipeline, reader.diagnostics.map(\.description).joined(separator: "\n"),
                remedy: .fixConfiguration)
        }
        return root
    }

    // MARK: Steps

    /// Sets one thing that a field's rule says.
    mutating func set(_ key: String, to value: String, ofField field: String, of object: String) throws {
        let member = try member(field, of: object)
        guard case .mapping(let members) = member.value.content else {
            // `LastName: lastname` is short for a rule with nothing but `from`.
            let range = try range(of: member.value)
            if key == "from" { return replace(range, Self.render(key, value, inFlow: isInFlow(member.value))) }
            let from = String(String.UnicodeScalarView(scalars[range]))
            return replace(range, "{ from: \(from), \(key): \(Self.render(key, value, inFlow: true)) }")
        }
        let isFlow = startsFlow(member.value)
        if let known = members.first(where: { $0.key == key }) {
            return replace(try range(of: known.value), Self.render(key, value, inFlow: isFlow))
        }
        try insert("\(key): \(Self.render(key, value, inFlow: isFlow))", after: members, isFlow: isFlow)
    }

    /// Takes one thing out of a field's rule.
    mutating func remove(_ key: String, ofField field: String, of object: String) throws {
        let member = try member(field, of: object)
        try remove(key, from: member.value)
    }

    mutating func removeField(_ field: String, of object: String) throws {
        let fields = try fields(of: object)
        try remove(field, from: fields)
    }

    /// Adds a rule behind the last one of the object.
    mutating func addField(_ field: String, of object: String, _ cells: [String: String]) throws {
        let fields = try fields(of: object)
        let parts = MappingTable.ruleColumns.compactMap { column in
            cells[column].map { "\(column): \(Self.render(column, $0, inFlow: true))" }
        }
        let isShort = parts.count == 1 && cells["from"] != nil
        let isFlow = startsFlow(fields)
        let rule =
            isShort
            ? Self.render("from", cells["from"] ?? "", inFlow: isFlow) : "{ \(parts.joined(separator: ", ")) }"
        let name = YAMLText.scalar(field, inFlow: true)
        try insert("\(name): \(rule)", after: fields.members, isFlow: isFlow)
    }

    // MARK: Places

    private func fields(of object: String) throws -> YAMLNode {
        guard let fields = try root()["objects"]?[object]?["fields"] else {
            throw MigratezError(.invalidPipeline, "\(file): the object '\(object)' has no fields")
        }
        return fields
    }

    private func member(_ field: String, of object: String) throws -> YAMLNode.Member {
        guard let member = try fields(of: object).members.first(where: { $0.key == field }) else {
            throw MigratezError(.invalidPipeline, "\(file): '\(object)' has no field '\(field)'")
        }
        // An alias stands for text somewhere else, which others may use, too.
        guard member.value.position > member.keyPosition else { throw unsupported(member.keyPosition, "an alias") }
        return member
    }

    private func offset(of position: FilePosition) -> Int {
        var line = 1
        var offset = 0
        while line < position.line, let end = scalars[offset...].firstIndex(of: "\n") {
            offset = end + 1
            line += 1
        }
        return offset + position.column - 1
    }

    private func startsFlow(_ node: YAMLNode) -> Bool {
        let start = offset(of: node.position)
        return scalars.indices.contains(start) && scalars[start] == "{"
    }

    /// Whether brackets are open before the node. Quotes count where a text may begin; elsewhere they are part of one.
    private func isInFlow(_ node: YAMLNode) -> Bool {
        let end = min(offset(of: node.position), scalars.count)
        var depth = 0
        var quote: Unicode.Scalar?
        var before: Unicode.Scalar = "\n"
        var i = 0
        while i < end {
            let scalar = scalars[i]
            if let open = quote {
                if scalar == "\\", open == "\"" { i += 1 }
                if scalar == open { quote = nil }
            } else if scalar == "\"" || scalar == "'", " \n{[,".unicodeScalars.contains(before) {
                quote = scalar
            } else if scalar == "#", before == " " || before == "\n" {
                i = scalars[i...].firstIndex(of: "\n") ?? end
                before = "\n"
                i += 1
                continue
            } else if scalar == "{" || scalar == "[" {
                depth += 1
            } else if scalar == "}" || scalar == "]" {
                depth -= 1
            }
            before = scalar
            i += 1
        }
        return depth > 0
    }

    /// The text of a scalar or of a mapping in braces.
    private func range(of node: YAMLNode) throws -> Range<Int> {
        let start = offset(of: node.position)
        switch node.content {
        case .mapping(let members) where startsFlow(node):
            var end = start + 1
            if let last = members.last { end = try range(of: last.value).upperBound }
            guard let brace = scalars[end...].firstIndex(of: "}") else { throw unsupported(node.position, "a mapping") }
            return start..<(brace + 1)
        case .mapping(let members):
            guard let last = members.last else { throw unsupported(node.position, "an empty mapping") }
            return start..<(try range(of: last.value).upperBound)
        case .sequence: throw unsupported(node.position, "a list")
        case .scalar(let text):
            let end = try scalarEnd(start, node)
            if node.isPlain {
                let written = String(String.UnicodeScalarView(scalars[start..<end]))
                guard written == text else { throw unsupported(node.position, "a text over several lines") }
            }
            return start..<end
        }
    }

    private func scalarEnd(_ start: Int, _ node: YAMLNode) throws -> Int {
        guard scalars.indices.contains(start) else { return scalars.count }
        var i = start + 1
        switch scalars[start] {
        case "\"":
            while i < scalars.count, scalars[i] != "\"" { i += scalars[i] == "\\" ? 2 : 1 }
            return i + 1
        case "'":
            while i < scalars.count {
                guard scalars[i] == "'" else {
                    i += 1
                    continue
                }
                guard i + 1 < scalars.count, scalars[i + 1] == "'" else { break }
                i += 2
            }
            return i + 1
        case "|", ">": throw unsupported(node.position, "a text over several lines")
        default:
            let isFlow = isInFlow(node)
            var end = start
            var place = start
            while place < scalars.count, scalars[place] != "\n", scalars[place] != "\r" {
                if isFlow, ",]}".unicodeScalars.contains(scalars[place]) { break }
                if scalars[place] == "#", place > start, scalars[place - 1] == " " { break }
                place += 1
                if scalars[place - 1] != " " { end = place }
            }
            return end
        }
    }

    private func unsupported(_ position: FilePosition, _ what: String) -> MigratezError {
        MigratezError(
            .notSupported, "\(file):\(position.line): \(what) cannot be changed by a table", remedy: .fixConfiguration,
            hint: "change it by hand; nothing was changed")
    }

    // MARK: Changes

    private mutating func replace(_ range: Range<Int>, _ text: String) {
        scalars.replaceSubrange(range, with: Array(text.unicodeScalars))
    }

    /// Puts a member behind the last one.
    private mutating func insert(_ text: String, after members: [YAMLNode.Member], isFlow: Bool) throws {
        guard let last = members.last else {
            throw MigratezError(.notSupported, "\(file): a mapping without members cannot be added to by a table")
        }
        let end = try range(of: last.value).upperBound
        if isFlow { return replace(end..<end, ", \(text)") }
        let lineEnd = scalars[end...].firstIndex(of: "\n") ?? scalars.count
        let indent = String(repeating: " ", count: last.keyPosition.column - 1)
        replace(lineEnd..<lineEnd, "\n\(indent)\(text)")
    }

    /// Takes a member out, with its comma or its lines.
    private mutating func remove(_ key: String, from mapping: YAMLNode) throws {
        let members = mapping.members
        guard let place = members.firstIndex(where: { $0.key == key }) else { return }
        let start = offset(of: members[place].keyPosition)
        let end = try range(of: members[place].value).upperBound
        if startsFlow(mapping) {
            if place + 1 < members.count {
                replace(start..<offset(of: members[place + 1].keyPosition), "")
            } else if place > 0 {
                replace(try range(of: members[place - 1].value).upperBound..<end, "")
            } else {
                replace(start..<end, "")
            }
            return
        }
        let lineStart = scalars[..<start].lastIndex(of: "\n").map { $0 + 1 } ?? 0
        let lineEnd = scalars[end...].firstIndex(of: "\n").map { $0 + 1 } ?? scalars.count
        replace(lineStart..<lineEnd, "")
    }

    /// A cell as YAML: words that the format knows stay as they are, everything else is quoted where it must be.
    private static func render(_ key: String, _ value: String, inFlow: Bool) -> String {
        if FileKeys.field.keys.contains(where: { $0.name == key && $0.form.isFlag }), ["true", "false"].contains(value)
        {
            return value
        }
        if key == "max", value.allSatisfy({ $0.isASCII && ($0.isNumber || $0.isLetter) }) { return value }
        return YAMLText.scalar(value, inFlow: inFlow)
    }
}

extension FileForm {
    /// Whether the value is true or false.
    fileprivate var isFlag: Bool { if case .bool = self { true } else { false } }
}
