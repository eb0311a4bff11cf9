// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Associations v4: reading and writing links between records.
extension HubSpotSimulator {
    static let linksReadInputsMax = 1000
    static let linksWriteInputsMax = 2000
    static let linksPageMax = 500

    /// `POST …/batch/read`: up to 1,000 records, up to 500 links of each with a cursor for the rest; 207 if records have
    /// none.
    func linksRead(
        _ from: ObjectType, _ to: ObjectType, isDated: Bool, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        let inputs = try HubSpotSimulator.body(request)["inputs"]?.elements ?? []
        guard inputs.count <= HubSpotSimulator.linksReadInputsMax else {
            throw .tooManyInputs(inputs.count, most: HubSpotSimulator.linksReadInputsMax)
        }
        var asked: [(id: String, after: Int)] = []
        for input in inputs {
            guard let id = input["id"]?.text else { throw .invalid("every input needs an id") }
            var after = 0
            if let cursor = input["after"]?.text { after = try HubSpotSimulator.cursorID(cursor) }
            asked.append((id, after))
        }
        let names = (from, to)
        var answer = BatchAnswer(started: options.clock.now)
        for (id, links) in zip(asked, try await links(from, asked.map(\.id), to)) {
            let rest = links.filter { $0.toID > id.after }
            guard !rest.isEmpty else {
                answer.fail(
                    HubSpotFailure(
                        404, "OBJECT_NOT_FOUND",
                        "No \(names.1.singular) is associated with \(names.0.singular) \(id.id).",
                        subCategory: "crm.associations.NO_ASSOCIATIONS_FOUND",
                        context: [
                            ("fromObjectId", [id.id]), ("fromObjectType", [names.0.singular]),
                            ("toObjectType", [names.1.singular]),
                        ]))
                continue
            }
            answer.add { writer in
                writer.beginObject()
                writer.key("from")
                HubSpotSimulator.writeID(id.id, to: &writer)
                writer.key("to")
                HubSpotSimulator.write(rest.prefix(HubSpotSimulator.linksPageMax), asText: isDated, to: &writer)
                if rest.count > HubSpotSimulator.linksPageMax {
                    writer.key("paging")
                    HubSpotSimulator.writeNext(
                        HubSpotSimulator.cursor(for: rest[HubSpotSimulator.linksPageMax - 1].toID), of: request,
                        to: &writer)
                }
                writer.endObject()
            }
        }
        return answer.response(completed: options.clock.now)
    }

    /// `GET /crm/v4/objects/{type}/{id}/associations/{to}`.
    func recordLinks(
        _ from: ObjectType, _ id: String, _ to: ObjectType, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        var limit = HubSpotSimulator.linksPageMax
        if request.query("limit") != nil { limit = try HubSpotSimulator.limit(request, most: limit) }
        let after = try HubSpotSimulator.cursor(request)
        let exists = try await overlay.read { session in
            try Int(id).flatMap { try session.record(from, id: $0) } != nil
        }
        guard exists else { throw .notFound(from, [id]) }
        let rest = try await links(from, [id], to)[0].filter { $0.toID > after }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("results")
        HubSpotSimulator.write(rest.prefix(limit), asText: false, to: &writer)
        if rest.count > limit {
            writer.key("paging")
            HubSpotSimulator.writeNext(HubSpotSimulator.cursor(for: rest[limit - 1].toID), of: request, to: &writer)
        }
        writer.endObject()
        return .json(writer.bytes)
    }

    func labels(_ from: ObjectType, _ to: ObjectType) -> SimulatorResponse {
        let types = overlay.definitions.links.all(from: from, to: to)
        let answer: JSONValue = ["results": .array(types.map(\.json))]
        return .json(answer.serialized())
    }

    /// `POST …/labels`, `{"name","label","inverseLabel"}`: makes a type for each direction. The most labels of a pair of
    /// objects, and what a name or label that is taken gets: not documented; the stricter reading.
    func labelCreate(
        _ from: ObjectType, _ to: ObjectType, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        let body = try HubSpotSimulator.body(request)
        guard let name = body["name"]?.text, let label = body["label"]?.text, !name.isEmpty, !label.isEmpty else {
            throw .invalid("Some required fields were not set: [name, label]")
        }
        let (inverse, most) = (body["inverseLabel"]?.text, options.labelsPerPairMax)
        let made = try await overlay.write { session in
            let known = session.definitions.links.all(from: from, to: to)
            guard !known.isEmpty, from != to else { throw HubSpotFailure.invalid("these objects cannot be associated") }
            guard !known.contains(where: { $0.label == label }),
                !session.definitions.links.hasName(name, from: from, to: to)
            else { throw HubSpotFailure.invalid("An association definition with this name or label already exists") }
            guard known.count(where: { $0.category == .user && $0.label != nil }) < most else {
                throw HubSpotFailure.invalid("The limit of \(most) association labels of these objects is reached")
            }
            let id = session.definitions.links.nextID
            try session.add(
                LinkTypeBook.Addition(
                    id: id, inverseID: id + 1, from: from, to: to, label: label, inverseLabel: inverse, name: name))
            return [
                LinkType(category: .user, id: id, label: label),
                LinkType(category: .user, id: id + 1, label: inverse ?? label),
            ]
        }
        let answer: JSONValue = ["results": .array(made.map(\.json))]
        return .json(answer.serialized())
    }

