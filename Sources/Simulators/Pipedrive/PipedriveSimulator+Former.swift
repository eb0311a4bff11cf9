// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Notes and participants, which only version 1 has.
extension PipedriveSimulator {
    private static let parents = ["deal_id", "person_id", "org_id"]

    /// `GET /api/v1/notes`
    func notes(_ request: SimulatorRequest) throws -> SimulatorResponse {
        let paging = try FormerPaging(request)
        var conditions: [DocumentCondition] = []
        for name in Self.parents {
            if let id = request.query(name).flatMap({ Int64($0) }) {
                conditions.append(.member(name, .equals, .id(id)))
            }
        }
        if let text = request.query("updated_since") {
            guard let time = Instant.parsed(text) else {
                throw PipedriveFailure(400, nil, "updated_since is not valid")
            }
            conditions.append(.modified(.greaterOrEqual, time))
        }
        let order: DocumentOrder
        switch request.query("sort") ?? "id ASC" {
        case "id ASC": order = .id
        case "id DESC": order = .newestFirst
        default: throw PipedriveFailure(400, nil, "this order is not simulated")
        }
        return try store.read { session in
            let records = try session.documents(
                StoredObject.notes, where: .and(conditions), order: order, offset: paging.start,
                limit: paging.limit + 1)
            return paging.answer(records.map(Self.json))
        }
    }

    func note(_ id: Int64) throws -> SimulatorResponse {
        try store.read { .data(Self.json(try $0.liveNote(id))) }
    }

    /// A note needs a content and at least one record that it is about.
    func createNote(_ request: SimulatorRequest) throws -> SimulatorResponse {
        let body = try Self.body(request)
        let now = options.clock.now
        return try store.write { session in
            guard let content = body["content"]?.text, !content.isEmpty else {
                throw PipedriveFailure(400, nil, "Content must be provided.")
            }
            let document = try noted(body, on: .object([.init("user_id", .id(User.ownID))]), session)
            guard Self.parents.contains(where: { document[$0]?.int64 != nil }) else {
                throw PipedriveFailure(400, nil, "At least one of deal, person, organization or lead must be given.")
            }
            let added = try added(body) ?? now
            let id = try session.insert(StoredObject.notes, document, at: added)
            if added != now { try session.replace(StoredObject.notes, id, with: document, at: now) }
            return .data(Self.json(try session.liveNote(id)))
        }
    }

    func updateNote(_ id: Int64, _ request: SimulatorRequest) throws -> SimulatorResponse {
        let body = try Self.body(request)
        return try store.write { session in
            let document = try noted(body, on: try session.liveNote(id).document, session)
            _ = try added(body)
            try session.replace(StoredObject.notes, id, with: document, at: options.clock.now)
            return .data(Self.json(try session.liveNote(id)))
        }
    }

    func deleteNote(_ id: Int64) throws -> SimulatorResponse {
        try store.write { session in
            _ = try session.liveNote(id)
            try session.delete(StoredObject.notes, id, at: options.clock.now)
            return .data(true)
        }
    }

    private func added(_ body: JSONValue) throws(PipedriveFailure) -> Timestamp? {
        guard let text = body["add_time"]?.text else { return nil }
        guard let time = Instant.formerParsed(text) else { throw PipedriveFailure(400, nil, "add_time is not valid") }
        return time
    }

    private func noted(_ body: JSONValue, on document: JSONValue, _ session: DocumentSession) throws -> JSONValue {
        var document = document
        for name in ["content", "user_id"] + Self.parents {
            if let value = body[name] { document = document.setting(name, value) }
        }
        for (name, entity) in [("deal_id", Entity.deal), ("person_id", .person), ("org_id", .organization)] {
            guard let id = body[name]?.int64 else { continue }
            guard try session.document(entity.rawValue, id)?.isDeleted == false else {
                throw PipedriveFailure(400, nil, "\(entity.label) \(id) does not exist.")
            }
        }
        if let user = body["user_id"]?.int64, !users.contains(where: { $0.id == user }) {
            throw PipedriveFailure(400, nil, "User \(user) does not exist.")
        }
        return document
    }

