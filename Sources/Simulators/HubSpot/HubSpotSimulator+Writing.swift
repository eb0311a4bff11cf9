// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Creating, changing and archiving records, one by one and in batches.
extension HubSpotSimulator {
    static let batchInputsMax = 100

    func rules(_ object: ObjectType) -> WriteRules {
        var required = object.isActivity ? ["hs_timestamp"] : []
        if case .custom(let number) = object {
            required = overlay.definitions.customObjects[number]?.requiredProperties ?? []
        }
        return WriteRules(object, definitions(of: object), required: required)
    }

    func create(_ object: ObjectType, _ request: SimulatorRequest) async throws(HubSpotFailure) -> SimulatorResponse {
        let input = RecordInput(try HubSpotSimulator.body(request))
        let (rules, now) = (rules(object), options.clock.now)
        let record = try await overlay.write { try $0.create(input, rules, now) }
        return answer(record, input, status: 201)
    }

    func update(
        _ object: ObjectType, _ id: String, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        var input = RecordInput(try HubSpotSimulator.body(request))
        input.id = id
        input.idProperty = try recordKey(object, request.query("idProperty"))
        let (rules, now, sent) = (rules(object), options.clock.now, input)
        let record = try await overlay.write { try $0.update(sent, rules, now) }
        return answer(record, input, status: 200)
    }

    /// Ids that are not there are passed over in silence.
    func archive(_ object: ObjectType, _ ids: [String]) async throws(HubSpotFailure) -> SimulatorResponse {
        let now = options.clock.now
        try await overlay.write { session in
            for id in ids.compactMap(Int.init) { try session.archive(object, id, now) }
        }
        return .empty()
    }

    /// A batch of up to 100. A create or upsert whose inputs have no unique `objectWriteTraceId` each is done as a
    /// whole or refused as a whole; with them, and for updates in any case, rows fail one by one (207).
    func batchWrite(
        _ object: ObjectType, _ verb: Operation.BatchVerb, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        let inputs = (try HubSpotSimulator.body(request)["inputs"]?.elements ?? []).map(RecordInput.init)
        guard !inputs.isEmpty else { throw .invalid("inputs must not be empty") }
        guard inputs.count <= HubSpotSimulator.batchInputsMax else {
            throw .tooManyInputs(inputs.count, most: HubSpotSimulator.batchInputsMax)
        }
        if verb == .archive { return try await archive(object, inputs.compactMap(\.id)) }
        try refuseRepeats(inputs, object, verb)
        for input in inputs where verb != .create {
            guard let property = try recordKey(object, input.idProperty) else {
                guard verb == .update else { throw .invalid("idProperty must be set for an upsert") }
                continue
            }
            guard property == inputs[0].idProperty else { throw .invalid("all inputs must have the same idProperty") }
        }
        let (rules, now) = (rules(object), options.clock.now)
        let names = selection(object, [])
        let isPartial = verb == .update || HubSpotSimulator.haveTraceIDs(inputs)
        let answer = try await overlay.write { session in
            var answer = BatchAnswer(started: now)
            for input in inputs {
                do {
                    let (record, isNew) = try session.undoing { try session.apply(verb, input, rules, now) }
                    let names = HubSpotSimulator.shown(names, input)
                    answer.add { writer in
                        record.write(names, to: &writer) { writer in
                            if verb == .upsert {
                                writer.key("new")
                                writer.bool(isNew)
                            }
                            HubSpotSimulator.writeTrace(input, to: &writer)
                        }
                    }
                } catch let failure as HubSpotFailure where isPartial {
                    let context = input.traceID.map { [(key: "objectWriteTraceId", values: [$0])] }
                    answer.fail(failure, adding: context ?? [("id", [input.id ?? ""])])
                }
            }
            return answer
        }
        return answer.response(success: verb == .create ? 201 : 200, completed: options.clock.now)
    }

    /// The same record twice in one batch refuses the whole batch.
    private func refuseRepeats(
        _ inputs: [RecordInput], _ object: ObjectType, _ verb: Operation.BatchVerb
    ) throws(HubSpotFailure) {
        var seen: Set<String> = []
        for input in inputs {
            let key = verb == .create ? input.properties?["email"]?.text?.lowercased() : input.id?.lowercased()
            guard let key, !key.isEmpty else { continue }
            guard seen.insert(key).inserted else {
                throw .invalid("Duplicate IDs or emails found in batch input. (\(object.upper))")
            }
        }
    }

    private static func haveTraceIDs(_ inputs: [RecordInput]) -> Bool {
        let ids = inputs.compactMap(\.traceID).filter { !$0.isEmpty }
        return ids.count == inputs.count && Set(ids).count == ids.count
    }

