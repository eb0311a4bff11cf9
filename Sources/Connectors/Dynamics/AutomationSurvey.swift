// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// What the environment does by itself when records are written: processes and duplicate detection rules that are on.
///
/// Source: Microsoft Learn, "Process (Workflow) table", "Duplicate Detection Rule table".
struct AutomationSurvey: Sendable {
    let api: DynamicsAPI
    let bypassesLogic: Bool
    let allowsDuplicates: Bool

    func effects(on objects: [String]) async throws -> [SideEffect] {
        var effects: [SideEffect] = []
        for object in objects where ODataText.isName(object) {
            if !bypassesLogic { effects += try await processes(object) }
            if !allowsDuplicates { effects += try await duplicateRules(object) }
        }
        guard !bypassesLogic else { return effects }
        effects.append(
            SideEffect(
                .unknown, "plug-ins and cloud flows that are registered for these tables run for every record",
                advice: "set load.bypass_logic: true if the application user has prvBypassCustomBusinessLogic"))
        return effects
    }

    private func processes(_ object: String) async throws -> [SideEffect] {
        try await list(
            "workflows", "statecode eq 1 and type eq 1 and primaryentity eq '\(object)'",
            SideEffect(
                .automation, object: object, "the process",
                advice: "set load.bypass_logic: true, or switch it off for the time"))
    }

    private func duplicateRules(_ object: String) async throws -> [SideEffect] {
        try await list(
            "duplicaterules", "statecode eq 1 and baseentityname eq '\(object)'",
            SideEffect(
                .duplicateRule, object: object, "the duplicate detection rule",
                advice: "set load.allow_duplicates: true if such rows are to be saved"))
    }

    /// An effect like the one given for each row, with its name behind the words.
    private func list(_ set: String, _ filter: String, _ effect: SideEffect) async throws -> [SideEffect] {
        var effects: [SideEffect] = []
        do {
            try await api.rows(set, query: [("$select", "name"), ("$filter", filter)]) { row in
                var found = effect
                found.what += " '\(row["name"]?.text ?? "without a name")' is on for \(effect.object ?? "")"
                effects.append(found)
            }
        } catch let error as MigratezError where error.code == .permissionMissing || error.code == .requestRefused {
            return [
                SideEffect(
                    .unknown, object: effect.object,
                    "the environment does not tell whether there is any of this: \(effect.what)")
            ]
        }
        return effects
    }
}
