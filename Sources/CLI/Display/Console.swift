// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where the program speaks: results to standard output, everything else to standard error.
struct Console: Sendable {
    /// Whether standard error is a terminal: progress is drawn in place there.
    let isTerminal: Bool
    private let usesColor: Bool

    init() {
        isTerminal = isatty(STDERR_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
        // no-color.org: any value of NO_COLOR that is not empty switches colour off.
        let noColor = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        usesColor = isTerminal && isatty(STDOUT_FILENO) == 1 && !noColor
    }

    /// A result.
    func say(_ text: String = "") { write(text + "\n", to: STDOUT_FILENO) }

    /// A remark about what is going on.
    func note(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Draws or redraws text in place, without a line end.
    func draw(_ text: String) { write(text, to: STDERR_FILENO) }

    /// `migratez: error: …` with the way out below it.
    func fail(_ error: MigratezError) {
        note("migratez: \(bold("error")): \(error.description)")
        if let hint = error.hint { note("migratez: hint: \(hint)") }
    }

    func bold(_ text: String) -> String { usesColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    func red(_ text: String) -> String { usesColor ? "\u{1B}[31m\(text)\u{1B}[0m" : text }
    func green(_ text: String) -> String { usesColor ? "\u{1B}[32m\(text)\u{1B}[0m" : text }

    private func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            // A reader that went away (a closed pipe) ends the output, not the work.
            guard written > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, written))
        }
    }
}

/// Columns of text: the first ones to the left, numbers to the right.
struct TextTable {
    private var rows: [[String]] = []
    private let rightAligned: Set<Int>

    init(_ header: [String], rightAligned: Set<Int> = []) {
        rows = [header]
        self.rightAligned = rightAligned
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    /// The lines, without trailing spaces.
    var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return rightAligned.contains(column) ? padding + cell : cell + padding
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}

extension Int {
    /// `1,234,567`
    var grouped: String {
        let digits = String(magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return self < 0 ? "-" + text : text
    }
}

extension Console {
    /// A result as it is, without a line end.
    func say(bytes: [UInt8]) {
        say(String(decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self))
    }
}
