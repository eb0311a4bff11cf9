// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Something to be done.
package struct CRMTask: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case subject = "hs_task_subject"
        case body = "hs_task_body"
        case status = "hs_task_status"
        case priority = "hs_task_priority"
        case type = "hs_task_type"
        case isCompleted = "hs_task_is_completed"
        case completedAt = "hs_task_completion_date"
        case reminders = "hs_task_reminders"
        case isAllDay = "hs_task_is_all_day"
        case source = "hs_object_source"
        case timestamp = "hs_timestamp"
        case createdAt = "hs_createdate"
        case modifiedAt = "hs_lastmodifieddate"
        case owner = "hubspot_owner_id"
        case id = "hs_object_id"

        package var kind: FieldKind {
            switch self {
            case .body: .html
            case .status: .choice(CRMTask.statuses)
            case .priority: .choice(["NONE", "LOW", "MEDIUM", "HIGH"])
            case .type: .choice(["TODO", "EMAIL", "CALL"])
            case .timestamp, .completedAt: .dateTime
            case .isAllDay: .bool
            case .owner: .owner
            case .createdAt, .modifiedAt: .readOnlyDateTime
            case .isCompleted, .source, .id: .readOnly
            default: .text
            }
        }
    }

    static let statuses = ["NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"]

    package static let object = CRMObject.task
    package let crm: SyntheticCRM
    package let index: Int

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
    }

    package subscript(field: Field) -> String? {
        let draw = draw
        let status = draw.pick(CRMTask.statuses, 103)
        return switch field {
        case .subject: draw.maybe(missing: 50, empty: 50, 100, draw.freeText(101, ordinary: "Follow up \(index)"))
        case .body: draw.maybe(missing: 4000, empty: 200, 110, "<p>\(draw.sentences(111, most: 2))</p>")
        case .status: status
        case .priority: draw.maybe(missing: 1000, 120, draw.pick(["NONE", "LOW", "MEDIUM", "HIGH"], 121))
        case .type: draw.pick(["TODO", "EMAIL", "CALL"], 122)
        case .isCompleted: status == "COMPLETED" ? "true" : "false"
        case .completedAt: status == "COMPLETED" ? DateText.instant(updatedAt) : nil
        case .reminders: draw.maybe(missing: 8000, 130, String(createdAt.milliseconds))
        case .isAllDay: draw.share(131) < 3000 ? "true" : "false"
        case .source: "CRM_UI"
        case .timestamp, .modifiedAt: DateText.instant(updatedAt)
        case .createdAt: DateText.instant(createdAt)
        case .owner: ownerID
        case .id: String(id)
        }
    }
}

