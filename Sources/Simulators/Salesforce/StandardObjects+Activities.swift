// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Tasks, calls and meetings. A call is a task of the subtype `Call`.
extension StandardObjects {
    /// Whom and what an activity is about, where the organisation lets several contacts be related to one ("Shared
    /// Activities"; Object Reference, "TaskRelation", "EventRelation").
    static func activityRelations(_ fixed: [FieldDefinition]) -> [ObjectDefinition] {
        [
            relation("TaskRelation", keyPrefix: "0RT", of: "Task", [], fixed),
            relation(
                "EventRelation", keyPrefix: "0RE", of: "Event",
                [
                    .bool("IsInvitee"), .bool("IsParent"),
                    .picklist("Status", ["New", "Declined", "Accepted", "Maybe"], length: 40, .restricted),
                    .text("Response", 255),
                ], fixed),
        ]
    }

    private static func relation(
        _ name: String, keyPrefix: String, of activity: String, _ more: [FieldDefinition], _ audit: [FieldDefinition]
    ) -> ObjectDefinition {
        ObjectDefinition(
            name, keyPrefix: keyPrefix,
            fields: idAndDeleted + [
                .reference(activity + "Id", to: [activity], [.required, .createOnly, .indexed, .cascades]),
                .reference(
                    "RelationId", to: ["Contact", "Lead", "Account", "Opportunity", "User"],
                    [.required, .createOnly, .indexed, .cascades]),
                .bool("IsWhat"),
            ] + more + audit, isUpdateable: !more.isEmpty, holdsCustomFields: false, isBulkLoadable: false)
    }

    private static let who = FieldDefinition.reference("WhoId", to: ["Contact", "Lead"], .indexed)
    private static let what = FieldDefinition.reference("WhatId", to: ["Account", "Opportunity"], .indexed)

    static func task(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "Task", keyPrefix: "00T",
            fields: idAndDeleted + [
                who, what,
                .picklist("Subject", ["Call", "Email", "Send Letter", "Send Quote", "Other"], kind: .combobox),
                .date("ActivityDate"),
                .picklist(
                    "Status",
                    ["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"],
                    default: "Not Started", .restricted),
                .picklist("Priority", ["High", "Normal", "Low"], default: "Normal", .restricted),
                .bool("IsHighPriority", .readOnly), owner, .longText("Description", 32_000),
                .bool("IsClosed", .readOnly), .bool("IsArchived", .readOnly),
                .number("CallDurationInSeconds", .int, precision: 8),
                .picklist("CallType", ["Internal", "Inbound", "Outbound"], length: 40), .text("CallDisposition", 255),
                .text("CallObject", 255),
                .picklist(
                    "TaskSubtype", ["Task", "Email", "ListEmail", "Cadence", "Call", "LinkedIn"], default: "Task",
                    length: 40, [.restricted, .createOnly]),
                .dateTime("CompletedDateTime"),
            ] + audit)
    }

    static func event(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "Event", keyPrefix: "00U",
            fields: idAndDeleted + [
                who, what,
                .picklist("Subject", ["Call", "Email", "Meeting", "Send Letter/Quote", "Other"], kind: .combobox),
                .text("Location", 255), .bool("IsAllDayEvent"), .dateTime("StartDateTime"), .dateTime("EndDateTime"),
                .date("ActivityDate"), .number("DurationInMinutes", .int, precision: 8),
                .longText("Description", 32_000),
                owner, .bool("IsPrivate"),
                .picklist("ShowAs", ["Busy", "OutOfOffice", "Free"], default: "Busy", length: 40, .restricted),
                .bool("IsArchived", .readOnly),
            ] + audit)
    }
}
