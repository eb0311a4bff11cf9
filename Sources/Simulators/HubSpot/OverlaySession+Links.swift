// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
import MigratezSyntheticCRM

/// Two records that are linked, or are to be.
struct LinkPair: Sendable {
    var from: ObjectType
    var fromText: String
    var to: ObjectType
    var toText: String

    init(_ from: ObjectType, _ fromID: String?, _ to: ObjectType, _ toID: String?) {
        self.from = from
        fromText = fromID ?? ""
        self.to = to
        toText = toID ?? ""
    }

    var reversed: LinkPair { LinkPair(to, toText, from, fromText) }

    /// As the answers to writes show it.
    func write(_ types: [LinkType], _ verb: Operation.LinkVerb, to writer: inout JSONWriter) {
        let answer: JSONValue =
            verb == .associateDefault
            ? [
                "from": ["id": .string(fromText)], "to": ["id": .string(toText)],
                "associationSpec": [
                    "associationCategory": .string(LinkType.Category.hubSpot.rawValue),
                    "associationTypeId": .number(String(types.first?.id ?? 0)),
                ],
            ]
            : [
                "fromObjectTypeId": .string(from.typeID), "fromObjectId": .string(fromText),
                "toObjectTypeId": .string(to.typeID), "toObjectId": .string(toText),
                "labels": .array(types.compactMap { $0.label.map { .string($0) } }),
            ]
        answer.write(to: &writer)
    }
}

extension OverlaySession {
    /// The links of a record to records of one object, by rising target; those to and from archived records are gone.
    func links(_ from: ObjectType, id: Int, _ to: ObjectType, _ maps: [LinkKind: LinkMap]) throws -> [LinkView] {
        if let stored = try stored(from, id: id), stored.archivedAt != nil { return [] }
        var links: [Int: [LinkType]] = [:]
        for link in LinkView.synthetic(crm, maps, from, id: id, to) { links[link.toID] = link.types }
        let rows = try Row.fetchAll(
            database, sql: "SELECT toId, types FROM linkPair WHERE fromObject = ? AND fromId = ? AND toObject = ?",
            arguments: [from.number, id, to.number])
        for row in rows { links[row["toId"]] = stored(row["types"], from: from, to: to) }
        return try links.filter { target, types in
            try !types.isEmpty && stored(to, id: target)?.archivedAt == nil
        }.sorted { $0.key < $1.key }.map { LinkView(toID: $0.key, types: $0.value) }
    }

    /// Carries out one write on a pair, from both ends.
    ///
    /// - Parameter asked: `[{"associationCategory","associationTypeId"}]`; sent labels replace the ones that were there,
    ///   and taking away the unlabelled type takes away all.
    /// - Returns: the types that the pair has now.
    func change(
        _ pair: LinkPair, _ verb: Operation.LinkVerb, asked: JSONValue?, _ maps: [LinkKind: LinkMap]
    ) throws -> [LinkType] {
        let known = definitions.links.all(from: pair.from, to: pair.to)
        guard let plain = known.first else { throw HubSpotFailure.invalid("these objects cannot be associated") }
        guard let fromID = Int(pair.fromText), let toID = Int(pair.toText) else {
            throw HubSpotFailure.invalid("ids must be numbers")
        }
        let sent = try (asked?.elements ?? []).map { item throws(HubSpotFailure) in
            guard let type = known.first(where: { $0.id == item["associationTypeId"]?.int }),
                item["associationCategory"]?.text == type.category.rawValue
            else { throw .invalid("One or more associations are not valid: unknown association type") }
            return type
        }
        var types: [LinkType]
        switch verb {
        case .create, .associateDefault:
            for (object, id) in [(pair.from, fromID), (pair.to, toID)] {
                guard let record = try record(object, id: id), !record.isArchived else {
                    throw HubSpotFailure.notFound(object, [String(id)])
                }
            }
            guard verb == .associateDefault || !sent.isEmpty else {
                throw HubSpotFailure.invalid("types must not be empty")
            }
            let now = try current(pair.from, fromID, pair.to, toID, maps)
            types = verb == .create ? [plain] + sent.filter { $0 != plain } : now.isEmpty ? [plain] : now
        case .archive: types = []
        case .labelsArchive:
            types = try current(pair.from, fromID, pair.to, toID, maps).filter { !sent.contains($0) }
            if sent.contains(plain) { types = [] }
        }
        let inverse = types.compactMap { definitions.links.inverse($0, from: pair.from, to: pair.to) }
        try set(pair.from, fromID, pair.to, toID, types)
        try set(pair.to, toID, pair.from, fromID, inverse)
        return types
    }

    /// Links that come with a new record: `[{"to":{"id"},"types":[…]}]`; the types tell the object.
    func link(_ object: ObjectType, _ id: Int, _ associations: [JSONValue]) throws {
        for association in associations {
            let types = association["types"]
            let first = types?[0]?["associationTypeId"]?.int
            let target = definitions.types.first { type in
                definitions.links.all(from: object, to: type).contains { $0.id == first }
            }
            guard let target else { throw HubSpotFailure.invalid("unknown association type") }
            let pair = LinkPair(object, String(id), target, association["to"]?["id"]?.text)
            _ = try change(pair, .create, asked: types, [:])
        }
    }

    private func current(
        _ from: ObjectType, _ fromID: Int, _ to: ObjectType, _ toID: Int, _ maps: [LinkKind: LinkMap]
    ) throws -> [LinkType] {
        try links(from, id: fromID, to, maps).first { $0.toID == toID }?.types ?? []
    }

    /// Links two records that are there, without a label unless types are given.
    func attach(
        _ from: ObjectType, _ fromID: Int, _ to: ObjectType, _ toID: Int, _ asked: [LinkType]? = nil
    ) throws {
        let types = asked ?? Array(definitions.links.all(from: from, to: to).prefix(1))
        try set(from, fromID, to, toID, types)
        try set(to, toID, from, fromID, types.compactMap { definitions.links.inverse($0, from: from, to: to) })
    }

    private func set(_ from: ObjectType, _ fromID: Int, _ to: ObjectType, _ toID: Int, _ types: [LinkType]) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO linkPair (fromObject, fromId, toObject, toId, types) VALUES (?,?,?,?,?)",
            arguments: [from.number, fromID, to.number, toID, types.map { String($0.id) }.joined(separator: ",")])
        changes.links = true
    }

    private func stored(_ text: String, from: ObjectType, to: ObjectType) -> [LinkType] {
        let ids = Set(text.split(separator: ",").compactMap { Int($0) })
        return definitions.links.all(from: from, to: to).filter { ids.contains($0.id) }
    }

    /// Adds types of links, one for each direction.
    func add(_ new: LinkTypeBook.Addition) throws {
        try database.execute(
            sql: """
                INSERT INTO linkType (id, inverseId, fromObject, toObject, label, inverseLabel, name)
                VALUES (?,?,?,?,?,?,?)
                """,
            arguments: [
                new.id, new.inverseID, new.from.number, new.to.number, new.label, new.inverseLabel, new.name,
            ])
        definitions.links.add(new)
    }
}
