// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Reads records back: by our key, by id, by values, and how many there are. By COQL, which asks the records themselves,
/// never by the search, whose index lags behind.
struct RecordReader: Sendable {
    let client: ZohoClient
    let catalog: ZohoCatalog
    let keyField: String

    /// The ids of records that carry one of the keys, by key.
    func ids(ofKeys keys: [String], in module: String) async throws -> [String: String] {
        guard ZohoModule.holdsKey(module), try await catalog.schema(of: module).field(keyField) != nil else {
            return [:]
        }
        var ids: [String: String] = [:]
        for group in COQL.groups(keys) {
            let query =
                "select id,\(keyField) from \(module) where \(keyField) in \(COQL.list(group)) limit \(COQL.valuesMax)"
            for record in try await client.records(query) {
                if let id = record[ZohoModule.id]?.text, let key = record[keyField]?.text { ids[key] = id }
            }
        }
        return ids
    }

    /// The ids of records that were made at that time or later.
    ///
    /// - Parameter time: as Zoho writes it.
    func ids(of module: String, madeSince time: String) async throws -> Set<String> {
        var ids: Set<String> = []
        var last: String?
        repeat {
            let since = "\(ZohoModule.createdTime) >= \(COQL.literal(time))"
            let behind = last.map { ["id > \(COQL.literal($0))"] } ?? []
            let records = try await client.records(
                "select id from \(module) where \(COQL.joined([since] + behind, by: "and")) order by id asc "
                    + "limit \(COQL.recordsMax)")
            let found = records.compactMap { $0[ZohoModule.id]?.text }
            ids.formUnion(found)
            last = found.count == COQL.recordsMax ? found.last : nil
        } while last != nil
        return ids
    }

    /// Records by id; what is no id cannot be there.
    func read(_ ids: [String], of module: String, fields: [String]) async throws -> [ReadBack] {
        let schema = try await catalog.schema(of: module)
        let hasKey = schema.field(keyField) != nil
        let wanted = fields.filter { $0 != ZohoModule.id } + (hasKey && !fields.contains(keyField) ? [keyField] : [])
        let ids = ids.filter(ZohoID.isID)
        let page =
            try await ZohoModule.isQueryable(module)
            ? QueryPages(client, schema, fields: wanted).records(ids)
            : ListPages(client, schema, fields: wanted).records(ids)
        return readBacks(page, fields)
    }

    /// Some records, whoever made them.
    func sample(_ count: Int, of module: String, fields: [String]) async throws -> [ReadBack] {
        let schema = try await catalog.schema(of: module)
        let hasKey = schema.field(keyField) != nil
        let wanted = fields.filter { $0 != ZohoModule.id } + (hasKey && !fields.contains(keyField) ? [keyField] : [])
        var found: [ReadBack] = []
        var place: ZohoPlace?
        repeat {
            let page: Page
            if ZohoModule.isQueryable(module) {
                var last: String?
                if case .query(let id)? = place { last = id }
                page = try await QueryPages(client, schema, fields: wanted)
                    .page(after: last, limit: min(count - found.count, COQL.recordsMax))
            } else {
                page = try await ListPages(client, schema, fields: wanted).page(at: place)
            }
            found += readBacks(page, fields)
            place = try page.next.map { cursor throws(MigratezError) in try ZohoPlace(cursor) }
        } while place != nil && found.count < count
        return Array(found.prefix(count))
    }

