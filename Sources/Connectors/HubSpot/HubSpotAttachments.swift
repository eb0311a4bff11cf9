// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// What the files of HubSpot are as records, and what they hang on.
///
/// HubSpot attaches files to activities alone: the property `hs_attachment_ids` of a note, an e-mail, a call, a meeting or
/// a task lists their ids, with `;` between them (developers.hubspot.com, "Engagements", attachments). What a person sees
/// on a contact, a company or a deal is a note that is linked with it and carries the file.
enum HubSpotAttachments {
    /// The name of the object.
    static let object = "file"
    static let property = "hs_attachment_ids"
    /// The member of a record that names the activity that it was found on.
    static let carrier = "attachedTo"
    /// The field of a destination that takes the bytes, as the form of an upload names it.
    static let contentField = "file"
    /// The name with its extension; HubSpot tells them apart.
    static let fileName = "file_name"
    /// HubSpot takes 2 GB a file from accounts that pay, less from others (knowledge.hubspot.com, "Supported file types").
    static let bytesMax = ByteCount.MiB(2_048)

    /// The activities that carry files, by the names that pipelines use, in the order in which they are read.
    static let carriers = ["note", "email", "call", "meeting", "task"].compactMap { StreamName($0) }

    /// What carries files where nothing else does.
    static let note = HubSpotObject(carriers[0])

    static func carrier(_ name: String) -> HubSpotObject? {
        carriers.first { $0.text == name }.map { HubSpotObject($0) }
    }

    /// The ids in the value of `hs_attachment_ids`.
    static func ids(_ value: String?) -> [String] {
        var ids: [String] = []
        for part in (value ?? "").split(whereSeparator: { $0 == ";" || $0 == "," || $0 == " " }) {
            let id = String(part)
            if Int(id) != nil, !ids.contains(id) { ids.append(id) }
        }
        return ids
    }

    static var sourceSchema: ObjectSchema {
        func field(_ name: String, _ label: String, _ kind: FieldSchema.Kind) -> FieldSchema {
            FieldSchema(name: name, label: label, kind: kind, isCreateable: false, isUpdateable: false)
        }
        return ObjectSchema(
            name: object, label: "Files",
            fields: [
                FieldSchema(
                    name: "id", label: "File ID", kind: .id, isCreateable: false, isUpdateable: false, isUnique: true),
                field(fileName, "File name", .text), field("name", "Name", .text),
                field("extension", "Extension", .text), field("size", "Size", .integer),
                field("type", "Type", .text), field("access", "Access", .text), field("path", "Path", .text),
                field("url", "URL", .url), field("width", "Width", .integer), field("height", "Height", .integer),
                field("createdAt", "Created", .dateTime), field("updatedAt", "Updated", .dateTime),
                field(HubSpotObject.activityTime, "Activity date", .dateTime),
                FieldSchema(
                    name: "hubspot_owner_id", label: "Owner", kind: .reference, isCreateable: false,
                    isUpdateable: false, refersTo: ["owner"]),
            ],
            content: ContentSchema(field: "content", sizeField: "size", versionFields: ["size", "updatedAt"]))
    }

    /// - Parameter key: the property of notes that holds our key, if they have it already.
    static func targetSchema(key: FieldSchema?) -> ObjectSchema {
        var fields = [
            FieldSchema(
                name: fileName, label: "File name", kind: .text, isRequired: true, isUpdateable: false, lengthMax: 255),
            FieldSchema(
                name: "access", label: "Access", kind: .choice, isUpdateable: false,
                options: ["PRIVATE", "HIDDEN_PRIVATE", "PUBLIC_NOT_INDEXABLE", "PUBLIC_INDEXABLE"]
                    .map { FieldSchema.Option(value: $0, label: $0) }, isRestricted: true),
            FieldSchema(name: HubSpotObject.activityTime, label: "Activity date", kind: .dateTime),
            FieldSchema(name: "hs_note_body", label: "Note body", kind: .longText, lengthMax: 65_536),
            FieldSchema(name: "hubspot_owner_id", label: "Owner", kind: .reference, refersTo: ["owner"]),
        ]
        if let key {
            fields.append(
                FieldSchema(
                    name: key.name, label: key.label, kind: .text, isCreateable: false, isUpdateable: false,
                    isUnique: key.isUnique))
        }
        return ObjectSchema(
            name: object, label: "Files", fields: fields, holdsKey: true,
            content: ContentSchema(field: contentField, bytesMax: bytesMax))
    }
}

/// Where a page of files begins: at a page of the activities of one kind.
struct AttachmentCursor: Sendable, Hashable {
    /// Place in `HubSpotAttachments.carriers`.
    var carrier: Int
    /// HubSpot's own `after`; `nil` = at the start of this kind.
    var after: String?

    init(carrier: Int, after: String? = nil) {
        self.carrier = carrier
        self.after = after
    }

    init(_ cursor: Cursor?) throws(MigratezError) {
        guard let cursor else {
            self.init(carrier: 0)
            return
        }
        let parts = cursor.text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2,
            let place = HubSpotAttachments.carriers.firstIndex(where: { $0.text == parts[0] })
        else { throw MigratezError(.internalError, "this is not a place among the files of HubSpot's") }
        self.init(carrier: place, after: parts[1].isEmpty ? nil : String(parts[1]))
    }

    var cursor: Cursor { Cursor("\(HubSpotAttachments.carriers[carrier].text):\(after ?? "")") }
}
