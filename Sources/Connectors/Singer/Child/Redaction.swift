// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Takes out of a text what nobody may read in a log: the secrets that a program was given, and whatever looks like one or
/// like a person's data.
///
/// What a tap says is not ours, and may quote anything. So these go as well: addresses with an @, the query of a URL, runs of
/// 20 or more letters and digits with at least one of each, and runs of 7 or more digits.
struct Redaction: Sendable {
    private let secrets: [Secret]
    /// What stands in the place of what was taken out.
    static let mark = "«redacted»"
    /// A line is cut after so many characters.
    static let lineMax = 400

    /// A secret of fewer than four characters would take half of every text with it.
    init(_ secrets: [Secret]) {
        self.secrets = secrets.filter { secret in secret.withExposed { $0.count >= 4 } }
    }

    func redacted(_ line: String) -> String {
        var text = line
        for secret in secrets {
            secret.withExposed { secret in
                for form in Self.forms(of: secret) { text = text.replacing(form, with: Self.mark) }
            }
        }
        let words = text.split(omittingEmptySubsequences: false) { Self.isBreak($0) }
        var result = ""
        var end = text.startIndex
        for word in words {
            result += text[end..<word.startIndex]
            result += Self.redacted(word: word)
            end = word.endIndex
        }
        return String(result.prefix(Self.lineMax))
    }

    /// How a secret may turn up: as it is, as in JSON, and as in a URL.
    private static func forms(of secret: String) -> Set<String> {
        var escaped = ""
        for byte in secret.utf8 {
            let isPlain = byte < 0x80 && (isAlphanumeric(byte) || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte))
            let digits = Array("0123456789ABCDEF")
            escaped += isPlain ? String(UnicodeScalar(byte)) : "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }
        let inJSON = secret.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return [secret, escaped, inJSON]
    }

    private static func isBreak(_ character: Character) -> Bool {
        character.isWhitespace || "\"'`()<>[]{},;|=&".contains(character)
    }

    private static func redacted(word: Substring) -> String {
        if word.contains("@") { return mark }
        if word.contains("://"), let query = word.firstIndex(of: "?") { return "\(word[..<query])?\(mark)" }
        var (letters, digits, run) = (0, 0, 0)
        var digitRun = 0
        for byte in word.utf8 {
            if byte >= 0x30, byte <= 0x39 {
                digits += 1
                digitRun += 1
                if digitRun >= 7 { return mark }
            } else {
                digitRun = 0
                if isAlphanumeric(byte) { letters += 1 }
            }
            guard isAlphanumeric(byte) || [0x2B, 0x2D, 0x5F].contains(byte) else {
                (letters, digits, run) = (0, 0, 0)
                continue
            }
            run += 1
            if run >= 20, letters > 0, digits > 0 { return mark }
        }
        return String(word)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        byte >= 0x30 && byte <= 0x39 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A
    }
}