    /// Records without our key whose fields equal one of the tuples, without regard to case. A tuple with an empty value
    /// matches nothing.
    func match(
        _ module: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        let tuples = values.filter { !$0.contains("") }
        guard !tuples.isEmpty else { return [] }
        let schema = try await catalog.schema(of: module)
        for field in fields { try Self.requireComparable(field, schema) }
        let hasKey = schema.field(keyField) != nil
        let isOthers = hasKey ? ["\(keyField) is null"] : []
        var ids: [String] = []
        for condition in Self.conditions(fields, tuples) {
            let criteria = COQL.joined([condition] + isOthers, by: "and")
            var last: String?
            repeat {
                let behind = last.map { ["id > \(COQL.literal($0))"] } ?? []
                let records = try await client.records(
                    "select id from \(module) where \(COQL.joined([criteria] + behind, by: "and")) order by id asc "
                        + "limit \(COQL.recordsMax)")
                ids += records.compactMap { $0[ZohoModule.id]?.text }
                last = records.count == COQL.recordsMax ? ids.last : nil
            } while last != nil
        }
        let names = Array(Set(returning + fields)).sorted()
        let wanted = Set(tuples.map { $0.map(Self.folded) })
        return try await read(ids, of: module, fields: names).filter { record in
            let held = record.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            return record.key == nil && wanted.contains(fields.map { Self.folded(Self.text(held[$0])) })
        }.map { record in
            let held = record.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            return ReadBack(id: record.id, key: nil, fields: Self.object(held, returning))
        }
    }

    /// The number of records whose key begins like that.
    func count(_ module: String, keyPrefix: String) async throws -> Int? {
        guard ZohoModule.holdsKey(module), try await catalog.schema(of: module).field(keyField) != nil else {
            return nil
        }
        let query =
            "select COUNT(id) from \(module) where \(keyField) like "
            + COQL.literal(keyPrefix.replacing("%", with: "") + "%")
        return try await client.records(query).first?.members.first?.value.int
    }

    // MARK: Conditions

    /// Texts of several lines cannot be compared ("Query API: Limitations").
    private static func requireComparable(_ name: String, _ schema: ObjectSchema) throws(MigratezError) {
        guard let field = schema.field(name), COQL.isName(name), field.kind != .longText, name != RecordTags.field
        else {
            throw MigratezError(
                .notSupported, "records of \(schema.name) cannot be found by '\(name)'", remedy: .fixConfiguration,
                hint: "name fields of one line in against_target")
        }
        guard ZohoModule.isQueryable(schema.name) else {
            throw MigratezError(
                .notSupported, "\(schema.name) cannot be found by what they hold", remedy: .fixConfiguration,
                hint: "leave out against_target for them")
        }
    }

    /// One condition for as many tuples as a query may ask for.
    private static func conditions(_ fields: [String], _ tuples: [[String]]) -> [String] {
        if fields.count == 1 {
            return COQL.groups(tuples.map { $0[0] }).map { "\(COQL.column(fields[0])) in \(COQL.list($0))" }
        }
        let size = max(1, (COQL.criteriaMax - 2) / fields.count)
        return stride(from: 0, to: tuples.count, by: size).map { start in
            let alternatives = tuples[start..<min(start + size, tuples.count)].map { tuple in
                COQL.joined(zip(fields, tuple).map { "\(COQL.column($0)) = \(COQL.literal($1))" }, by: "and")
            }
            return COQL.joined(alternatives, by: "or")
        }
    }

    private static func folded(_ text: String) -> String {
        let start = text.lowercased().drop { $0 == " " }
        return String(String(start.reversed().drop { $0 == " " }).reversed())
    }

    private static func text(_ value: JSONValue?) -> String {
        value?.bool.map { $0 ? "true" : "false" } ?? value?.text ?? ""
    }

    // MARK: Records

    private func readBacks(_ page: Page, _ fields: [String]) -> [ReadBack] {
        page.records.compactMap { range in
            let record = page.bytes[range].withUnsafeBufferPointer { JSONValue(validated: $0) }
            guard let id = record[ZohoModule.id]?.text else { return nil }
            let key = record[keyField]?.text.flatMap { $0.isEmpty ? nil : $0 }
            return ReadBack(id: id, key: key, fields: Self.object(record, fields))
        }
    }

    private static func object(_ record: JSONValue, _ fields: [String]) -> [UInt8] {
        JSONValue.object(fields.map { .init($0, record[$0] ?? .null) }).serialized()
    }
}