    private static func json(_ note: StoredDocument) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("id", .id(note.id)), .init("active_flag", .bool(!note.isDeleted)),
            .init("add_time", .string(Instant.formerText(note.createdAt))),
            .init("update_time", .string(Instant.formerText(note.modifiedAt))),
            .init("content", note.document["content"] ?? ""), .init("lead_id", .null),
            .init("user_id", note.document["user_id"] ?? .null), .init("last_update_user_id", .null),
        ]
        for name in parents { members.append(.init(name, note.document[name] ?? .null)) }
        members += [.init("pinned_to_deal_flag", false), .init("pinned_to_person_flag", false)]
        return .object(members)
    }

    // MARK: Participants of deals

    func participants(of deal: Int64, _ request: SimulatorRequest) throws -> SimulatorResponse {
        let paging = try FormerPaging(request)
        return try store.read { session in
            try session.checkDeal(deal)
            let found = try session.documents(
                StoredObject.participants, where: .member("deal_id", .equals, .id(deal)), offset: paging.start,
                limit: paging.limit + 1)
            return paging.answer(found.map(Self.participant))
        }
    }

    func addParticipant(to deal: Int64, _ request: SimulatorRequest) throws -> SimulatorResponse {
        let body = try Self.body(request)
        return try store.write { session in
            try session.checkDeal(deal)
            guard let person = body["person_id"]?.int64,
                try session.document(Entity.person.rawValue, person)?.isDeleted == false
            else { throw PipedriveFailure(400, nil, "Person does not exist.") }
            guard let added = try session.addParticipant(person, to: deal, at: options.clock.now),
                let document = try session.document(StoredObject.participants, added)
            else { throw PipedriveFailure(400, nil, "Person is already a participant of the deal.") }
            return .data(Self.participant(document))
        }
    }

    func removeParticipant(_ id: Int64, from deal: Int64) throws -> SimulatorResponse {
        try store.write { session in
            try session.checkDeal(deal)
            guard let participant = try session.document(StoredObject.participants, id), !participant.isDeleted,
                participant.document["deal_id"]?.int64 == deal
            else { throw PipedriveFailure(404, nil, "Participant not found.") }
            try session.erase(StoredObject.participants, id)
            return .data(["id": .id(id)])
        }
    }

    private static func participant(_ document: StoredDocument) -> JSONValue {
        let person = document.document["person_id"] ?? .null
        return [
            "id": .id(document.id), "person_id": ["value": person, "name": ""], "person": ["id": person],
            "active_flag": true, "related_item_type": "deal",
            "related_item_id": document.document["deal_id"] ?? .null,
        ]
    }
}

extension DocumentSession {
    fileprivate func liveNote(_ id: Int64) throws -> StoredDocument {
        guard let note = try document(StoredObject.notes, id), !note.isDeleted else {
            throw PipedriveFailure(404, nil, "Note not found.")
        }
        return note
    }

    fileprivate func checkDeal(_ id: Int64) throws {
        guard let deal = try document(Entity.deal.rawValue, id), !deal.isDeleted else {
            throw PipedriveFailure(404, nil, "Deal not found.")
        }
    }

    /// - Returns: its id; `nil` if the person is a participant already.
    @discardableResult
    func addParticipant(_ person: Int64, to deal: Int64, at time: Timestamp) throws -> Int64? {
        let isThere = DocumentCondition.and([
            .member("deal_id", .equals, .id(deal)), .member("person_id", .equals, .id(person)),
        ])
        guard try count(StoredObject.participants, where: isThere) == 0 else { return nil }
        return try insert(
            StoredObject.participants, ["deal_id": .id(deal), "person_id": .id(person)], at: time)
    }
}
