// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Writes records by `load`, which creates or updates by external id, and finds out what became of each.
///
/// Writing the same row again meets the same record, so a call whose fate is unknown is sent again by the policies below.
/// Whether a record was created is known from what was there before the first attempt. One bad row undoes the whole call,
/// whose answer names all bad rows that it saw: they are left out, and the others are sent again.
struct RowLoader: Sendable {
    let client: OdooClient
    let catalog: OdooCatalog
    let keys: ExternalIDs

    /// Writes the rows; each has a receipt at the end, in no particular order.
    func write(_ rows: [Batch.Row], object: OdooObject) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        let known = try await keys.rows(ofKeys: rows.map(\.key), model: object.model).mapValues(\.record)
        let ready = try await identified(rows, known, object, &receipts)
        // Of rows with other columns an empty cell would empty the field.
        for group in Dictionary(grouping: ready, by: \.columns).sorted(by: { $0.key.lexicographicallyPrecedes($1.key) })
        {
            var rest = group.value[...]
            while !rest.isEmpty {
                try Task.checkCancellation()
                let part = rest.prefix(OdooLimits.loadRowsMax)
                rest = rest.dropFirst(part.count)
                try await load(Array(part), known, object, &receipts)
            }
        }
        let unkept = rows.filter { !$0.keepsKey }.map(\.key)
        if !unkept.isEmpty { try await keys.remove(unkept, model: object.model) }
        return receipts
    }

    /// What became of rows whose write was cut off: those whose key the database holds were written.
    func resolve(_ rows: [Batch.Row], object: OdooObject) async throws -> [Receipt] {
        let wanted = rows.filter { $0.targetID == nil }.map(\.key)
        return try await keys.rows(ofKeys: wanted, model: object.model).map { key, row in
            Receipt(key: key, result: .created(id: row.record))
        }
    }

    // MARK: Rows

    /// The rows as `load` takes them. Records that were there before get our key first, by which they are updated then.
    private func identified(
        _ rows: [Batch.Row], _ known: [String: String], _ object: OdooObject, _ receipts: inout [Receipt]
    ) async throws -> [LoadRow] {
        let fields = try await catalog.fieldsByName(of: object.model)
        let documents = try await documents(rows, object)
        let targets = rows.compactMap(\.targetID)
        let there =
            targets.isEmpty
            ? []
            : Set(
                try await catalog.records(of: object.model, ids: targets, fields: ["id"]).compactMap { $0["id"]?.text })
        var ready: [LoadRow] = []
        var unstamped: [(key: String, id: String)] = []
        for row in rows {
            do throws(Rejection) {
                let loadRow = try LoadRow(row, of: object, fields: fields, documents: documents)
                if let target = row.targetID {
                    guard there.contains(target) else { throw Rejection(.recordDeleted) }
                    if let other = known[row.key], other != target {
                        throw Rejection(.duplicate, reason: "record \(other) carries the row's key already")
                    }
                    if known[row.key] == nil { unstamped.append((row.key, target)) }
                }
                ready.append(loadRow)
            } catch {
                receipts.append(Receipt(key: row.key, result: .rejected(error)))
            }
        }
        if !unstamped.isEmpty { try await keys.add(unstamped, model: object.model) }
        return ready
    }

    private func documents(_ rows: [Batch.Row], _ object: OdooObject) async throws -> DocumentColumns {
        var columns = DocumentColumns()
        for case .document(let model, isWritten: true) in object.links { columns.byName = model }
        guard columns.byName == nil else { return columns }
        let objects = Set(rows.flatMap(\.references).filter { $0.field == LinkField.documentField }.map(\.object))
        for model in Set(objects.map { OdooObject($0).model }) {
            columns.modelIDs[model] = try await catalog.modelID(model)
        }
        return columns
    }

    // MARK: Calls

    /// Loads rows of the same columns until all that are left are written.
    private func load(
        _ rows: [LoadRow], _ known: [String: String], _ object: OdooObject, _ receipts: inout [Receipt]
    ) async throws {
        var rest = rows
        while !rest.isEmpty {
            let outcome = try await call(rest, object)
            guard let rejections = outcome else { break }
            for (place, rejection) in rejections {
                receipts.append(Receipt(key: rest[place].row.key, result: .rejected(rejection)))
            }
            if rejections.isEmpty {
                // A refusal that names no row: alone, a row is the one that is meant.
                try await halves(rest, known, object, &receipts)
                return
            }
            rest = rest.enumerated().filter { rejections[$0.offset] == nil }.map(\.element)
        }
        try await credit(rest, known, object, &receipts)
    }

    private func halves(
        _ rows: [LoadRow], _ known: [String: String], _ object: OdooObject, _ receipts: inout [Receipt]
    ) async throws {
        guard rows.count > 1 else {
            receipts += rows.map {
                Receipt(
                    key: $0.row.key,
                    result: .rejected(Rejection(.ruleViolated, reason: "the server refused it without a reason")))
            }
            return
        }
        let middle = (rows.count + 1) / 2
        try await load(Array(rows[..<middle]), known, object, &receipts)
        try await load(Array(rows[middle...]), known, object, &receipts)
    }

    /// Tells what was created, joined by key.
    private func credit(
        _ rows: [LoadRow], _ known: [String: String], _ object: OdooObject, _ receipts: inout [Receipt]
    ) async throws {
        let new = rows.filter { known[$0.row.key] == nil && $0.row.targetID == nil }
        let created = try await keys.rows(ofKeys: new.map(\.row.key), model: object.model)
        for row in rows.map(\.row) {
            if let id = row.targetID ?? known[row.key] {
                receipts.append(Receipt(key: row.key, result: .updated(id: id)))
            } else if let id = created[row.key]?.record {
                receipts.append(Receipt(key: row.key, result: .created(id: id)))
            } else {
                throw MigratezError(
                    .brokenResponse, "Odoo says that rows of \(object.name) were loaded, and holds no record of one",
                    remedy: .retry(after: nil))
            }
        }
    }

    /// One call: `nil` if all rows were written, else what was said against which; nothing was written then.
    private func call(_ rows: [LoadRow], _ object: OdooObject) async throws -> [Int: Rejection]? {
        let columns = ["id"] + rows[0].columns
        let data = rows.map { row in
            JSONValue.array(([keys.externalID(row.row.key)] + row.cells).map(JSONValue.string))
        }
        let answer: JSONValue
        let call = OdooClient.Call(
            object.model, "load",
            [.init("fields", .array(columns.map(JSONValue.string))), .init("data", .array(data))])
        do {
            if rows.count == 1, let content = rows[0].row.content, content.bytes > 0 {
                answer = try await client.value(call, with: content, inPlaceOf: LoadRow.contentMark)
            } else {
                answer = try await client.value(call)
            }
        } catch let rejection as Rejection {
            return [0: rejection]
        } catch let error as MigratezError {
            guard let refused = error.callRefused, refused.isAboutRows else { throw error }
            return rows.count == 1 ? [0: refused.rejection] : [:]
        }
        if case .array(let ids)? = answer["ids"], ids.count == rows.count { return nil }
        var rejections: [Int: Rejection] = [:]
        for message in answer["messages"]?.elements ?? [] where message["type"] == "error" {
            guard let place = message["record"]?.int ?? message["rows"]?["from"]?.int, rows.indices.contains(place),
                rejections[place] == nil
            else { continue }
            rejections[place] = OdooMessageRule.rejection(message["message"]?.text ?? "", field: message["field"]?.text)
        }
        return rejections
    }
}
