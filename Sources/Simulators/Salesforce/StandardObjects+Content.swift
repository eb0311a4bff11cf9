// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Files and notes. A note is a file of the type SNOTE: the same document seen as `ContentNote`, with the same id.
///
/// Simplified: no libraries, no link to the owner that the platform adds by itself when a file is published.
extension StandardObjects {
    static func contentDocument(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "ContentDocument", keyPrefix: "069",
            fields: idAndDeleted + [
                .text("Title", 255, .defaulted), .text("FileType", 20, .readOnly),
                .text("FileExtension", 40, .readOnly), .number("ContentSize", .int, precision: 9, .readOnly),
                .reference("LatestPublishedVersionId", to: ["ContentVersion"], .readOnly),
                .longText("Description", 1000), owner,
            ] + audit, isCreateable: false, holdsCustomFields: false, isBulkLoadable: false)
    }

    /// `PathOnClient` and `VersionData` can be updated here, so that an upsert can be repeated; what the platform does
    /// with them in an update is not documented clearly.
    static func contentVersion(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "ContentVersion", keyPrefix: "068",
            fields: idAndDeleted + [
                .reference(
                    "ContentDocumentId", to: ["ContentDocument"], [.createOnly, .defaulted, .indexed, .cascades]),
                .bool("IsLatest", .readOnly), .text("VersionNumber", 20, .readOnly), .text("Title", 255, .defaulted),
                .longText("Description", 1000), .longText("ReasonForChange", 1000), .text("PathOnClient", 500),
                .text("FileType", 20, .readOnly), .text("FileExtension", 40, .readOnly),
                FieldDefinition("VersionData", .base64), .number("ContentSize", .int, precision: 9, .readOnly),
                .reference(
                    "FirstPublishLocationId", to: shownOn + ["User"], .createOnly),
                owner,
            ] + audit, isDeletable: false, isBulkLoadable: false)
    }

    /// Files as they were kept before there were documents: each hangs below one record (Object Reference, "Attachment").
    static func attachment(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "Attachment", keyPrefix: "00P",
            fields: idAndDeleted + [
                .reference("ParentId", to: shownOn, [.required, .createOnly, .indexed, .cascades]),
                .text("Name", 255, .required), .bool("IsPrivate"), .text("ContentType", 120),
                .number("BodyLength", .int, precision: 9, .readOnly), FieldDefinition("Body", .base64, .required),
                owner, .text("Description", 500),
            ] + audit, holdsCustomFields: false, isBulkLoadable: false)
    }

    /// Records that files may be shown on.
    private static let shownOn = [
        "Account", "Contact", "Lead", "Opportunity", "Task", "Event", "EmailMessage", "Product2",
    ]

    static func contentNote(_ audit: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            "ContentNote", keyPrefix: "069",
            fields: idAndDeleted + [
                .text("Title", 255, .required), FieldDefinition("Content", .base64),
                .text("TextPreview", 255, .readOnly),
                .text("FileType", 20, .readOnly), .text("FileExtension", 40, .readOnly),
                .number("ContentSize", .int, precision: 9, .readOnly),
                .reference("LatestPublishedVersionId", to: ["ContentVersion"], .readOnly), owner,
            ] + audit, holdsCustomFields: false, isBulkLoadable: false)
    }

    static func contentDocumentLink() -> ObjectDefinition {
        ObjectDefinition(
            "ContentDocumentLink", keyPrefix: "06A",
            fields: idAndDeleted + [
                .reference(
                    "ContentDocumentId", to: ["ContentDocument"], [.required, .createOnly, .indexed, .cascades]),
                .reference(
                    "LinkedEntityId", to: shownOn + ["User"], [.required, .createOnly, .indexed, .cascades]),
                .picklist("ShareType", ["V", "C", "I"], default: "V", length: 40, .restricted),
                .picklist(
                    "Visibility", ["AllUsers", "InternalUsers", "SharedUsers"], default: "AllUsers", length: 40,
                    .restricted),
                .dateTime("SystemModstamp", .system),
            ], holdsCustomFields: false)
    }
}
