// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON

/// What the organisation says of itself and of its automations, as records that can be queried and never written.
///
/// Nothing of it acts: an automation is only listed (the duplicate rule of contacts, which `OrgOptions` switches on by
/// itself, acts as well).
enum SetupObjects {
    static let all: [ObjectDefinition] = [
        object(
            "Organization", "00D",
            [
                .text("Name", 80), .picklist("OrganizationType", ["Enterprise Edition", "Developer Edition"]),
                .bool("IsSandbox"), .text("InstanceName", 5),
            ]),
        object(
            "EntityDefinition", "4ie", [.text("DurableId", 255), .text("QualifiedApiName", 70), .text("Label", 80)]),
        object(
            "FlowDefinitionView", "4fv",
            [
                .text("ApiName", 80), .text("Label", 255), .bool("IsActive"),
                .picklist("TriggerType", ["RecordBeforeSave", "RecordAfterSave", "Scheduled"]),
                .picklist("RecordTriggerType", ["Create", "Update", "CreateAndUpdate", "Delete"]),
                .text("TriggerObjectOrEventId", 255),
            ]),
        object(
            "ApexTrigger", "01q",
            [.text("Name", 80), .text("TableEnumOrId", 255), .picklist("Status", ["Active", "Inactive"])]),
        object(
            "DuplicateRule", "0Bm",
            [.text("DeveloperName", 80), .text("MasterLabel", 80), .text("SobjectType", 40), .bool("IsActive")]),
        object(
            "ValidationRule", "03d",
            [.text("ValidationName", 80), .text("EntityDefinitionId", 255), .bool("Active")]),
    ]

    /// Only the Tooling API shows these.
    static let toolingOnly: Set = ["validationrule"]

    private static func object(_ name: String, _ keyPrefix: String, _ fields: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            name, keyPrefix: keyPrefix, fields: StandardObjects.idAndDeleted + fields, isCreateable: false,
            isUpdateable: false, isDeletable: false, holdsCustomFields: false, isBulkLoadable: false)
    }

    /// Writes what the options say, in place of what was there.
    static func fill(_ store: RecordStore, _ options: OrgOptions) throws {
        var rows: [(object: String, values: [String: any DatabaseValueConvertible & Sendable])] = [
            (
                "Organization",
                [
                    "Name": options.name, "OrganizationType": options.edition, "IsSandbox": false,
                    "InstanceName": "SIM1",
                ]
            )
        ]
        for object in store.schema.objects where !all.contains(where: { $0.name == object.name }) {
            rows.append(
                (
                    "EntityDefinition",
                    ["DurableId": object.name, "QualifiedApiName": object.name, "Label": object.label]
                ))
        }
        var automations = options.automations
        if options.hasContactDuplicateRule {
            automations.append(.init(.duplicateRule, "Contacts with the same address", on: "Contact"))
        }
        for automation in automations {
            if let row = row(automation) { rows.append(row) }
        }
        try store.queue.write { db in
            for object in all { try db.execute(sql: "DELETE FROM \(RecordStore.quoted(object.name))") }
            for (number, row) in rows.enumerated() {
                let names = row.values.keys.sorted()
                let columns = (["n", "IsDeleted"] + names).map(RecordStore.quoted).joined(separator: ", ")
                let marks = Array(repeating: "?", count: names.count + 2).joined(separator: ", ")
                let values: [DatabaseValue] = names.map { row.values[$0]?.databaseValue ?? .null }
                try db.execute(
                    sql: "INSERT INTO \(RecordStore.quoted(row.object)) (\(columns)) VALUES (\(marks))",
                    arguments: StatementArguments([(number + 1).databaseValue, 0.databaseValue] + values))
            }
        }
    }

    /// The record of an automation; workflow rules have a resource of their own.
    private static func row(
        _ automation: OrgOptions.Automation
    ) -> (object: String, values: [String: any DatabaseValueConvertible & Sendable])? {
        let (name, object) = (automation.name, automation.object)
        switch automation.kind {
        case .flow:
            return (
                "FlowDefinitionView",
                [
                    "ApiName": name.replacing(" ", with: "_"), "Label": name, "IsActive": true,
                    "TriggerType": "RecordAfterSave", "RecordTriggerType": "CreateAndUpdate",
                    "TriggerObjectOrEventId": object,
                ]
            )
        case .trigger: return ("ApexTrigger", ["Name": name, "TableEnumOrId": object, "Status": "Active"])
        case .duplicateRule:
            return (
                "DuplicateRule",
                [
                    "DeveloperName": name.replacing(" ", with: "_"), "MasterLabel": name, "SobjectType": object,
                    "IsActive": true,
                ]
            )
        case .validationRule:
            return ("ValidationRule", ["ValidationName": name, "EntityDefinitionId": object, "Active": true])
        case .workflowRule: return nil
        }
    }

    /// `GET process/rules/X`: the active workflow rules with their actions.
    static func workflowRules(on object: String, _ options: OrgOptions) -> JSONValue {
        let rules = options.automations.filter { $0.kind == .workflowRule && $0.object == object }
        let described = rules.enumerated().map { number, rule -> JSONValue in
            [
                "actions": .array(
                    rule.actions.enumerated().map { place, type in
                        [
                            "id": .string("01V00000000000\(number)\(place)"),
                            "name": .string("\(rule.name) \(place + 1)"),
                            "type": .string(type),
                        ]
                    }),
                "description": .null, "id": .string("01Q00000000000\(number)"), "name": .string(rule.name),
                "namespacePrefix": .null, "object": .string(object),
            ]
        }
        return ["rules": .object([.init(object, .array(described))])]
    }
}
