// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
import MigratezSyntheticCRM

/// Two records that are linked, or are to be.
struct LinkPair: Sendable {
    var from: CRMObject
    var fromText: String
    var to: CRMObject
    var toText: String

    init(_ from: CRMObject, _ fromID: String?, _ to: CRMObject, _ toID: String?) {
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
                "fromObjectTypeId": .string(CRMObjectName(from).typeID), "fromObjectId": .string(fromText),
                "toObjectTypeId": .string(CRMObjectName(to).typeID), "toObjectId": .string(toText),
                "labels": .array(types.compactMap { $0.label.map { .string($0) } }),
            ]
        answer.write(to: &writer)
    }
}

extension OverlaySession {
    /// The links of a record to records of one object, by rising target; those to and from archived records are gone.
    func links(_ from: CRMObject, id: Int, _ to: CRMObject, _ maps: [LinkKind: LinkMap]) throws -> [LinkView] {
        if let stored = try stored(from, id: id), stored.archivedAt != nil { return [] }
        var links: [Int: [LinkType]] = [:]
        for link in LinkView.synthetic(crm, maps, from, id: id, to) { links[link.toID] = link.types }
        let rows = try Row.fetchAll(
            database, sql: "SELECT toId, types FROM linkPair WHERE fromObject = ? AND fromId = ? AND toObject = ?",
            arguments: [from.rawValue, id, to.rawValue])
        for row in rows { links[row["toId"]] = LinkType.stored(row["types"], from: from, to: to) }
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
        let known = LinkType.all(from: pair.from, to: pair.to)
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
                    throw HubSpotFailure.notFound(CRMObjectName(object), [String(id)])
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
        let inverse = types.compactMap { LinkType.inverse($0, from: pair.from, to: pair.to) }
        try set(pair.from, fromID, pair.to, toID, types)
        try set(pair.to, toID, pair.from, fromID, inverse)
        return types
    }

    /// Links that come with a new record: `[{"to":{"id"},"types":[…]}]`; the types tell the object.
    func link(_ object: CRMObject, _ id: Int, _ associations: [JSONValue]) throws {
        for association in associations {
            let types = association["types"]
            let first = types?[0]?["associationTypeId"]?.int
            let target = CRMObject.allButFiles.first { LinkType.all(from: object, to: $0).contains { $0.id == first } }
            guard let target else { throw HubSpotFailure.invalid("unknown association type") }
            let pair = LinkPair(object, String(id), target, association["to"]?["id"]?.text)
            _ = try change(pair, .create, asked: types, [:])
        }
    }

    private func current(
        _ from: CRMObject, _ fromID: Int, _ to: CRMObject, _ toID: Int, _ maps: [LinkKind: LinkMap]
    ) throws -> [LinkType] {
        try links(from, id: fromID, to, maps).first { $0.toID == toID }?.types ?? []
    }

    /// Links two records that are there, without a label.
    func attach(_ from: CRMObject, _ fromID: Int, _ to: CRMObject, _ toID: Int) throws {
        try set(from, fromID, to, toID, Array(LinkType.all(from: from, to: to).prefix(1)))
        try set(to, toID, from, fromID, Array(LinkType.all(from: to, to: from).prefix(1)))
    }

    private func set(_ from: CRMObject, _ fromID: Int, _ to: CRMObject, _ toID: Int, _ types: [LinkType]) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO linkPair (fromObject, fromId, toObject, toId, types) VALUES (?,?,?,?,?)",
            arguments: [from.rawValue, fromID, to.rawValue, toID, types.map { String($0.id) }.joined(separator: ",")])
        changes.links = true
    }
}

extension LinkType {
    fileprivate static func stored(_ text: String, from: CRMObject, to: CRMObject) -> [LinkType] {
        let ids = Set(text.split(separator: ",").compactMap { Int($0) })
        return all(from: from, to: to).filter { ids.contains($0.id) }
    }
}
