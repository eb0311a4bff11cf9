// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// Where a value is in a JSON document: `emails.0.email`, `fields.id=7.value`, `linked.*.record_id`.
///
/// Steps stand between dots. A step is the name of a member, the number of an element (from 0), `*` for every element, or
/// `name=value` for every element that has that member with that text. A backslash before a dot, a backslash, `*` or `=`
/// makes it a part of a name. A single dot is the document itself.
package struct RecordPath: Sendable, Hashable {
    enum Step: Sendable, Hashable {
        case member(String)
        /// An element; in an object the member of that name.
        case element(Int, name: String)
        case every
        case matching(member: String, value: String)
    }

    let steps: [Step]

    static let whole = RecordPath(steps: [])

    init(steps: [Step]) { self.steps = steps }

    /// `nil` if the text is no path.
    init?(_ text: String) {
        guard text != "." else {
            self = .whole
            return
        }
        var steps: [Step] = []
        for part in Self.parts(of: text) {
            guard let step = part.step else { return nil }
            steps.append(step)
        }
        self.steps = steps
    }

    /// The one member that the path consists of, if it is no longer than that.
    var onlyMember: String? {
        guard steps.count == 1, case .member(let name) = steps[0] else { return nil }
        return name
    }

    /// The members that the path leads through, if it leads through nothing else.
    var members: [String]? {
        var names: [String] = []
        for step in steps {
            guard case .member(let name) = step else { return nil }
            names.append(name)
        }
        return names
    }

    /// The name that a value gets which is put beside the members of its record.
    var lastName: String? {
        guard case .member(let name)? = steps.last else { return nil }
        return name
    }

    /// The text with what would be syntax in a path escaped.
    static func escaped(_ text: String) -> String {
        text.map { #"\.*="#.contains($0) ? "\\\($0)" : String($0) }.joined()
    }

    // MARK: Finding

    /// Every value that the path leads to, in their order; `document` has been validated.
    func values(in document: UnsafeBufferPointer<UInt8>, from start: JSONSlice) -> [JSONSlice] {
        var found = [start]
        for step in steps {
            found = found.flatMap { slice -> [JSONSlice] in
                switch step {
                case .member(let name): return slice.member(name, in: document).map { [$0] } ?? []
                case .element(let number, let name):
                    guard slice.kind == .array else { return slice.member(name, in: document).map { [$0] } ?? [] }
                    let elements = slice.elements(in: document)
                    return elements.indices.contains(number) ? [elements[number]] : []
                case .every: return slice.elements(in: document)
                case .matching(let member, let value):
                    return slice.elements(in: document).filter { element in
                        guard let found = element.member(member, in: document) else { return false }
                        return JSONText.string(found, of: document) == value
                    }
                }
            }
            if found.isEmpty { break }
        }
        return found
    }

    /// The first value that the path leads to and that is not `null`.
    func first(in document: UnsafeBufferPointer<UInt8>, from start: JSONSlice) -> JSONSlice? {
        values(in: document, from: start).first { $0.kind != .null }
    }

    // MARK: Parsing

    /// The text of a step: each character, and whether a backslash stood before it.
    private struct Part {
        var characters: [(character: Character, isEscaped: Bool)] = []

        private var text: String { String(characters.map(\.character)) }

        var step: Step? {
            guard !characters.isEmpty else { return nil }
            if let equals = characters.firstIndex(where: { $0.character == "=" && !$0.isEscaped }) {
                let name = String(characters[..<equals].map(\.character))
                guard !name.isEmpty else { return nil }
                return .matching(member: name, value: String(characters[(equals + 1)...].map(\.character)))
            }
            if characters.count == 1, characters[0].character == "*", !characters[0].isEscaped { return .every }
            if characters.allSatisfy({ ("0"..."9").contains($0.character) }), let number = Int(text) {
                return .element(number, name: text)
            }
            return .member(text)
        }
    }

    private static func parts(of text: String) -> [Part] {
        var parts = [Part()]
        var isEscaped = false
        for character in text {
            if character == "\\", !isEscaped {
                isEscaped = true
            } else if character == ".", !isEscaped {
                parts.append(Part())
            } else {
                parts[parts.count - 1].characters.append((character, isEscaped))
                isEscaped = false
            }
        }
        return parts
    }
}

/// Several paths of which the first counts that leads to a value.
struct RecordPaths: Sendable, Hashable {
    var paths: [RecordPath]

    func first(in document: UnsafeBufferPointer<UInt8>, from start: JSONSlice) -> JSONSlice? {
        for path in paths {
            if let slice = path.first(in: document, from: start) { return slice }
        }
        return nil
    }

    /// The decoded text of the first value.
    func text(in document: UnsafeBufferPointer<UInt8>, from start: JSONSlice) -> String? {
        first(in: document, from: start).map { JSONText.string($0, of: document) }
    }
}

/// The value that a validated document is.
func root(of document: UnsafeBufferPointer<UInt8>) -> JSONSlice? { member(at: [], in: document) }
