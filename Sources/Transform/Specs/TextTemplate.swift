// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A text with `${run.…}` and `${vars.…}` in it, filled in once a run.
package struct TextTemplate: Sendable, Equatable {
    package enum Part: Sendable, Equatable {
        case literal(String)
        case run(RunVariable)
        case variable(String)
    }

    package var parts: [Part]

    package init(parts: [Part]) { self.parts = parts }
    /// A text without variables.
    package init(_ literal: String) { parts = literal.isEmpty ? [] : [.literal(literal)] }

    /// The text, if it has no variables.
    package var literal: String? {
        var text = ""
        for part in parts {
            guard case .literal(let piece) = part else { return nil }
            text += piece
        }
        return text
    }

    /// The text with its variables filled in; a variable that is not in `vars` is empty (the lint refuses it).
    package func filled(run: RunVariables, vars: [String: String]) -> String {
        parts.map { part in
            switch part {
            case .literal(let text): text
            case .run(let variable): run[variable]
            case .variable(let name): vars[name] ?? ""
            }
        }.joined()
    }
}

/// What a pipeline may ask about the run that applies it.
package enum RunVariable: String, Sendable, Equatable, CaseIterable {
    /// The day on which the run began, UTC: `2026-11-23`.
    case date
    /// The instant at which it began: `2026-11-23T15:00:00.000Z`.
    case dateTime = "datetime"
    /// The run's id.
    case id
    /// The pipeline's name.
    case name
}