/// A phone call that took place, or did not.
package struct Call: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case title = "hs_call_title"
        case body = "hs_call_body"
        case duration = "hs_call_duration"
        case direction = "hs_call_direction"
        case disposition = "hs_call_disposition"
        case status = "hs_call_status"
        case fromNumber = "hs_call_from_number"
        case toNumber = "hs_call_to_number"
        case source = "hs_call_source"
        case recording = "hs_call_recording_url"
        case timestamp = "hs_timestamp"
        case createdAt = "hs_createdate"
        case modifiedAt = "hs_lastmodifieddate"
        case owner = "hubspot_owner_id"
        case id = "hs_object_id"

        package var kind: FieldKind {
            switch self {
            case .body: .html
            case .duration: .number
            case .direction: .choice(["INBOUND", "OUTBOUND"])
            case .status: .choice(["COMPLETED", "NO_ANSWER", "BUSY", "CANCELED"])
            case .fromNumber, .toNumber: .phone
            case .timestamp: .dateTime
            case .owner: .owner
            case .createdAt, .modifiedAt: .readOnlyDateTime
            case .id: .readOnly
            default: .text
            }
        }
    }

    package static let object = CRMObject.call
    package let crm: SyntheticCRM
    package let index: Int

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
    }

    package subscript(field: Field) -> String? {
        let draw = draw
        return switch field {
        case .title: draw.maybe(missing: 500, empty: 100, 100, draw.freeText(101, ordinary: "Call \(index)"))
        case .body: draw.maybe(missing: 3000, 110, "<p>\(draw.sentences(111, most: 2))</p>")
        case .duration: draw.maybe(missing: 500, 120, String(draw.below(3_600_000, 121)))
        case .direction: draw.share(122) < 3000 ? "INBOUND" : "OUTBOUND"
        // The four dispositions that every HubSpot account starts with are opaque ids of this form.
        case .disposition: draw.maybe(missing: 2000, 123, "f240bbac-87c9-4f6e-bf70-924b57d47db\(draw.below(4, 124))")
        case .status: draw.pick(["COMPLETED", "COMPLETED", "NO_ANSWER", "BUSY", "CANCELED"], 125)
        case .fromNumber: PhoneNumber(person: 250_000_000 + index).american(1)
        case .toNumber: PhoneNumber(person: 280_000_000 + index).american(1)
        case .source: "INTEGRATIONS_PLATFORM"
        case .recording: draw.maybe(missing: 9000, 126, "https://recordings.example/\(index).mp3")
        case .timestamp, .createdAt: DateText.instant(createdAt)
        case .modifiedAt: DateText.instant(updatedAt)
        case .owner: ownerID
        case .id: String(id)
        }
    }
}

/// A meeting in a calendar.
package struct Meeting: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case title = "hs_meeting_title"
        case body = "hs_meeting_body"
        case startTime = "hs_meeting_start_time"
        case endTime = "hs_meeting_end_time"
        case location = "hs_meeting_location"
        case outcome = "hs_meeting_outcome"
        case externalURL = "hs_meeting_external_url"
        case internalNotes = "hs_internal_meeting_notes"
        case activityType = "hs_activity_type"
        case source = "hs_meeting_source"
        case timestamp = "hs_timestamp"
        case createdAt = "hs_createdate"
        case modifiedAt = "hs_lastmodifieddate"
        case owner = "hubspot_owner_id"
        case id = "hs_object_id"

        package var kind: FieldKind {
            switch self {
            case .body, .internalNotes: .html
            case .startTime, .endTime, .timestamp: .dateTime
            case .outcome: .choice(["SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED"])
            case .owner: .owner
            case .createdAt, .modifiedAt: .readOnlyDateTime
            case .id: .readOnly
            default: .text
            }
        }
    }

    package static let object = CRMObject.meeting
    package let crm: SyntheticCRM
    package let index: Int

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
    }

    package subscript(field: Field) -> String? {
        let draw = draw
        return switch field {
        case .title: draw.maybe(missing: 300, empty: 100, 100, draw.freeText(101, ordinary: "Meeting \(index)"))
        case .body: draw.maybe(missing: 3000, 110, "<p>\(draw.sentences(111, most: 3))</p>")
        case .startTime, .timestamp: DateText.instant(updatedAt)
        case .endTime:
            DateText.instant(.init(milliseconds: updatedAt.milliseconds + Int64(1 + draw.below(8, 120)) * 900_000))
        case .location: draw.maybe(missing: 4000, 121, draw.pick(Vocabulary.cities, 122))
        case .outcome:
            draw.maybe(
                missing: 500, 123, draw.pick(["SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED"], 124))
        case .externalURL: draw.maybe(missing: 6000, 125, "https://meet.example/\(index)")
        case .internalNotes: draw.maybe(missing: 8000, 130, "<p>\(draw.freeText(131, ordinary: "internal"))</p>")
        case .activityType: draw.maybe(missing: 7000, 140, "Demo")
        case .source: "CRM_UI"
        case .createdAt: DateText.instant(createdAt)
        case .modifiedAt: DateText.instant(updatedAt)
        case .owner: ownerID
        case .id: String(id)
        }
    }
}
