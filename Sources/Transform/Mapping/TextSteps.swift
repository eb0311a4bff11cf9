// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Changes to decoded text in place; what is nothing but ASCII never becomes a `String`.
enum TextSteps {
    static func trim(_ text: inout [UInt8]) {
        if text.withUnsafeBufferPointer({ isTrimmed($0) }) { return }
        guard text.allSatisfy({ $0 < 0x80 }) else { return replace(&text) { TextFold.trimmed($0) } }
        text.removeSubrange((text.lastIndex { !isSpace($0) } ?? -1) + 1..<text.count)
        text.removeSubrange(..<(text.firstIndex { !isSpace($0) } ?? 0))
    }

    /// Whether Unicode calls the byte of ASCII white space.
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Whether there is surely no white space at either end: both are printing ASCII, or there is nothing.
    @inline(__always)
    static func isTrimmed(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = text.first, let last = text.last else { return true }
        return first > 0x20 && first < 0x80 && last > 0x20 && last < 0x80
    }

    static func change(_ text: inout [UInt8], to letterCase: FieldSpec.LetterCase) {
        guard text.allSatisfy({ $0 < 0x80 }) else {
            return replace(&text) { letterCase == .lower ? $0.lowercased() : $0.uppercased() }
        }
        let range: ClosedRange<UInt8> = letterCase == .lower ? 0x41...0x5A : 0x61...0x7A
        var bytes = text.mutableSpan
        for i in bytes.indices where range.contains(bytes[i]) { bytes[i] ^= 0x20 }
    }

    static func replace(_ text: inout [UInt8], _ change: (String) -> String) {
        let changed = change(String(decoding: text, as: UTF8.self))
        text.replaceSubrange(text.indices, with: changed.utf8)
    }

    /// In UTF-16 code units, which is what CRMs count at most: a sign beyond the basic plane counts two.
    static func length(of text: [UInt8]) -> Int {
        var length = 0
        for byte in text where byte & 0xC0 != 0x80 { length += byte >= 0xF0 ? 2 : 1 }
        return length
    }

    /// Cuts text to at most `lengthMax` UTF-16 code units, never inside what a reader sees as one character.
    static func cut(_ text: inout [UInt8], to lengthMax: Int) {
        let string = String(decoding: text, as: UTF8.self)
        var length = 0
        var kept = 0
        for character in string {
            length += character.utf16.count
            guard length <= lengthMax else { break }
            kept += character.utf8.count
        }
        text.removeSubrange(kept...)
    }
}
