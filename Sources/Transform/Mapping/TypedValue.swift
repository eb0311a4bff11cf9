// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// Brings texts into the form that a type of the destination has. All work on the bytes of decoded text.
enum TypedValue {
    /// Replaces `text` by its form as `type` and tells how to write it; `nil` if it is no such value.
    ///
    /// What is not a string is written without quotes.
    static func convert(_ text: inout [UInt8], to type: FieldSpec.ValueType) -> Form? {
        switch type {
        case .text: return .string
        case .email: return isEmail(text) ? .string : nil
        case .bool:
            guard let value = bool(text) else { return nil }
            text.replaceSubrange(text.indices, with: (value ? "true" : "false").utf8)
            return .literal
        case .decimal: return isNumber(text) ? .literal : nil
        case .integer: return cutToInteger(&text) ? .literal : nil
        case .date, .dateTime:
            guard let instant = TimestampText.instant(text) else { return nil }
            text.removeAll(keepingCapacity: true)
            if type == .date {
                TimestampText.appendDay(of: instant, to: &text)
            } else {
                TimestampText.append(instant, to: &text)
            }
            return .string
        }
    }

    /// How bytes are written into JSON.
    enum Form {
        /// As a string: quoted, escaped.
        case string
        /// As they are.
        case literal
    }

    /// A text of the pipeline file as a JSON value of the type; `nil` if it is no such value.
    static func rendered(_ text: String, as type: FieldSpec.ValueType?) -> [UInt8]? {
        var bytes = Array(text.utf8)
        var writer = JSONWriter()
        switch type.map({ convert(&bytes, to: $0) }) ?? .string {
        case .string: bytes.withUnsafeBufferPointer { writer.string($0) }
        case .literal: writer.raw(bytes)
        case nil: return nil
        }
        return writer.bytes
    }

    // MARK: Types

    /// Something without white space, `@`, and a domain of at least two labels. Vendors' own checks differ; this only
    /// keeps out what none of them takes.
    private static func isEmail(_ text: [UInt8]) -> Bool {
        guard let at = text.firstIndex(of: UInt8(ascii: "@")), at > 0, text.count <= 254 else { return false }
        var dots = 0
        var previous = UInt8(ascii: ".")
        for i in text.indices {
            let byte = text[i]
            switch byte {
            case 0...0x20, 0x7F, UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: ">"):
                return false
            default: break
            }
            guard i > at else { continue }
            if byte == UInt8(ascii: "@") { return false }
            if byte == UInt8(ascii: ".") {
                if previous == byte { return false }
                dots += 1
            }
            previous = byte
        }
        return dots > 0 && previous != UInt8(ascii: ".")
    }

    private static func bool(_ text: [UInt8]) -> Bool? {
        for word in ["true", "yes", "1", "on"] as [StaticString] where isWord(text, word) { return true }
        for word in ["false", "no", "0", "off"] as [StaticString] where isWord(text, word) { return false }
        return nil
    }

    /// Whether the text is the lower-case word, in any case.
    private static func isWord(_ text: [UInt8], _ word: StaticString) -> Bool {
        guard text.count == word.utf8CodeUnitCount else { return false }
        return word.withUTF8Buffer { word in
            text.indices.allSatisfy { text[$0] == word[$0] || word[$0] >= 0x61 && text[$0] == word[$0] ^ 0x20 }
        }
    }

    /// Whether it is a number in the grammar of JSON (RFC 8259, section 6).
    private static func isNumber(_ text: [UInt8]) -> Bool {
        var rest = text[...]
        if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        let whole = dropDigits(&rest)
        guard whole > 0, whole == 1 || text[rest.startIndex - whole] != UInt8(ascii: "0") else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard dropDigits(&rest) > 0 else { return false }
        }
        if let byte = rest.first, byte | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest.removeFirst() }
            guard dropDigits(&rest) > 0 else { return false }
        }
        return rest.isEmpty
    }

    private static func dropDigits(_ text: inout ArraySlice<UInt8>) -> Int {
        let digits = text.prefix { $0 >= 0x30 && $0 <= 0x39 }.count
        text = text.dropFirst(digits)
        return digits
    }

    /// Cuts `.0…` off a number; whether a whole number is left.
    private static func cutToInteger(_ text: inout [UInt8]) -> Bool {
        guard isNumber(text), !text.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) else { return false }
        guard let dot = text.firstIndex(of: UInt8(ascii: ".")) else { return true }
        guard text[(dot + 1)...].allSatisfy({ $0 == UInt8(ascii: "0") }) else { return false }
        text.removeSubrange(dot...)
        return true
    }
}

extension FieldSpec.ValueType {
    /// Whether a text of the pipeline file is a value of this type.
    package func accepts(_ text: String) -> Bool { TypedValue.rendered(text, as: self) != nil }
}
