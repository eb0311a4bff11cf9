// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Leads, which only version 1 has: known by UUIDs, with the custom fields of deals beside their own.
///
/// Source: OpenAPI description of version 1, `/leads`, `/leads/archived`, `/leadLabels` (crm-apis: Pipedrive, sections 3 to
/// 6). Parts of addresses cannot be written here.
extension PipedriveSimulator {
    /// `GET /api/v1/leads`: what is archived is a list of its own.
    func leads(_ request: SimulatorRequest, isArchived: Bool) throws -> SimulatorResponse {
        let paging = try FormerPaging(request)
        var conditions: [DocumentCondition] = [.member("is_archived", .equals, .bool(isArchived))]
        for name in ["owner_id", "person_id", "organization_id"] {
            if let id = request.query(name).flatMap({ Int64($0) }) {
                conditions.append(.member(name, .equals, .id(id)))
            }
        }
        let words = (request.query("sort") ?? "add_time ASC").split(separator: " ").map(String.init)
        guard words.first == "add_time", words.count == 2, ["ASC", "DESC"].contains(words[1]) else {
            throw PipedriveFailure(400, nil, "this order is not simulated")
        }
        return try store.read { session in
            let records = try session.documents(
                StoredObject.leads, where: .and(conditions), order: .member("added", descending: words[1] == "DESC"),
                offset: paging.start, limit: paging.limit + 1)
            return paging.answer(records.map(StoredLead.json))
        }
    }

    func lead(_ id: String) throws -> SimulatorResponse {
        try store.read { .data(StoredLead.json(try $0.lead(id))) }
    }

    func createLead(_ request: SimulatorRequest) throws -> SimulatorResponse {
        let body = try Self.body(request)
        let now = options.clock.now
        return try store.write { session in
            guard let title = body["title"]?.text, !title.isEmpty else {
                throw PipedriveFailure(400, nil, "title is required")
            }
            guard body["is_archived"] == nil else { throw PipedriveFailure(400, nil, "is_archived is not allowed") }
            let empty: JSONValue = [
                "owner_id": .id(User.ownID), "label_ids": [], "is_archived": false, "was_seen": false,
                "source_name": "API", "visible_to": "3", "added": .string(StoredLead.text(now)),
            ]
            var lead = try written(body, on: empty, session)
            guard ["person_id", "organization_id"].contains(where: { lead[$0]?.int64 != nil }) else {
                throw PipedriveFailure(400, nil, "person_id or organization_id is required")
            }
            // The number is known only when the lead is there.
            let id = try session.insert(StoredObject.leads, lead, at: now)
            lead = lead.setting("uuid", .string(StoredLead.uuid(id)))
            try session.replace(StoredObject.leads, id, with: lead, at: now)
            return .data(StoredLead.json(try session.lead(StoredLead.uuid(id))), status: 201)
        }
    }

    func updateLead(_ id: String, _ request: SimulatorRequest) throws -> SimulatorResponse {
        let body = try Self.body(request)
        return try store.write { session in
            let stored = try session.lead(id)
            if let title = body["title"], (title.text ?? "").isEmpty {
                throw PipedriveFailure(400, nil, "title must not be empty")
            }
            let lead = try written(body, on: stored.document, session)
            guard ["person_id", "organization_id"].contains(where: { lead[$0]?.int64 != nil }) else {
                throw PipedriveFailure(400, nil, "person_id or organization_id is required")
            }
            try session.replace(StoredObject.leads, stored.id, with: lead, at: options.clock.now)
            return .data(StoredLead.json(try session.lead(id)))
        }
    }

    func deleteLead(_ id: String) throws -> SimulatorResponse {
        try store.write { session in
            try session.delete(StoredObject.leads, try session.lead(id).id, at: options.clock.now)
            return .data(["id": .string(id)])
        }
    }

