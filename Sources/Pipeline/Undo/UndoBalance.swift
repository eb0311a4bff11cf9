// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezStaging

/// What became of the records of one stream when the run was undone, held against what the run had done.
///
/// `created = deleted + kept + gone` and `updated = restored + kept + gone`.
package struct UndoBalance: Sendable {
    package var stream: StreamName
    /// The destination's object.
    package var object: String
    /// How many records the run created and updated, by its own books.
    package var created: Int
    package var updated: Int
    /// What became of them, by what the run had done.
    package var outcomes: [Outcome: [UndoOutcome: Int]] = [:]

    /// How many records with our key the destination still holds; `nil` if it cannot tell, or was not asked.
    package var left: Int?

    package init(stream: StreamName, object: String, created: Int, updated: Int) {
        self.stream = stream
        self.object = object
        self.created = created
        self.updated = updated
    }

    /// How many records had this undo outcome.
    package subscript(outcome: UndoOutcome) -> Int { outcomes.values.reduce(0) { $0 + ($1[outcome] ?? 0) } }

    package var kept: Int { UndoOutcome.allCases.filter(\.isKept).reduce(0) { $0 + self[$1] } }

    /// Whether every record that the run created or updated has its end.
    package var isClosed: Bool { settled(.created) == created && settled(.updated) == updated && self[.sent] == 0 }

    private func settled(_ outcome: Outcome) -> Int { outcomes[outcome]?.values.reduce(0, +) ?? 0 }

    mutating func add(_ outcome: UndoOutcome, loadedAs loaded: Outcome) {
        outcomes[loaded, default: [:]][outcome, default: 0] += 1
    }
}
