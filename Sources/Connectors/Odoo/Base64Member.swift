// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

/// Finds one text in a JSON answer that arrives in pieces, and gives the bytes that it stands for in base 64.
///
/// The name with its quotes can stand within no other text of the answer, whose own quotes have a backslash before them.
struct Base64Member {
    private enum State { case before, inside, behind }

    /// What came before the text; the whole answer where there is none.
    private(set) var head: [UInt8] = []
    private let mark: [UInt8]
    private var state = State.before
    /// Characters of a group of four that is not complete.
    private var rest: [UInt8] = []
    private var isNothing = false
    /// An answer without the text is an error or empty; both are short.
    private static let headBytesMax = 1 << 20

    init(_ name: String) { mark = Array("\"\(name)\"".utf8) }

    var hasBegun: Bool { state != .before }
    /// Whether the text came to its end, or `false` or `null` in its place.
    var isComplete: Bool { state == .behind || isNothing }

    /// Takes the next bytes of the answer.
    mutating func take(_ bytes: [UInt8]) throws(MigratezError) -> [UInt8] {
        switch state {
        case .before:
            _ = try keep(bytes)
            guard let value = valueStart() else { return [] }
            guard head[value] == UInt8(ascii: "\"") else {
                isNothing = true
                return []
            }
            state = .inside
            let text = Array(head[(value + 1)...])
            head = []
            return try decoded(text)
        case .inside: return try decoded(bytes)
        case .behind: return []
        }
    }

    /// Takes bytes of an answer that is not looked through.
    mutating func keep(_ bytes: [UInt8]) throws(MigratezError) -> [UInt8] {
        guard !isNothing else { return [] }
        guard head.count + bytes.count <= Self.headBytesMax else { throw Self.broken }
        head += bytes
        return []
    }

    /// Where the value begins, once it has.
    private func valueStart() -> Int? {
        guard let range = head.firstRange(of: mark) else { return nil }
        return head[range.upperBound...].firstIndex { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: " ") }
    }

    private mutating func decoded(_ bytes: [UInt8]) throws(MigratezError) -> [UInt8] {
        var text = rest
        for (place, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\"") {
                state = .behind
                text += bytes[..<place]
                break
            }
        }
        if state == .inside { text += bytes }
        // A slash may be written with a backslash before it, and base 64 has none itself.
        if text.contains(UInt8(ascii: "\\")) { text.removeAll { $0 == UInt8(ascii: "\\") } }
        let whole = text.count / 4 * 4
        rest = Array(text[whole...])
        guard let bytes = Base64.standard.decode(text[..<whole]), state == .inside || rest.isEmpty else {
            throw Self.broken
        }
        return bytes
    }

    private static let broken = MigratezError(
        .brokenResponse, "Odoo's answer holds no content in base 64", remedy: .retry(after: nil))
}
