// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import Yams

/// Reads the text of a YAML file into `YAMLNode`s, with limits and with every duplicate key reported.
package struct YAMLReader {
    /// Bytes, nesting and nodes (aliases counted as often as they are used) of a file; the largest real ones have a
    /// tenth of it.
    package static let bytesMax = 1 << 20
    static let depthMax = 32
    static let nodesMax = 50_000
    /// After so many duplicate keys the rest is not looked for.
    private static let duplicatesMax = 50

    private let file: String
    private var text: String
    package private(set) var diagnostics: [Diagnostic] = []
    private var nodeCount = 0

    package init(file: String, text: String) {
        self.file = file
        self.text = text
    }

    /// The root of the document, or `nil` after a finding that leaves nothing to read.
    package mutating func read() -> YAMLNode? {
        guard text.utf8.count <= Self.bytesMax else {
            report(.tooComplex, FilePosition(line: 1, column: 1), "the file is larger than 1 MiB")
            return nil
        }
        guard isShallow() else { return nil }
        while true {
            do {
                guard let node = try Yams.compose(yaml: text) else {
                    report(.yamlSyntax, FilePosition(line: 1, column: 1), "the file is empty")
                    return nil
                }
                return convert(node, depth: 0)
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                guard hideDuplicate(of: keys, from: position(context.mark)) else { return nil }
            } catch {
                report(error)
                return nil
            }
        }
    }

    private mutating func report(
        _ code: ErrorCode, _ position: FilePosition, _ message: String, remedy: String? = nil
    ) {
        diagnostics.append(
            Diagnostic(file: file, position: position, severity: .error, code: code, message: message, remedy: remedy))
    }

    private func position(_ mark: Mark?) -> FilePosition {
        FilePosition(line: max(1, mark?.line ?? 1), column: max(1, mark?.column ?? 1))
    }

    // MARK: Limits

    /// Whether brackets and dashes cannot nest so deeply that the parser itself would run out of stack; quotes and
    /// comments are not told apart, so this is far above what `convert` allows.
    private mutating func isShallow() -> Bool {
        var open = 0
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var indicators = 0
            for byte in line.utf8 {
                if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") { open += 1 }
                if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") { open = max(0, open - 1) }
                if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: ":") {
                    indicators += 1
                }
            }
            let indentation = line.utf8.prefix { $0 == UInt8(ascii: " ") }.count
            guard open <= 500, indicators <= 2000, indentation <= 500 else {
                report(.tooComplex, FilePosition(line: number + 1, column: 1), "the file is nested too deeply")
                return false
            }
        }
        return true
    }

    private mutating func convert(_ node: Node, depth: Int) -> YAMLNode? {
        let place = position(node.mark)
        nodeCount += 1
        guard depth <= Self.depthMax, nodeCount <= Self.nodesMax else {
            if nodeCount <= Self.nodesMax + 1, !diagnostics.contains(where: { $0.code == .tooComplex }) {
                let what = depth > Self.depthMax ? "nested too deeply" : "too large, counting every use of an alias"
                report(.tooComplex, place, "the file is \(what)")
            }
            return nil
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            return YAMLNode(content: .scalar(scalar.string), position: place, isPlain: isPlain)
        case .sequence(let sequence):
            var elements: [YAMLNode] = []
            for element in sequence {
                guard let converted = convert(element, depth: depth + 1) else { return nil }
                elements.append(converted)
            }
            return YAMLNode(content: .sequence(elements), position: place)
        case .mapping(let mapping):
            var members: [YAMLNode.Member] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    report(
                        .yamlSyntax, position(key.mark), "a key must be a text",
                        remedy: "A value that begins with '{' or '[' must be quoted")
                    continue
                }
                guard !Self.isHidden(name.string) else { continue }
                guard let converted = convert(value, depth: depth + 1) else { return nil }
                members.append(
                    YAMLNode.Member(key: name.string, keyPosition: position(key.mark), value: converted))
            }
            return YAMLNode(content: .mapping(members), position: place)
        case .alias:
            report(.yamlSyntax, place, "an alias leads nowhere")
            return nil
        }
    }

    // MARK: Duplicate keys

    /// Private-use characters stand where a duplicate key stood, so that the rest of the file can be read too.
    private static let hidden: ClosedRange<Unicode.Scalar> = "\u{E000}"..."\u{F8FF}"

    private static func isHidden(_ key: String) -> Bool {
        !key.isEmpty && key.unicodeScalars.allSatisfy { hidden.contains($0) }
    }

    /// Reports the second mention of one of the keys at or after `first`, and hides it from the next reading.
    private mutating func hideDuplicate(of keys: [String], from first: FilePosition) -> Bool {
        let key = keys.first ?? ""
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
        let mentions = lines.indices.dropFirst(first.line - 1).lazy.flatMap { number in
            Self.mentions(of: Array(key.unicodeScalars), in: lines[number]).map {
                (line: number, column: $0)
            }
        }
        let firstColumn = first.column - 1
        let candidates = mentions.filter { $0.line > first.line - 1 || $0.column > firstColumn }
        // In block style the same key of the same mapping stands in the same column; in flow style anywhere after.
        let isBlock = Self.isFirstOnLine(lines[first.line - 1], firstColumn)
        let second =
            candidates.first { !isBlock || $0.column == firstColumn && Self.isFirstOnLine(lines[$0.line], $0.column) }
        guard let second, diagnostics.count < Self.duplicatesMax else {
            report(.duplicateKey, first, "the key '\(key)' stands twice in this mapping")
            return false
        }
        report(
            .duplicateKey, FilePosition(line: second.line + 1, column: second.column + 1),
            "the key '\(key)' stands twice in this mapping, first in line \(first.line)")
        let mark = Unicode.Scalar(Self.hidden.lowerBound.value + UInt32(diagnostics.count)) ?? Self.hidden.lowerBound
        for i in key.unicodeScalars.indices.enumerated().map(\.offset) { lines[second.line][second.column + i] = mark }
        text = lines.map { line in
            var text = String.UnicodeScalarView()
            text.append(contentsOf: line)
            return String(text)
        }.joined(separator: "\n")
        return true
    }

    private static func isFirstOnLine(_ line: [Unicode.Scalar], _ column: Int) -> Bool {
        line.prefix(column).allSatisfy { $0 == " " || $0 == "\"" || $0 == "'" }
    }

    /// Columns (from 0) where `key` stands with a colon after it and nothing of a name before it.
    private static func mentions(of key: [Unicode.Scalar], in line: [Unicode.Scalar]) -> [Int] {
        guard !key.isEmpty, line.count > key.count else { return [] }
        return (0..<(line.count - key.count)).filter { start in
            guard line[start..<(start + key.count)].elementsEqual(key) else { return false }
            if start > 0, !" {,\"'".unicodeScalars.contains(line[start - 1]) { return false }
            let after = line[(start + key.count)...].drop { $0 == "\"" || $0 == "'" || $0 == " " }
            return after.first == ":"
        }
    }

    // MARK: Syntax

    private mutating func report(_ error: any Error) {
        guard let error = error as? YamlError else {
            return report(.yamlSyntax, FilePosition(line: 1, column: 1), "the file cannot be read as YAML")
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let place = position(mark)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let near = [place.line, context.map { position($0.mark).line } ?? place.line]
            let isUnquoted = near.contains { lines.indices.contains($0 - 1) && Self.hasBareBraces(lines[$0 - 1]) }
            let isTab = lines.indices.contains(place.line - 1) && lines[place.line - 1].first == "\t"
            let remedy =
                isTab
                ? "Indent with spaces, not with tabs"
                : isUnquoted ? "Quote a value with braces: \"${env:NAME}\", '{object}'" : nil
            report(.yamlSyntax, place, "the YAML cannot be read: \(problem)", remedy: remedy)
        case .reader(let problem, _, _, _):
            report(.yamlSyntax, FilePosition(line: 1, column: 1), "the YAML cannot be read: \(problem)")
        default:
            report(.yamlSyntax, FilePosition(line: 1, column: 1), "the file cannot be read as YAML")
        }
    }

    /// Whether `${` or a value beginning with a brace stands outside quotes.
    private static func hasBareBraces(_ line: Substring) -> Bool {
        var quote: Character?
        var before: Character = " "
        for character in line {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == "{", before == "$" || before.isLetter || before == "/" || before == "{" {
                return true
            } else if character == "}", before.isLetter || before.isNumber {
                return true
            }
            before = character
        }
        return false
    }
}
