// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Our keys as external ids: rows of `ir.model.data`, in which a module's name stands for us.
///
/// The server holds module and name unique, and removes the row with the record (documentation, "Data files", external
/// identifiers; odoo/odoo, `odoo/addons/base/models/ir_model.py`).
struct ExternalIDs: Sendable {
    static let model = "ir.model.data"

    let client: OdooClient
    let catalog: OdooCatalog
    /// `migratez`
    let module: String

    /// The external id of a key, as `load` takes it. A name must not hold a blank; `=` in front of the others keeps two
    /// keys apart that differ in nothing else.
    func externalID(_ key: String) -> String { "\(module).\(Self.name(key))" }

    static func name(_ key: String) -> String {
        guard key.utf8.contains(where: { $0 <= 0x20 || $0 == UInt8(ascii: "=") || $0 == 0x7F }) else { return key }
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in key.utf8 {
            if byte <= 0x20 || byte == UInt8(ascii: "=") || byte == 0x7F {
                bytes += [UInt8(ascii: "="), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A key of ours that a record carries.
    struct Row: Sendable {
        /// The id of the row itself.
        var id: String
        var name: String
        var record: String
    }

    /// The records of the model that carry one of the keys, by key.
    func rows(ofKeys keys: [String], model: String) async throws -> [String: Row] {
        var rows: [String: Row] = [:]
        let keysByName = Dictionary(keys.map { (Self.name($0), $0) }, uniquingKeysWith: { first, _ in first })
        for row in try await find(model, "name", keysByName.keys.sorted().map(JSONValue.string)) {
            if let key = keysByName[row.name] { rows[key] = row }
        }
        return rows
    }

    /// What keys of ours the records carry; a record may have several.
    func rows(ofRecords ids: [String], model: String) async throws -> [Row] {
        try await find(model, "res_id", ids.filter { Int64($0) != nil }.map(JSONValue.number))
    }

    /// The key of each record that carries one.
    func keys(ofRecords ids: [String], model: String) async throws -> [String: String] {
        let rows = try await rows(ofRecords: ids, model: model)
        return Dictionary(rows.map { ($0.record, Self.key($0.name)) }, uniquingKeysWith: { first, _ in first })
    }

    func count(keyPrefix: String, model: String) async throws -> Int? {
        let domain = ours(model) + [["name", "=like", .string(LikePattern.escaped(Self.name(keyPrefix)) + "%")]]
        return try await client.value(
            OdooClient.Call(Self.model, "search_count", [.init("domain", .array(domain))])
        ).int
    }

    /// Gives records keys that they did not have.
    ///
    /// A lost call may have done it, so what is there is looked at before each attempt.
    func add(_ records: [(key: String, id: String)], model: String) async throws {
        var attempt = 1
        while true {
            let there = try await rows(ofKeys: records.map(\.key), model: model)
            let missing = records.filter { there[$0.key] == nil }
            guard !missing.isEmpty else { return }
            var call = OdooClient.Call(
                Self.model, "create",
                [
                    .init(
                        "vals_list",
                        .array(
                            missing.map { record in
                                [
                                    "module": .string(module), "name": .string(Self.name(record.key)),
                                    "model": .string(model), "res_id": .number(record.id), "noupdate": true,
                                ]
                            }))
                ])
            call.isRepeatable = false
            do {
                _ = try await client.value(call)
                return
            } catch let error as MigratezError where error.leavesFateUnknown && attempt < Self.attemptsMax {
                attempt += 1
            }
        }
    }

    /// Takes the keys off their records.
    func remove(_ keys: [String], model: String) async throws {
        let rows = try await rows(ofKeys: keys, model: model)
        guard !rows.isEmpty else { return }
        _ = try await client.value(OdooClient.Call(Self.model, "unlink", on: rows.values.map(\.id).sorted()))
    }

    private static let attemptsMax = 4

    private func ours(_ model: String) -> [JSONValue] {
        [["module", "=", .string(module)], ["model", "=", .string(model)]]
    }

    private func find(_ model: String, _ field: String, _ values: [JSONValue]) async throws -> [Row] {
        var rows: [Row] = []
        var rest = values[...]
        while !rest.isEmpty {
            let group = rest.prefix(OdooLimits.lookupMax)
            rest = rest.dropFirst(group.count)
            let domain = ours(model) + [[.string(field), "in", .array(Array(group))]]
            for row in try await catalog.records(of: Self.model, domain, fields: ["name", "res_id"]) {
                guard let id = row["id"]?.text, let name = row["name"]?.text, let record = row["res_id"]?.text else {
                    continue
                }
                rows.append(Row(id: id, name: name, record: record))
            }
        }
        return rows
    }

    /// The key that a name stands for.
    private static func key(_ name: String) -> String {
        guard name.contains("=") else { return name }
        var bytes: [UInt8] = []
        var rest = Array(name.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "="), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Texts for `=like` and `=ilike`, which take `_` and `%` for wildcards and `\` for what makes them none.
enum LikePattern {
    static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
    }
}
