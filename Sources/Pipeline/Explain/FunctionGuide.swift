// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform

/// The functions of expressions as people read about them, made from the table that the language itself goes by.
package enum FunctionGuide {
    package struct Entry: Sendable, Equatable {
        package var name: String
        package var signature: String
        package var summary: String
        package var example: String
        /// What the example gives; `nil` = nothing.
        package var result: String?
    }

    /// All functions by the title of their group.
    package static let groups: [(title: String, entries: [Entry])] = ExpressionFunction.Group.allCases.map { group in
        (group.rawValue, ExpressionFunction.all.filter { $0.group == group }.map(entry))
    }

    /// `nil` if there is no such function.
    package static func entry(named name: String) -> Entry? { ExpressionFunction.named(name).map(entry) }

    /// The name that was probably meant.
    package static func suggestion(for name: String) -> String? {
        closest(to: name, among: ExpressionFunction.all.map(\.name))
    }

    private static func entry(_ function: ExpressionFunction) -> Entry {
        Entry(
            name: function.name, signature: function.signature, summary: function.summary,
            example: function.example.expression, result: function.example.result)
    }

    /// The tables of the documentation, in Markdown.
    package static var markdown: String {
        groups.map { group in
            let rows = group.entries.map { entry in
                // In code that stands in a table, the bar alone has to be escaped.
                let example = entry.example.replacing("|", with: "\\|")
                return
                    "| `\(entry.signature)` | \(entry.summary) | `\(example)` | \(entry.result.map { "`\($0)`" } ?? "nothing") |"
            }
            return "### \(group.title)\n\n| Function | What it gives | Example | Result |\n|---|---|---|---|\n"
                + rows.joined(separator: "\n") + "\n"
        }.joined(separator: "\n")
    }
}