    func linksWrite(
        _ from: ObjectType, _ to: ObjectType, _ verb: Operation.LinkVerb, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        let inputs = try HubSpotSimulator.body(request)["inputs"]?.elements ?? []
        guard inputs.count <= HubSpotSimulator.linksWriteInputsMax else {
            throw .tooManyInputs(inputs.count, most: HubSpotSimulator.linksWriteInputsMax)
        }
        let (now, maps) = (options.clock.now, linkMaps)
        let answer = try await overlay.write { session in
            var answer = BatchAnswer(started: now)
            for input in inputs {
                let ends = input["to"].map { $0.elements.isEmpty ? [$0] : $0.elements } ?? []
                for end in ends {
                    let pair = LinkPair(from, input["from"]?["id"]?.text, to, end["id"]?.text)
                    do {
                        let asked = verb == .create || verb == .labelsArchive ? input["types"] : nil
                        let types = try session.undoing {
                            try session.change(pair, verb, asked: asked, maps)
                        }
                        answer.add { pair.write(types, verb, to: &$0) }
                    } catch let failure as HubSpotFailure where verb == .create || verb == .associateDefault {
                        answer.fail(failure, adding: [("fromObjectId", [pair.fromText])])
                    }
                }
            }
            return answer
        }
        switch verb {
        case .archive, .labelsArchive: return .empty()
        case .create: return answer.response(success: 201, completed: options.clock.now)
        case .associateDefault: return answer.response(completed: options.clock.now)
        }
    }

    /// `PUT …/associations/{to}/{id}` with types, or `…/associations/default/{to}/{id}` without.
    func linkPut(
        _ from: ObjectType, _ id: String, _ to: ObjectType, _ toID: String, isDefault: Bool, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        var asked: JSONValue?
        if !isDefault {
            do {
                asked = try JSONValue(parsing: request.body, limits: .page)
            } catch {
                throw .invalid("Invalid input JSON")
            }
        }
        let (pair, maps, types, now) = (LinkPair(from, id, to, toID), linkMaps, asked, options.clock.now)
        let verb: Operation.LinkVerb = isDefault ? .associateDefault : .create
        let set = try await overlay.write { try $0.change(pair, verb, asked: types, maps) }
        if isDefault {
            var answer = BatchAnswer(started: now)
            answer.add { pair.write(set, verb, to: &$0) }
            return answer.response(completed: now)
        }
        var writer = JSONWriter()
        pair.write(set, verb, to: &writer)
        return .json(writer.bytes, status: 201)
    }

    /// `DELETE …/associations/{to}/{id}`: takes away all types.
    func linkDelete(
        _ from: ObjectType, _ id: String, _ to: ObjectType, _ toID: String
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        let (pair, maps) = (LinkPair(from, id, to, toID), linkMaps)
        _ = try await overlay.write { try $0.change(pair, .archive, asked: nil, maps) }
        return .empty()
    }

    // MARK: Parts

    /// The links of each of the records, by rising target.
    private func links(
        _ from: ObjectType, _ ids: [String], _ to: ObjectType
    ) async throws(HubSpotFailure) -> [[LinkView]] {
        let maps = linkMaps
        guard overlay.hasLinks || overlay.hasRecords(of: from) || overlay.hasRecords(of: to) else {
            return ids.map { id in
                Int(id).map { LinkView.synthetic(crm, maps, from, id: $0, to) } ?? []
            }
        }
        return try await overlay.read { session in
            try ids.map { id in try Int(id).map { try session.links(from, id: $0, to, maps) } ?? [] }
        }
    }

    private static func write(_ links: ArraySlice<LinkView>, asText: Bool, to writer: inout JSONWriter) {
        writer.beginArray()
        for link in links {
            writer.beginObject()
            writer.key("toObjectId")
            if asText { writer.string(String(link.toID)) } else { writer.int(link.toID) }
            writer.key("associationTypes")
            writer.beginArray()
            for type in link.types {
                writer.beginObject()
                writer.key("category")
                writer.string(type.category.rawValue)
                writer.key("typeId")
                writer.int(type.id)
                writer.key("label")
                if let label = type.label { writer.string(label) } else { writer.null() }
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
    }

    static func writeID(_ id: String, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("id")
        writer.string(id)
        writer.endObject()
    }
}

extension LinkView {
    /// The links that the synthetic CRM has, from either end of the kind.
    static func synthetic(
        _ crm: SyntheticCRM, _ maps: [LinkKind: LinkMap], _ from: ObjectType, id: Int, _ to: ObjectType
    ) -> [LinkView] {
        guard let fromObject = from.synthetic, let toObject = to.synthetic else { return [] }
        let (kind, isReversed) = LinkType.kind(fromObject, toObject)
        guard let kind, let map = maps[kind], let index = crm.index(of: from, id: id) else { return [] }
        let links =
            isReversed
            ? map.sources(of: index).map { source in
                LinkView(
                    toID: crm.id(of: toObject, at: source.index), types: LinkType.of(source.link, from: from, to: to))
            }
            : map.links(from: index).map { LinkView(toID: $0.toID, types: LinkType.of($0, from: from, to: to)) }
        return links.sorted { $0.toID < $1.toID }
    }
}
