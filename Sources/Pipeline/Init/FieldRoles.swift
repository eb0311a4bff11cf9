// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// What the fields of activities and files mean. Their names alone do not tell: one CRM's `scheduledend` is when a task is
/// due, and when a meeting ends.
enum FieldRoles {
    enum Role: String, CaseIterable {
        case subject, text, due, start, end, location, status, priority, direction
        /// How long it took; the unit differs.
        case duration
        /// A file's name, with its extension.
        case fileName = "file name"
    }

    /// A field of the source for each field of the destination that has the same role, and the role.
    ///
    /// A meeting that does not say when it ends has ended when it began: some CRMs take no meeting without an end.
    static func pairs(
        _ concept: String?, from source: String, _ fields: ObjectSchema, to target: String
    ) -> [(source: String, target: String, role: Role)] {
        guard let concept else { return [] }
        let given = (table[source]?[concept] ?? []).filter { fields.field($0.field) != nil }
        return (table[target]?[concept] ?? []).compactMap { place in
            let roles = place.role == .end ? [Role.end, .start] : [place.role]
            for role in roles {
                if let origin = given.first(where: { $0.role == role }) {
                    return (origin.field, place.field, place.role)
                }
            }
            return nil
        }
    }

    /// The fields of an object that activities are kept in, for drafts that are made without asking anybody; `nil` for
    /// other objects.
    static func schema(of object: String, in connector: String) -> ObjectSchema? {
        let concepts = CRMVocabulary.forms(of: connector).filter { $0.object == object && $0.concept != "file" }
            .map(\.concept)
        var fields: [FieldSchema] = []
        for place in concepts.flatMap({ table[connector]?[$0] ?? [] })
        where !fields.contains(where: { $0.name == place.field }) {
            fields.append(FieldSchema(name: place.field, label: place.field, kind: kind(of: place.role)))
        }
        return fields.isEmpty ? nil : ObjectSchema(name: object, label: object, fields: fields, holdsKey: true)
    }

    private static func kind(of role: Role) -> FieldSchema.Kind {
        switch role {
        case .subject, .fileName, .location, .status, .priority, .direction: .text
        case .text: .longText
        case .due: .date
        case .start, .end: .dateTime
        case .duration: .integer
        }
    }

    /// The expression that brings a duration from the source's unit to the destination's.
    static func conversion(of field: String, from source: String, to target: String) -> String? {
        guard let from = secondsPerUnit[source], let to = secondsPerUnit[target] else { return nil }
        guard from != to else { return "number(\(field))" }
        return from > to
            ? "round(number(\(field)) * \(from / to))" : "round(number(\(field)) / \(to / from))"
    }

    /// In thousandths of a second.
    private static let secondsPerUnit = ["hubspot": 1, "salesforce": 1_000, "dynamics": 60_000]

    private typealias Place = (field: String, role: Role)

    private static let table: [String: [String: [Place]]] = [
        "hubspot": [
            "file": [("file_name", .fileName)],
            "task": [
                ("hs_task_subject", .subject), ("hs_task_body", .text), ("hs_timestamp", .due),
                ("hs_task_status", .status), ("hs_task_priority", .priority),
            ],
            "call": [
                ("hs_call_title", .subject), ("hs_call_body", .text), ("hs_timestamp", .start),
                ("hs_call_direction", .direction), ("hs_call_duration", .duration),
            ],
            "meeting": [
                ("hs_meeting_title", .subject), ("hs_meeting_body", .text), ("hs_meeting_start_time", .start),
                ("hs_timestamp", .start), ("hs_meeting_end_time", .end), ("hs_meeting_location", .location),
            ],
        ],
        "salesforce": [
            "file": [("PathOnClient", .fileName), ("Title", .fileName)],
            "task": [
                ("Subject", .subject), ("Description", .text), ("ActivityDate", .due), ("Status", .status),
                ("Priority", .priority),
            ],
            "call": [
                ("Subject", .subject), ("Description", .text), ("ActivityDate", .start), ("CallType", .direction),
                ("CallDurationInSeconds", .duration),
            ],
            "meeting": [
                ("Subject", .subject), ("Description", .text), ("StartDateTime", .start), ("EndDateTime", .end),
                ("Location", .location),
            ],
        ],
        "pipedrive": [
            "file": [("name", .fileName)],
            "task": [("subject", .subject), ("note", .text), ("due_date", .due)],
            "call": [("subject", .subject), ("note", .text), ("due_date", .start)],
            "meeting": [("subject", .subject), ("note", .text), ("due_date", .start), ("location", .location)],
        ],
        "dynamics": [
            "file": [("filename", .fileName)],
            "task": [
                ("subject", .subject), ("description", .text), ("scheduledend", .due), ("prioritycode", .priority),
            ],
            "call": [
                ("subject", .subject), ("description", .text), ("scheduledend", .start),
                ("actualdurationminutes", .duration),
            ],
            "meeting": [
                ("subject", .subject), ("description", .text), ("scheduledstart", .start), ("scheduledend", .end),
                ("location", .location),
            ],
        ],
        "odoo": [
            "file": [("name", .fileName)],
            "task": [("summary", .subject), ("note", .text), ("date_deadline", .due)],
            "call": [("summary", .subject), ("note", .text), ("date_deadline", .start)],
            "meeting": [
                ("name", .subject), ("description", .text), ("start", .start), ("stop", .end), ("location", .location),
            ],
        ],
        "zoho": [
            "file": [("File_Name", .fileName)],
            "task": [
                ("Subject", .subject), ("Description", .text), ("Due_Date", .due), ("Status", .status),
                ("Priority", .priority),
            ],
            "call": [
                ("Subject", .subject), ("Description", .text), ("Call_Start_Time", .start), ("Call_Type", .direction),
            ],
            "meeting": [
                ("Event_Title", .subject), ("Description", .text), ("Start_DateTime", .start), ("End_DateTime", .end),
                ("Venue", .location),
            ],
        ],
    ]
}
