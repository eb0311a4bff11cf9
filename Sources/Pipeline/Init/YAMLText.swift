// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Writes texts as YAML scalars that are read back as the same texts.
enum YAMLText {
    /// The text plain where that is unmistakable, or else in quotes.
    ///
    /// - Parameter inFlow: within braces or brackets, where commas and brackets mean something.
    static func scalar(_ text: String, inFlow: Bool = false) -> String { isPlain(text, inFlow) ? text : quoted(text) }

    /// Double-quoted, YAML 1.2 §7.3.1.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\x" + (digits.count == 1 ? "0" : "") + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func isPlain(_ text: String, _ inFlow: Bool) -> Bool {
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return false }
        if ["null", "true", "false", "yes", "no", "on", "off", "~", "y", "n"].contains(text.lowercased()) {
            return false
        }
        if Double(text) != nil || first == " " || last == " " || last == ":" { return false }
        if "-?:,[]{}#&*!|>'\"%@`=<+.0123456789".unicodeScalars.contains(first) { return false }
        if text.contains(": ") || text.contains(" #") { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && scalar.value != 0x7F && !(inFlow && ",[]{}".unicodeScalars.contains(scalar))
                && scalar != "\u{FEFF}" && scalar.value < 0x2028
        }
    }
}
