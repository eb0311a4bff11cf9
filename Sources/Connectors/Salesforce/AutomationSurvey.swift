// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// What the org does on its own when records are written; none of it can be switched off for a request.
///
/// Source: Object Reference, "FlowDefinitionView", "DuplicateRule", "ApexTrigger" and "EntityDefinition"; Tooling API,
/// "ValidationRule"; REST API Developer Guide, "Get Process Rules for an sObject". Most of it needs the permission
/// 'View Setup and Configuration': what the user may not see is reported as not known.
struct AutomationSurvey: Sendable {
    let api: SalesforceAPI
    let allowsDuplicates: Bool

    /// Everything that is active on these objects.
    func effects(on objects: [String]) async throws -> [SideEffect] {
        let objects = objects.filter(SOQL.isName)
        guard !objects.isEmpty else { return [] }
        var effects: [SideEffect] = []
        let names = try await asking("the names of objects", &effects) { try await setupNames(of: objects) } ?? [:]
        effects += try await asking("flows", &effects) { try await flows(names) } ?? []
        effects += try await asking("triggers", &effects) { try await triggers(names) } ?? []
        for object in objects {
            effects += try await asking("workflow rules of \(object)", &effects) { try await workflows(object) } ?? []
        }
        effects += try await asking("duplicate rules", &effects) { try await duplicateRules(objects) } ?? []
        effects += try await asking("validation rules", &effects) { try await validationRules(names) } ?? []
        return effects
    }

    private func asking<T>(
        _ what: String, _ effects: inout [SideEffect], _ question: () async throws -> T
    ) async throws -> T? {
        do {
            return try await question()
        } catch let error as MigratezError where error.code == .permissionMissing || error.code == .requestRefused {
            effects.append(
                SideEffect(
                    .unknown, "the org does not show \(what) to this user",
                    advice: "give 'View Setup and Configuration', or ask an administrator"))
            return nil
        }
    }

    /// The objects by what setup records call them: the name for standard objects, an id for custom ones.
    private func setupNames(of objects: [String]) async throws -> [String: String] {
        var names: [String: String] = [:]
        let list = SOQL.list(objects.map { SOQL.literal($0) })
        try await api.query("SELECT DurableId,QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName IN \(list)")
        {
            record in
            guard let id = record["DurableId"]?.text, let name = record["QualifiedApiName"]?.text else { return }
            names[id] = name
        }
        return names
    }

    private func flows(_ names: [String: String]) async throws -> [SideEffect] {
        var effects: [SideEffect] = []
        try await api.query(
            "SELECT Label,TriggerType,RecordTriggerType,TriggerObjectOrEventId FROM FlowDefinitionView "
                + "WHERE IsActive = true AND TriggerType IN ('RecordBeforeSave','RecordAfterSave')"
        ) { record in
            guard let object = record["TriggerObjectOrEventId"]?.text.flatMap({ names[$0] }),
                record["RecordTriggerType"]?.text != "Delete"
            else { return }
            let time = record["TriggerType"]?.text == "RecordBeforeSave" ? "before" : "after"
            effects.append(
                SideEffect(
                    .automation, object: object,
                    "the flow '\(record["Label"]?.text ?? "")' runs \(time) each record is saved",
                    advice: "deactivate it for the time of the load if it must not run"))
        }
        return effects
    }

    private func triggers(_ names: [String: String]) async throws -> [SideEffect] {
        var effects: [SideEffect] = []
        try await api.query("SELECT Name,TableEnumOrId FROM ApexTrigger WHERE Status = 'Active'") { record in
            guard let object = record["TableEnumOrId"]?.text.flatMap({ names[$0] }) else { return }
            effects.append(
                SideEffect(
                    .automation, object: object, "the Apex trigger '\(record["Name"]?.text ?? "")' runs",
                    advice: "many orgs have a switch for their triggers; ask whoever wrote it"))
        }
        return effects
    }

    /// Active rules with their actions; alerts are mails.
    private func workflows(_ object: String) async throws -> [SideEffect] {
        let answer = try await api.json(api.request(.get, "/process/rules/\(object)", endpointClass: "describe"))
        return (answer["rules"]?[object]?.elements ?? []).map { rule in
            let name = rule["name"]?.text ?? ""
            let actions = (rule["actions"]?.elements ?? []).compactMap { $0["type"]?.text }
            let sendsMail = actions.contains { $0.lowercased().contains("alert") || $0.lowercased().contains("mail") }
            guard sendsMail else {
                return SideEffect(
                    .automation, object: object, "the workflow rule '\(name)' runs",
                    advice: "deactivate it for the time of the load if it must not run")
            }
            return SideEffect(
                .notification, object: object, "the workflow rule '\(name)' sends mails",
                advice: "deactivate it, or set e-mail deliverability to 'System email only' for the time of the load")
        }
    }

    private func duplicateRules(_ objects: [String]) async throws -> [SideEffect] {
        var effects: [SideEffect] = []
        try await api.query("SELECT MasterLabel,SobjectType FROM DuplicateRule WHERE IsActive = true") { record in
            guard let object = record["SobjectType"]?.text, objects.contains(object) else { return }
            let label = record["MasterLabel"]?.text ?? ""
            effects.append(
                SideEffect(
                    .duplicateRule, object: object,
                    allowsDuplicates
                        ? "the duplicate rule '\(label)' is overruled by load.allow_duplicates"
                        : "the duplicate rule '\(label)' may refuse records",
                    advice: allowsDuplicates
                        ? nil : "'load: { allow_duplicates: true }' saves them all the same, where the rule permits it")
            )
        }
        return effects
    }

    private func validationRules(_ names: [String: String]) async throws -> [SideEffect] {
        var effects: [SideEffect] = []
        try await api.query(
            "SELECT ValidationName,EntityDefinitionId FROM ValidationRule WHERE Active = true", isTooling: true
        ) { record in
            guard let object = record["EntityDefinitionId"]?.text.flatMap({ names[$0] }) else { return }
            effects.append(
                SideEffect(
                    .validation, object: object,
                    "the validation rule '\(record["ValidationName"]?.text ?? "")' may refuse records",
                    advice: "`migratez sample` shows what it makes of a few"))
        }
        return effects
    }
}