    /// The lead with what a body says; whatever it does not say stays.
    private func written(_ body: JSONValue, on lead: JSONValue, _ session: DocumentSession) throws -> JSONValue {
        var lead = lead
        var values = lead["custom"]?.members ?? []
        let custom = try session.customFields(of: .deal)
        for member in body.members {
            let (name, value) = (member.key, member.value)
            switch name {
            case "person_id", "organization_id":
                let entity = name == "person_id" ? Entity.person : .organization
                if value != .null {
                    guard let id = value.int64, try session.document(entity.rawValue, id)?.isDeleted == false else {
                        throw PipedriveFailure(400, nil, "\(entity.label) does not exist: \(name)")
                    }
                }
            case "owner_id":
                guard users.contains(where: { .id($0.id) == value }) else {
                    throw PipedriveFailure(400, nil, "owner_id is not a user")
                }
            case "value":
                guard value == .null || value["amount"].map(Self.isNumber) == true && value["currency"]?.text != nil
                else { throw PipedriveFailure(400, nil, "value must have both amount and currency") }
            case "label_ids":
                guard value.elements.allSatisfy({ LeadLabel.ids.contains($0.text ?? "") }) else {
                    throw PipedriveFailure(400, nil, "label_ids names a label that does not exist")
                }
            case "title", "expected_close_date", "visible_to", "was_seen", "is_archived", "origin_id", "channel",
                "channel_id":
                break
            default:
                guard let field = custom.first(where: { name == $0.code || StoredLead.parts($0).contains(name) }) else {
                    throw PipedriveFailure(400, nil, "\(name) is not allowed")
                }
                if field.type == "set", value != .null, case .array = value {
                    throw PipedriveFailure(400, nil, "\(name) must be a text with commas")
                }
                values.removeAll { $0.key == name }
                if value != .null { values.append(member) }
                continue
            }
            lead = lead.setting(name, value)
        }
        return lead.setting("custom", .object(values))
    }

    private static func isNumber(_ value: JSONValue) -> Bool { if case .number = value { true } else { false } }
}

/// A lead as the company keeps it: custom fields apart from the others.
package enum StoredLead {
    package static func uuid(_ id: Int64) -> String {
        let digits = String(id, radix: 16)
        return "ad000000-1ead-4000-8000-" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    /// Times of leads have thousandths.
    static func text(_ time: Timestamp) -> String { String(Instant.text(time).dropLast()) + ".000Z" }

    /// The further parameters of a custom field.
    static func parts(_ field: FieldDefinition) -> [String] {
        switch field.type {
        case "monetary": ["\(field.code)_currency"]
        case "daterange", "timerange": ["\(field.code)_until"]
        default: []
        }
    }

    static func json(_ lead: StoredDocument) -> JSONValue {
        var members: [JSONValue.Member] = [.init("id", lead.document["uuid"] ?? .null)]
        for name in [
            "title", "owner_id", "label_ids", "person_id", "organization_id", "source_name", "is_archived", "was_seen",
            "value", "expected_close_date", "visible_to",
        ] { members.append(.init(name, lead.document[name] ?? .null)) }
        members += [
            .init("creator_id", .id(User.ownID)), .init("next_activity_id", .null),
            .init("add_time", lead.document["added"] ?? .null),
            .init("update_time", .string(text(lead.modifiedAt))),
        ]
        // What has no value is not shown.
        return .object(members + (lead.document["custom"]?.members ?? []))
    }
}

/// The labels of leads.
enum LeadLabel {
    private static let names = ["Hot", "Warm", "Cold"]
    static let ids = names.indices.map { "f08b42a0-4e75-11ea-9643-03698ef1cfd\($0)" }

    static func id(_ name: String) -> String? { names.firstIndex { $0.uppercased() == name }.map { ids[$0] } }

    static var json: JSONValue {
        .array(
            zip(names, ids).map { name, id in ["id": .string(id), "name": .string(name), "color": "red"] })
    }
}

extension DocumentSession {
    fileprivate func lead(_ id: String) throws -> StoredDocument {
        let found = try documents(StoredObject.leads, where: .member("uuid", .equals, .string(id)), limit: 1)
        guard let lead = found.first, !lead.isDeleted else { throw PipedriveFailure(404, nil, "Lead was not found") }
        return lead
    }
}
