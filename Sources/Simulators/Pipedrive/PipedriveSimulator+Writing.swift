// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Creating, changing and deleting records by version 2: one request each.
extension PipedriveSimulator {
    func create(_ entity: Entity, _ request: SimulatorRequest) throws -> SimulatorResponse {
        let body = try Self.body(request)
        let now = options.clock.now
        return try store.write { session in
            let custom = try session.customFields(of: entity)
            var check = BodyCheck(entity, custom: custom, isCreation: true)
            try check.check(body)
            var document = defaults(of: entity)
            for member in body.members where !["custom_fields", "add_time"].contains(member.key) {
                document = document.setting(member.key, member.value)
            }
            document = document.setting("custom_fields", .object(Self.set(body["custom_fields"])))
            document = try completed(document, entity, named: body, session)
            let added = body["add_time"]?.text.flatMap(Instant.parsed) ?? now
            let id = try session.insert(entity.rawValue, document, at: added)
            if added != now { try session.replace(entity.rawValue, id, with: document, at: now) }
            try noteParticipant(of: entity, id, document, session)
            return try shown(entity, id, custom, request, session)
        }
    }

    /// A parameter that is absent stays; a custom field is cleared by `null`.
    func update(_ entity: Entity, _ id: Int64, _ request: SimulatorRequest) throws -> SimulatorResponse {
        let body = try Self.body(request)
        return try store.write { session in
            guard let record = try session.document(entity.rawValue, id), !record.isDeleted else {
                throw PipedriveFailure.notFound(entity.label)
            }
            let custom = try session.customFields(of: entity)
            var check = BodyCheck(entity, custom: custom, isCreation: false)
            try check.check(body)
            var document = record.document
            if entity == .deal, document["is_archived"]?.bool == true, body["is_archived"]?.bool != false {
                throw PipedriveFailure(403, nil, "Archived deals are read-only")
            }
            for member in body.members where member.key != "custom_fields" {
                document = document.setting(member.key, member.value)
            }
            var values = document["custom_fields"]?.members ?? []
            for member in body["custom_fields"]?.members ?? [] {
                values.removeAll { $0.key == member.key }
                if member.value != .null { values.append(member) }
            }
            document = document.setting("custom_fields", .object(values))
            document = try completed(document, entity, named: body, session)
            try session.replace(entity.rawValue, id, with: document, at: options.clock.now)
            try noteParticipant(of: entity, id, document, session)
            return try shown(entity, id, custom, request, session)
        }
    }

    func delete(_ entity: Entity, _ id: Int64) throws -> SimulatorResponse {
        try store.write { session in
            guard let record = try session.document(entity.rawValue, id), !record.isDeleted else {
                throw PipedriveFailure.notFound(entity.label)
            }
            try session.delete(entity.rawValue, id, at: options.clock.now)
            return .data(["id": .id(id)])
        }
    }

    static func body(_ request: SimulatorRequest) throws(PipedriveFailure) -> JSONValue {
        guard let body = try? JSONValue(parsing: request.body) else {
            throw PipedriveFailure(400, nil, "Bad request: the body is not valid JSON")
        }
        return body
    }

    private static func set(_ values: JSONValue?) -> [JSONValue.Member] {
        (values?.members ?? []).filter { $0.value != .null }
    }

    private func shown(
        _ entity: Entity, _ id: Int64, _ custom: [FieldDefinition], _ request: SimulatorRequest,
        _ session: DocumentSession
    ) throws -> SimulatorResponse {
        guard let record = try session.document(entity.rawValue, id) else {
            throw PipedriveFailure.notFound(entity.label)
        }
        return .data(try RecordView(entity, custom: custom, request).json(record, session))
    }

    private func defaults(of entity: Entity) -> JSONValue {
        let common: [JSONValue.Member] = [.init("owner_id", .id(User.ownID))]
        switch entity {
        case .person:
            return .object(
                common + [.init("emails", []), .init("phones", []), .init("label_ids", []), .init("visible_to", 3)])
        case .organization: return .object(common + [.init("label_ids", []), .init("visible_to", 3)])
        case .deal:
            return .object(
                common + [
                    .init("value", 0), .init("currency", "USD"), .init("status", "open"), .init("label_ids", []),
                    .init("is_archived", false), .init("visible_to", 3),
                ])
        case .product:
            return .object(
                common + [
                    .init("tax", 0), .init("prices", []), .init("is_linkable", true), .init("visible_to", 3),
                ])
        case .activity:
            return .object(
                common + [
                    .init("type", "task"), .init("subject", "Task"), .init("done", false), .init("busy", false),
                    .init("participants", []),
                ])
        }
    }

    // MARK: Other records

    /// The document with what follows from the parameters.
    ///
    /// - Throws: if a record, a person or a stage that they name does not exist.
    private func completed(
        _ document: JSONValue, _ entity: Entity, named body: JSONValue, _ session: DocumentSession
    ) throws -> JSONValue {
        var problems: [(name: String, reason: String)] = []
        for (name, other) in [("org_id", Entity.organization), ("person_id", .person), ("deal_id", .deal)] {
            guard let id = body[name]?.int64, try session.document(other.rawValue, id)?.isDeleted != false else {
                continue
            }
            problems.append((name, "\(other.label) \(id) not found"))
        }
        for participant in body["participants"]?.elements ?? [] {
            guard let id = participant["person_id"]?.int64,
                try session.document(Entity.person.rawValue, id)?.isDeleted != false
            else { continue }
            problems.append(("participants", "Person \(id) not found"))
        }
        if let owner = body["owner_id"]?.int64 {
            let user = users.first { $0.id == owner }
            if user == nil { problems.append(("owner_id", "User \(owner) not found")) }
            if user?.isActive == false, !options.permitsInactiveOwners {
                problems.append(("owner_id", "User \(owner) is not active"))
            }
        }
        var document = document
        if entity == .deal { document = staged(document, named: body, &problems) }
        if entity == .activity {
            let all = document["participants"]?.elements ?? []
            let primary = all.first { $0["primary"]?.bool == true } ?? all.first
            document = document.setting("person_id", primary?["person_id"] ?? .null)
        }
        guard problems.isEmpty else { throw PipedriveFailure.invalid(problems) }
        return document
    }

    /// A stage says which pipeline; a pipeline alone means its first stage.
    private func staged(
        _ document: JSONValue, named body: JSONValue, _ problems: inout [(name: String, reason: String)]
    ) -> JSONValue {
        let pipelineID = body["pipeline_id"]?.int
        let stage =
            body["stage_id"]?.int.map { id in Pipelines.stages.first { $0.id == id } }
            ?? pipelineID.map { id in Pipelines.stages.first { $0.pipelineID == id } }
            ?? Pipelines.stages.first { $0.id == document["stage_id"]?.int ?? 1 }
        guard let stage else {
            problems.append((body["stage_id"] == nil ? "pipeline_id" : "stage_id", "not found"))
            return document
        }
        if let pipelineID, pipelineID != stage.pipelineID {
            problems.append(("stage_id", "Stage \(stage.id) is not of pipeline \(pipelineID)"))
        }
        return document.setting("stage_id", .number(String(stage.id)))
            .setting("pipeline_id", .number(String(stage.pipelineID)))
    }

    /// The contact person of a deal is one of its participants.
    private func noteParticipant(
        of entity: Entity, _ id: Int64, _ document: JSONValue, _ session: DocumentSession
    ) throws {
        guard entity == .deal, let person = document["person_id"]?.int64 else { return }
        try session.addParticipant(person, to: id, at: options.clock.now)
    }
}