    private func answer(_ record: RecordView, _ input: RecordInput, status: Int) -> SimulatorResponse {
        var writer = JSONWriter()
        record.write(HubSpotSimulator.shown(selection(record.object, []), input), to: &writer) {
            HubSpotSimulator.writeTrace(input, to: &$0)
        }
        return .json(writer.bytes, status: status)
    }

    /// An answer to a write shows what was written besides the default properties.
    private static func shown(_ names: [String], _ input: RecordInput) -> [String] {
        Set(names).union(input.properties?.members.map(\.key) ?? []).sorted()
    }

    private static func writeTrace(_ input: RecordInput, to writer: inout JSONWriter) {
        guard let trace = input.traceID else { return }
        writer.key("objectWriteTraceId")
        writer.string(trace)
    }
}

/// One record as a client sends it.
struct RecordInput: Sendable {
    var id: String?
    var idProperty: String?
    var properties: JSONValue?
    var traceID: String?
    var associations: [JSONValue]

    init(_ body: JSONValue) {
        id = body["id"]?.text
        idProperty = body["idProperty"]?.text
        properties = body["properties"]
        traceID = body["objectWriteTraceId"]?.text
        associations = body["associations"]?.elements ?? []
    }
}

extension OverlaySession {
    func apply(
        _ verb: Operation.BatchVerb, _ input: RecordInput, _ rules: WriteRules, _ now: Timestamp
    ) throws -> (RecordView, isNew: Bool) {
        switch verb {
        case .create: return (try create(input, rules, now), true)
        case .update: return (try update(input, rules, now), false)
        case .upsert:
            guard let property = input.idProperty, let key = input.id else {
                throw HubSpotFailure.invalid("id and idProperty must be set")
            }
            if try find(rules.object, property, key) != nil { return (try update(input, rules, now), false) }
            var new = input
            var members = input.properties?.members ?? []
            members.removeAll { $0.key == property }
            members.append(.init(property, .string(key)))
            new.properties = .object(members)
            return (try create(new, rules, now), true)
        case .archive:
            throw HubSpotFailure.invalid("archiving has no results")
        }
    }

    func create(_ input: RecordInput, _ rules: WriteRules, _ now: Timestamp) throws -> RecordView {
        let name = rules.object
        let values = try rules.checked(input.properties)
        let unset = rules.required.filter { name in !values.contains { $0.name == name && $0.value != nil } }
        guard unset.isEmpty else {
            throw HubSpotFailure.invalid(
                "Error creating \(name.upper). Some required properties were not set: [\(unset.joined(separator: ", "))]"
            )
        }
        var record = StoredRecord(id: try nextID(rules.object), values: [:], createdAt: now, updatedAt: now)
        record.values["hs_object_id"] = String(record.id)
        record.values[name.createdProperty] = DateText.instant(now)
        for (key, value) in values { record.values[key] = value }
        try store(&record, rules, now, changed: Set(values.map(\.name)))
        try link(rules.object, record.id, input.associations)
        return RecordView(rules.object, record)
    }

    func update(_ input: RecordInput, _ rules: WriteRules, _ now: Timestamp) throws -> RecordView {
        let id = input.id ?? ""
        guard let found = try find(rules.object, input.idProperty, id), !found.isArchived else {
            throw HubSpotFailure.notFound(rules.object, [id])
        }
        var record = found.editable
        let values = try rules.checked(input.properties)
        for (key, value) in values { record.values[key] = value }
        try store(&record, rules, now, changed: Set(values.map(\.name)))
        return RecordView(rules.object, record)
    }

    func archive(_ object: ObjectType, _ id: Int, _ now: Timestamp) throws {
        guard let found = try record(object, id: id), !found.isArchived else { return }
        var record = found.editable
        record.archivedAt = now
        try save(object, record, unique: [])
    }

    /// Duplicates that were there before somebody looked stay; only a value that is set has to be unique.
    private func store(
        _ record: inout StoredRecord, _ rules: WriteRules, _ now: Timestamp, changed: Set<String>
    ) throws {
        record.updatedAt = now
        if changed.contains("hs_email_headers") { record.fillFromHeaders() }
        record.values[rules.object.modifiedProperty] = DateText.instant(now)
        for property in rules.unique where changed.contains(property) {
            guard let value = record.values[property], !value.isEmpty,
                let other = try id(rules.object, unique: property, value: value), other != record.id
            else { continue }
            guard property != "email" else {
                throw HubSpotFailure(409, "CONFLICT", "Contact already exists. Existing ID: \(other)")
            }
            throw HubSpotFailure.invalid("A record with this value of \(property) already exists: \(other)")
        }
        try save(rules.object, record, unique: rules.unique)
    }
}
