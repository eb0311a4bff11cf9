// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How the program speaks, as the global options say. One process has one terminal, so there is one of these: it is set
/// once, when the command line has been read, and never changes after that.
struct ConsoleOptions: Sendable {
    enum Color: String, Sendable, CaseIterable { case auto, always, never }
    enum Progress: String, Sendable, CaseIterable { case auto, tty, plain, none }

    var output = OutputFormat.text
    var color = Color.auto
    var progress = Progress.auto
    /// Below 0: errors only; 0: remarks, too; from 1 on: more and more of what goes on.
    var verbosity = 0
    /// Errors are told with everything that led to them.
    var showsCauses = false
    /// Whether a person may be asked.
    var allowsInput = true
    /// Questions of yes or no are answered with yes.
    var assumesYes = false
    /// Where metrics are served while a run is worked on.
    var metricsAddress: String?

    static var current: ConsoleOptions {
        get { shared.withLock { $0 } }
        set { shared.withLock { $0 = newValue } }
    }

    private static let shared = Mutex(ConsoleOptions())
}

/// Where the program speaks: results to standard output, everything else to standard error.
struct Console: Sendable {
    let options: ConsoleOptions
    /// Whether standard error is a terminal that can move its cursor.
    let isTerminal: Bool
    private let colorsResults: Bool
    private let colorsRemarks: Bool

    init(_ options: ConsoleOptions = .current) {
        self.options = options
        let isSmart = Self.variable("TERM").map { $0 != "dumb" } ?? false
        isTerminal = isSmart && isatty(STDERR_FILENO) == 1
        // no-color.org: any value of NO_COLOR that is not empty switches colour off.
        let allowsColor = isSmart && (Self.variable("NO_COLOR") ?? "").isEmpty
        func colors(_ descriptor: Int32) -> Bool {
            switch options.color {
            case .always: true
            case .never: false
            case .auto: allowsColor && isatty(descriptor) == 1
            }
        }
        colorsResults = colors(STDOUT_FILENO)
        colorsRemarks = colors(STDERR_FILENO)
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// A result, in the form that was asked for.
    func show(_ document: Document) { write(document.rendered(as: options.output), to: STDOUT_FILENO) }

    /// A result that has no other form than text.
    func say(_ text: String = "") { write(text + "\n", to: STDOUT_FILENO) }

    /// A remark about what is going on; silent with `--quiet`.
    func note(_ text: String) {
        if options.verbosity >= 0 { write(text + "\n", to: STDERR_FILENO) }
    }

    /// A line of the log, with its end.
    func log(_ line: String) { write(line, to: STDERR_FILENO) }

    /// Draws lines in place of those that were drawn before; they stay at the bottom until `leave`.
    func draw(_ lines: [String]) { LiveArea.shared.show(lines) { Self.send($0, to: STDERR_FILENO) } }

    /// Leaves what is drawn where it stands.
    func leaveDrawing() { LiveArea.shared.leave() }

    /// `migratez: error: …` with the way out below it.
    func fail(_ error: MigratezError) {
        write("migratez: \(style("1;31", "error", colorsRemarks)): \(error.description)\n", to: STDERR_FILENO)
        if let hint = error.hint {
            write("migratez: \(style("1", "hint", colorsRemarks)): \(hint)\n", to: STDERR_FILENO)
        }
        guard options.showsCauses else { return }
        for line in error.causeTree { write("migratez: debug: \(line)\n", to: STDERR_FILENO) }
    }

    /// What the argument parser says, and what may have been meant.
    func fail(usage: String, hint: String) {
        write("\(usage)\nmigratez: \(style("1", "hint", colorsRemarks)): \(hint)\n", to: STDERR_FILENO)
    }

    func bold(_ text: String) -> String { style("1", text, colorsResults) }
    func red(_ text: String) -> String { style("31", text, colorsResults) }
    func green(_ text: String) -> String { style("32", text, colorsResults) }

    private func style(_ code: String, _ text: String, _ isOn: Bool) -> String {
        isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    private func write(_ text: String, to descriptor: Int32) {
        guard isTerminal, isatty(descriptor) == 1 else { return Self.send(text, to: descriptor) }
        LiveArea.shared.above(
            { Self.send($0, to: STDERR_FILENO) }, { Self.send(text, to: descriptor) })
    }

    private static func send(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            // A reader that went away (a closed pipe) ends the output, not the work.
            guard written > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, written))
        }
    }
}

extension Console {
    /// Whether somebody can be asked.
    var canAsk: Bool { options.allowsInput && isatty(STDIN_FILENO) == 1 }

    /// Asks a person for a line of text.
    ///
    /// - Parameter otherwise: the option that gives the answer where nobody can be asked.
    /// - Throws: `ValidationError` without a terminal, with `--no-input`, and at the end of the input.
    func ask(_ question: String, otherwise: String) throws -> String {
        guard canAsk else {
            throw ValidationError("nobody can be asked here: give \(otherwise)")
        }
        write(question + " ", to: STDERR_FILENO)
        guard let answer = readLine() else {
            throw ValidationError("the input ended without an answer: give \(otherwise)")
        }
        return answer
    }

    /// Asks a question of yes or no; `--yes` answers it.
    func confirm(_ question: String) throws -> Bool {
        if options.assumesYes { return true }
        let answer = try ask(question + " [y/N]", otherwise: "--yes")
        return ["y", "yes"].contains(answer.lowercased())
    }
}

extension MigratezError {
    /// The error and what led to it, one a line, for people who look for a defect.
    fileprivate var causeTree: [String] {
        var lines: [String] = []
        var next: (any Error)? = self
        while let error = next {
            let indent = String(repeating: "  ", count: lines.count)
            guard let ours = error as? MigratezError else {
                return lines + ["\(indent)\(type(of: error)): \(error)"]
            }
            lines.append("\(indent)\(ours.code) (\(ours.code.meaning)), remedy \(ours.remedy): \(ours.message)")
            next = ours.cause
        }
        return lines
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
