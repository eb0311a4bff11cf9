// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// E-mails, which an organisation with Enhanced Email keeps as records of their own, and whom each has to do with
/// (Object Reference, "EmailMessage", "EmailMessageRelation").
///
/// Simplified: no cases, no drafts of one's own, no threads. The prefix of the relations' ids is not documented.
extension StandardObjects {
    static func emails(_ audit: [FieldDefinition], _ fixed: [FieldDefinition]) -> [ObjectDefinition] {
        [emailMessage(audit), emailMessageRelation(fixed)]
    }

    /// New, read, replied, sent, forwarded, draft.
    static let emailStatuses = ["0", "1", "2", "3", "4", "5"]
    static let draftStatus = "5"

    private static func emailMessage(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "EmailMessage", keyPrefix: "02s",
            fields: idAndDeleted + [
                .reference("ActivityId", to: ["Task"], .readOnly), .longText("TextBody", 131_072),
                .longText("HtmlBody", 131_072), .longText("Headers", 32_000), .text("Subject", 3000),
                .text("FromName", 1000), FieldDefinition("FromAddress", .email, length: 1000),
                .text("ToAddress", 4000), .text("CcAddress", 4000), .text("BccAddress", 4000), .bool("Incoming"),
                .bool("HasAttachment", .readOnly),
                .picklist("Status", emailStatuses, default: "0", length: 40, .restricted), .dateTime("MessageDate"),
                .text("MessageIdentifier", 765), .bool("IsExternallyVisible"),
                .reference("RelatedToId", to: ["Account", "Opportunity"], [.createOnly, .indexed]),
            ] + audit)
    }

    private static func emailMessageRelation(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "EmailMessageRelation", keyPrefix: "0Ox",
            fields: idAndDeleted + [
                .reference("EmailMessageId", to: ["EmailMessage"], [.required, .createOnly, .indexed, .cascades]),
                .reference("RelationId", to: ["Contact", "Lead", "User"], [.createOnly, .indexed, .cascades]),
                .picklist(
                    "RelationType", ["ToAddress", "CcAddress", "BccAddress", "FromAddress", "OtherAddress"],
                    length: 255, [.required, .createOnly, .restricted]),
                .text("RelationAddress", 255, .createOnly),
                .picklist("RelationObjectType", ["Contact", "Lead", "User"], length: 255, .readOnly),
            ] + audit, isUpdateable: false, holdsCustomFields: false)
    }
}
