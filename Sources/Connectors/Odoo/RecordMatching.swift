// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Finds records that people made by the values of their fields, without regard to the case of texts.
struct RecordMatching: Sendable {
    let client: OdooClient
    let catalog: OdooCatalog
    let keys: ExternalIDs

    /// Records without our key whose fields equal one of the tuples. A tuple with an empty value matches nothing.
    func find(
        _ object: OdooObject, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        let known = try await catalog.fieldsByName(of: object.model)
        for name in fields where known[name] == nil {
            throw MigratezError(
                .requestRefused, "\(object.name) has no field of that name to match by", remedy: .fixConfiguration,
                hint: "check against_target")
        }
        let tuples = values.filter { !$0.contains("") }
        var ids: Set<String> = []
        var rest = tuples[...]
        while !rest.isEmpty {
            let group = rest.prefix(Self.tuplesMax)
            rest = rest.dropFirst(group.count)
            let terms = group.compactMap { Self.terms(fields, $0, known) }
            guard !terms.isEmpty else { continue }
            let domain = object.domain + Array(repeating: "|", count: terms.count - 1) + terms.flatMap(\.self)
            ids.formUnion(
                try await catalog.records(of: object.model, domain, fields: ["id"]).compactMap { $0["id"]?.text })
        }
        let ours = try await keys.keys(ofRecords: ids.sorted(), model: object.model)
        return try await RecordReading(client: client, catalog: catalog, keys: keys)
            .read(object, ids: ids.filter { ours[$0] == nil }.sorted(), fields: returning)
    }

    /// One tuple as terms of a domain, joined by "and"; `nil` if no record can match it.
    private static func terms(
        _ fields: [String], _ values: [String], _ known: [String: OdooField]
    ) -> [JSONValue]? {
        var terms: [JSONValue] = Array(repeating: "&", count: fields.count - 1)
        for (name, value) in zip(fields, values) {
            switch known[name]?.type {
            case "char", "text", "html":
                terms.append([.string(name), "=ilike", .string(LikePattern.escaped(value))])
            case "integer", "float", "monetary", "many2one":
                guard Double(value)?.isFinite == true else { return nil }
                terms.append([.string(name), "=", .number(value)])
            case "boolean": terms.append([.string(name), "=", .bool(value == "true")])
            case "datetime":
                guard let text = OdooTime.text(value) else { return nil }
                terms.append([.string(name), "=", .string(text)])
            default: terms.append([.string(name), "=", .string(value)])
            }
        }
        return terms
    }

    /// Tuples of one search: each may cost a pass over the table.
    static let tuplesMax = 50
}

/// Reads records back: by id, or some of them.
struct RecordReading: Sendable {
    let client: OdooClient
    let catalog: OdooCatalog
    let keys: ExternalIDs

    func read(_ object: OdooObject, ids: [String], fields: [String]) async throws -> [ReadBack] {
        let records = try await catalog.records(of: object.model, ids: ids, fields: Self.names(fields))
        let found = records.compactMap { $0["id"]?.text }
        let keys = try await keys.keys(ofRecords: found, model: object.model)
        var form = RecordForm(try await catalog.fieldsByName(of: object.model))
        return records.compactMap { record in
            guard let id = record["id"]?.text else { return nil }
            var writer = JSONWriter()
            let wanted = JSONValue.object(record.members.filter { fields.contains($0.key) }).serialized()
            wanted.withUnsafeBufferPointer { form.append($0, to: &writer) }
            return ReadBack(id: id, key: keys[id], fields: writer.bytes)
        }
    }

    func someIDs(of object: OdooObject, count: Int) async throws -> [String] {
        try await client.value(
            OdooClient.Call(
                object.model, "search",
                [
                    .init("domain", .array(object.domain)), .init("limit", .number(String(count))),
                    .init("order", "id asc"),
                ])
        ).elements.compactMap(\.text)
    }

    private static func names(_ fields: [String]) -> [String] { fields.isEmpty ? ["id"] : fields }
}
