// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// The explanation as a person reads it.
extension FieldExplanation {
    /// - Parameter file: the pipeline file as it was named.
    package func lines(file: String) -> [String] {
        var lines = ["\(field), \(file):\(position.line):\(position.column)"]
        if let example { lines.append("shown with \(example.origin)") }
        if !before.isEmpty { lines += ["", "Before that"] }
        for step in before { lines += Self.lines(step, mark: " -  ") }
        lines.append("")
        for (number, step) in steps.enumerated() {
            lines += Self.lines(step, mark: number < 9 ? " \(number + 1)  " : "\(number + 1)  ")
        }
        if !after.isEmpty { lines += ["", "Afterwards"] }
        for step in after { lines += Self.lines(step, mark: " -  ") }
        return lines
    }

    private static func lines(_ step: Step, mark: String) -> [String] {
        var lines = wrapped(step.text, first: mark, rest: "    ")
        for note in step.notes { lines += wrapped(note, first: "      ", rest: "        ") }
        switch step.value {
        case .text(let text): lines.append("    → \(shown(text))")
        case .nothing: lines.append("    → (nothing)")
        case .rejected(let reason): lines.append("    → the record is rejected: \(reason)")
        case nil: break
        }
        return lines
    }

    /// A value on one line, not longer than one.
    private static func shown(_ text: String) -> String {
        let line = text.replacing("\n", with: "⏎")
        return line.count > 90 ? line.prefix(90) + "…" : line
    }

    /// Lines of at most 96 characters.
    private static func wrapped(_ text: String, first: String, rest: String) -> [String] {
        var lines: [String] = []
        var line = first
        for word in text.split(separator: " ") {
            if line.count + word.count + 1 > 96, line != first, line != rest {
                lines.append(line)
                line = rest
            }
            line += line == first || line == rest ? String(word) : " " + word
        }
        return lines + [line]
    }
}
