// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Merging two records into one.
extension HubSpotSimulator {
    /// `POST …/merge`, `{"primaryObjectId","objectIdToMerge"}`: a new record takes the place of both, with a new id, the
    /// values of the primary one or else of the other, all links of both, and their ids in `hs_merged_object_ids`.
    func merge(_ object: ObjectType, _ request: SimulatorRequest) async throws(HubSpotFailure) -> SimulatorResponse {
        let body = try HubSpotSimulator.body(request)
        guard let primary = body["primaryObjectId"]?.text, let other = body["objectIdToMerge"]?.text else {
            throw .invalid("primaryObjectId and objectIdToMerge must be set")
        }
        guard primary != other else { throw .invalid("An object cannot be merged into itself") }
        let (rules, now, maps) = (rules(object), options.clock.now, linkMaps)
        let record = try await overlay.write { try $0.merge(primary, other, rules, now, maps) }
        var writer = JSONWriter()
        record.write(selection(object, []), to: &writer)
        return .json(writer.bytes)
    }
}

extension OverlaySession {
    fileprivate func merge(
        _ primary: String, _ other: String, _ rules: WriteRules, _ now: Timestamp, _ maps: [LinkKind: LinkMap]
    ) throws -> RecordView {
        let object = rules.object
        let parts = try [primary, other].map { id in
            guard let number = Int(id), let found = try record(object, id: number), !found.isArchived else {
                throw HubSpotFailure.notFound(object, [id])
            }
            return found.editable
        }
        var merged = StoredRecord(
            id: try nextID(object), values: parts[1].values, createdAt: parts.map(\.createdAt).min() ?? now,
            updatedAt: now)
        for (name, value) in parts[0].values where !value.isEmpty { merged.values[name] = value }
        let former = parts.flatMap { part in
            [String(part.id)] + (part.values[PropertyDefinition.mergedIDs] ?? "").split(separator: ";").map(String.init)
        }
        merged.values[PropertyDefinition.mergedIDs] = former.joined(separator: ";")
        merged.values["hs_object_id"] = String(merged.id)
        merged.values[object.modifiedProperty] = DateText.instant(now)
        let links = try definitions.types.flatMap { to in
            try parts.flatMap { part in try self.links(object, id: part.id, to, maps).map { (to, $0) } }
        }
        for part in parts { try archive(object, part.id, now) }
        try save(object, merged, unique: rules.unique)
        for (to, link) in links where to != object || !parts.contains(where: { $0.id == link.toID }) {
            // Links that lead nowhere are not taken over.
            guard let end = try self.record(to, id: link.toID), !end.isArchived else { continue }
            let types = JSONValue.array(
                link.types.map { type in
                    [
                        "associationCategory": .string(type.category.rawValue),
                        "associationTypeId": .number(String(type.id)),
                    ]
                })
            _ = try change(LinkPair(object, String(merged.id), to, String(link.toID)), .create, asked: types, maps)
        }
        return RecordView(object, merged)
    }
}
