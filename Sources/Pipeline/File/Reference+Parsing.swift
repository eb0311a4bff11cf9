// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform

/// Why a text with references cannot be read.
struct ReferenceFailure: Error {
    var message: String
    var suggestion: String?
}

extension ReferenceTemplate {
    /// Reads `text`, in which `${kind:rest}` stands for a reference.
    init(parsing text: String) throws(ReferenceFailure) {
        parts = []
        for part in try templateParts(text) {
            switch part {
            case .literal(let literal): parts.append(.literal(literal))
            case .placeholder(let inner): parts.append(.reference(try Reference(parsing: inner)))
            }
        }
    }

    /// The reference, if the text is nothing else.
    var soleReference: Reference? {
        guard parts.count == 1, case .reference(let reference) = parts[0] else { return nil }
        return reference
    }
}

extension Reference {
    fileprivate init(parsing inner: String) throws(ReferenceFailure) {
        guard let colon = inner.firstIndex(of: ":") else {
            throw ReferenceFailure(
                message: "'${\(inner)}' does not say where the value is",
                suggestion: inner.allSatisfy { $0.isUppercase || $0 == "_" || $0.isNumber } ? "${env:\(inner)}" : nil)
        }
        let kind = String(inner[..<colon])
        let rest = String(inner[inner.index(after: colon)...])
        guard !rest.isEmpty else { throw ReferenceFailure(message: "'${\(inner)}' names nothing") }
        switch kind {
        case "env":
            let pieces = rest.firstRange(of: ":-")
            let name = pieces.map { String(rest[..<$0.lowerBound]) } ?? rest
            guard !name.isEmpty, name.allSatisfy({ $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
                throw ReferenceFailure(message: "'\(name)' is not the name of an environment variable")
            }
            self = .environment(name, default: pieces.map { String(rest[$0.upperBound...]) })
        case "file": self = .file(rest)
        case "cmd": self = .command(rest)
        case "cred":
            guard !rest.contains("/"), rest != "..", rest != "." else {
                throw ReferenceFailure(message: "'\(rest)' is not the name of a credential")
            }
            self = .credential(rest)
        default:
            throw ReferenceFailure(
                message: "'\(kind)' is not a kind of reference (env, file, cmd, cred)",
                suggestion: closest(to: kind, among: ["env", "file", "cmd", "cred"]).map { "${\($0):\(rest)}" })
        }
    }
}

/// A piece of a text with `${…}` in it.
enum TemplatePart {
    case literal(String)
    /// What stands between the braces.
    case placeholder(String)
}

/// Splits a text at its `${…}`.
func templateParts(_ text: String) throws(ReferenceFailure) -> [TemplatePart] {
    var parts: [TemplatePart] = []
    var rest = text[...]
    while let open = rest.firstRange(of: "${") {
        if open.lowerBound > rest.startIndex { parts.append(.literal(String(rest[..<open.lowerBound]))) }
        guard let close = rest[open.upperBound...].firstIndex(of: "}") else {
            throw ReferenceFailure(message: "'${' has no closing '}'")
        }
        parts.append(.placeholder(String(rest[open.upperBound..<close])))
        rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { parts.append(.literal(String(rest))) }
    return parts
}
