// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// A record as version 2 shows it.
struct RecordView {
    let entity: Entity
    /// The fields that somebody made, so far as they are shown.
    private let custom: [FieldDefinition]
    private let counts: [String]

    /// - Throws: if more fields are named than the service takes, or counts that it does not have.
    init(_ entity: Entity, custom: [FieldDefinition], _ request: SimulatorRequest) throws(PipedriveFailure) {
        self.entity = entity
        let wanted = request.queryList("custom_fields")
        guard wanted.count <= 15 else { throw .invalid("custom_fields", "Expected at most 15 keys") }
        self.custom = request.query("custom_fields") == nil ? custom : custom.filter { wanted.contains($0.code) }
        counts = request.queryList("include_fields")
        let unknown = counts.first { !Self.counts(of: entity).contains($0) }
        if let unknown { throw .invalid("include_fields", "Unknown field '\(unknown)'") }
    }

    func json(_ record: StoredDocument, _ session: DocumentSession) throws -> JSONValue {
        var members: [JSONValue.Member] = [.init("id", .id(record.id))]
        for field in entity.standardFields where field.access != .never || entity == .activity {
            if field.code == "add_time" { continue }
            members.append(.init(field.code, record.document[field.code] ?? .null))
        }
        members = members.filter { !["update_time", "is_deleted"].contains($0.key) }
        if entity == .person {
            let words = (record.document["name"]?.text ?? "").split(separator: " ", maxSplits: 1).map(String.init)
            members.append(.init("first_name", words.first.map { .string($0) } ?? .null))
            members.append(.init("last_name", words.count > 1 ? .string(words[1]) : .null))
        }
        if entity == .deal { members.append(.init("creator_user_id", .id(User.ownID))) }
        members += [
            .init("add_time", .string(Instant.text(record.createdAt))),
            .init("update_time", .string(Instant.text(record.modifiedAt))),
            .init("is_deleted", .bool(record.isDeleted)),
        ]
        for name in counts { members.append(.init(name, .number(String(try count(name, of: record.id, session))))) }
        if entity != .activity {
            let values = record.document["custom_fields"]
            members.append(
                .init("custom_fields", .object(custom.map { .init($0.code, values?[$0.code] ?? .null) })))
        }
        return .object(members)
    }

    private static func counts(of entity: Entity) -> Set<String> {
        switch entity {
        case .person: ["open_deals_count", "closed_deals_count", "activities_count", "notes_count", "files_count"]
        case .organization:
            [
                "open_deals_count", "closed_deals_count", "people_count", "activities_count", "notes_count",
                "files_count",
            ]
        case .deal: ["participants_count", "activities_count", "notes_count", "files_count"]
        case .activity, .product: []
        }
    }

    private func count(_ name: String, of id: Int64, _ session: DocumentSession) throws -> Int {
        let link = entity == .person ? "person_id" : entity == .organization ? "org_id" : "deal_id"
        let linked = DocumentCondition.member(link, .equals, .id(id))
        let isOpen = DocumentCondition.member("status", .equals, "open")
        return switch name {
        case "open_deals_count": try session.count(Entity.deal.rawValue, where: .and([linked, isOpen]))
        case "closed_deals_count": try session.count(Entity.deal.rawValue, where: .and([linked, .not(isOpen)]))
        case "people_count": try session.count(Entity.person.rawValue, where: linked)
        case "activities_count": try session.count(Entity.activity.rawValue, where: linked)
        case "notes_count": try session.count(StoredObject.notes, where: linked)
        case "files_count": try session.count(StoredObject.files, where: linked)
        case "participants_count": try session.count(StoredObject.participants, where: linked)
        default: 0
        }
    }
}
