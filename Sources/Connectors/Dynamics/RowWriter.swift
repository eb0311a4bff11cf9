// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes rows of one table, and finds out what became of each.
///
/// Rows are looked up by our key first. Those that are not there go by `CreateMultiple`, which answers their ids in their
/// order; those that are go by `UpdateMultiple`. (`UpsertMultiple` would do both in one call, but answers 204 without
/// ids: Microsoft Learn, "UpsertMultiple Action".) These messages are all or nothing, and a refusal names one row at most,
/// so a call that is refused because of its rows is sent again as a batch of single operations (Microsoft Learn, "Use bulk
/// operation messages"). So is everything that a table takes no such message for, or where the pipeline says so.
///
/// A call that was lost is settled by looking the keys up again: what is there now was created by it. The alternate key
/// keeps two processes from creating the same record.
struct RowWriter: Sendable {
    /// How often a call that was lost is sent again.
    private static let repeatsMax = 5

    let api: DynamicsAPI
    let catalog: MetadataCatalog
    let table: TableMetadata
    let lookup: RecordLookup
    let batches: BatchSender
    let clock: any WallClock
    /// The messages by which many rows may be written at once: `CreateMultiple`, `UpdateMultiple`.
    let messages: Set<String>
    /// What rows are given besides what they say, by their keys.
    var additions: [String: [RowBody.Addition]] = [:]

    private typealias Row = RowBody.Prepared

    /// A row with the record that it is written to.
    private struct Change {
        var row: Row
        var record: RecordLookup.Found
    }

    /// Each row has a receipt at the end, in no particular order.
    func write(_ rows: [Batch.Row]) async throws -> [Receipt] {
        guard table.hasKeyColumn || !table.takesColumns else {
            throw MigratezError(
                .requestRefused, "\(table.name) has no column \(lookup.keyColumn)", remedy: .fixConfiguration,
                hint: "a run creates it when it begins; if it was removed since, begin a new run")
        }
        var receipts: [Receipt] = []
        var prepared: [Row] = []
        let body = try await body(for: rows)
        for row in rows {
            do {
                prepared.append(try body.prepare(row))
            } catch {
                receipts.append(Receipt(key: row.key, result: .rejected(error)))
            }
        }
        let unknown = prepared.filter { $0.row.targetID == nil }
        let found = try await lookup.records(keys: unknown.map(\.row.key))
        var changes = try await identified(prepared.filter { $0.row.targetID != nil })
        changes += unknown.compactMap { row in found[row.row.key].map { Change(row: row, record: $0) } }
        let (created, met) = try await create(unknown.filter { found[$0.row.key] == nil })
        receipts += created
        receipts += try await update(changes + met)
        return receipts
    }

    /// What the rows' lookups need to be written.
    func body(for rows: [Batch.Row]) async throws -> RowBody {
        var tables: Set<String> = ["systemuser"]
        for reference in rows.lazy.flatMap(\.references) { tables.insert(reference.object) }
        let tablesOfIDs = try await LookupTargets(api: api, catalog: catalog, table: table).tables(of: rows)
        tables.formUnion(tablesOfIDs.values)
        for column in table.columns where column.field.refersTo.count == 1 { tables.formUnion(column.field.refersTo) }
        var setNames: [String: String] = [:]
        for name in tables { setNames[name] = try await setName(of: name) }
        return RowBody(
            table: table, keyColumn: lookup.keyColumn, setNames: setNames, tablesOfIDs: tablesOfIDs,
            additions: additions)
    }

    private func setName(of table: String) async throws -> String {
        if let known = catalog.known(table) { return known.setName }
        return try await catalog.setName(of: table)
    }

    /// Rows whose record is known by its id, with the state that it is in, where that keeps it from being changed.
    private func identified(_ rows: [Row]) async throws -> [Change] {
        let ids = rows.compactMap(\.row.targetID)
        let found = table.isReadOnlyWhenClosed ? try await lookup.records(ids: ids) : [:]
        return rows.map { row in
            let id = row.row.targetID ?? ""
            return Change(row: row, record: found[id] ?? RecordLookup.Found(id: id))
        }
    }

    // MARK: Creating

    /// - Returns: receipts, and the rows whose record somebody else made meanwhile.
    private func create(_ rows: [Row]) async throws -> (receipts: [Receipt], met: [Change]) {
        var receipts: [Receipt] = []
        var waiting = rows
        var repeats = 0
        var made: [(row: Row, id: String)] = []
        var refused: [(row: Row, refusal: DynamicsRefusal)] = []
        while !waiting.isEmpty {
            do {
                for (row, result) in zip(waiting, try await createAll(waiting)) {
                    switch result {
                    case .success(let id): made.append((row, id))
                    case .failure(let refusal): refused.append((row, refusal))
                    }
                }
                waiting = []
            } catch let error as MigratezError where error.leavesFateUnknown {
                guard repeats < Self.repeatsMax else { throw error }
                repeats += 1
                try await batches.pause(repeats)
                let found = try await lookup.records(keys: waiting.map(\.row.key))
                made += waiting.compactMap { row in found[row.row.key].map { (row, $0.id) } }
                waiting.removeAll { found[$0.row.key] != nil }
            }
        }
        let there = refused.filter { Self.saysDuplicate($0.refusal) }
        let found = there.isEmpty ? [:] : try await lookup.records(keys: there.map(\.row.row.key))
        for (row, refusal) in refused where found[row.row.key] == nil {
            receipts.append(Receipt(key: row.row.key, result: .rejected(rejection(refusal))))
        }
        let closed = try await close(made.map { ($0.row, $0.id, $0.row.state ?? table.stateOfNew) })
        for (row, id) in made {
            receipts.append(
                Receipt(key: row.row.key, result: closed[row.row.key].map { .rejected($0) } ?? .created(id: id)))
        }
        return (receipts, there.compactMap { row, _ in found[row.row.key].map { Change(row: row, record: $0) } })
    }

    private typealias Written = Result<String, DynamicsRefusal>

    /// What became of each row, in their order.
    private func createAll(_ rows: [Row]) async throws -> [Written] {
        do {
            if let ids = try await createTogether(rows) { return ids.map { .success($0) } }
        } catch let error as MigratezError {
            guard let refused = error.refused, refused.isAboutRows else { throw error }
            if rows.count == 1 { return [.failure(refused)] }
        }
        let operations = rows.map { row in
            BatchSender.Operation(method: .post, path: table.setName, body: object(row.create, id: lookupID(row)))
        }
        return try await batches.send(operations, isIdempotent: false).map { answer in
            if let refusal = answer.refusal { return .failure(refusal) }
            guard let id = answer.id else {
                throw MigratezError(
                    .brokenResponse, "a new row of \(table.name) was answered without its id",
                    remedy: .retry(after: nil))
            }
            return .success(id)
        }
    }

    /// The ids of all rows, in their order; `nil` if the table does not take the message.
    private func createTogether(_ rows: [Row]) async throws -> [String]? {
        guard messages.contains("CreateMultiple") else { return nil }
        let body = targets(rows.map { row in (row.create, lookupID(row)) })
        let answer = try await multiple("CreateMultiple", body, isIdempotent: false)
        let ids = answer["Ids"]?.elements.compactMap(\.text) ?? []
        guard ids.count == rows.count else {
            throw MigratezError(
                .brokenResponse, "\(rows.count) rows of \(table.name) got \(ids.count) ids",
                remedy: .retry(after: nil))
        }
        return ids.map { $0.lowercased() }
    }

    /// The id that a new record is given, in a table that cannot hold our key.
    private func lookupID(_ row: Row) -> String? { table.hasKeyColumn ? nil : lookup.id(ofKey: row.row.key) }

    /// Whether a record with the same key, or of the same id, is there already.
    private static func saysDuplicate(_ refusal: DynamicsRefusal) -> Bool {
        ["0x80060892", "0x80040237"].contains(refusal.vendorCode)
    }

    // MARK: Updating

    private func update(_ changes: [Change]) async throws -> [Receipt] {
        guard !changes.isEmpty else { return [] }
        try await reopen(changes)
        let results = try await updateAll(changes)
        var receipts: [Receipt] = []
        var written: [(row: Row, id: String, state: RecordState?)] = []
        for (change, refusal) in zip(changes, results) {
            if let refusal {
                receipts.append(Receipt(key: change.row.row.key, result: .rejected(rejection(refusal))))
            } else {
                written.append((change.row, change.record.id, change.row.state ?? lastState(change)))
            }
        }
        let closed = try await close(written)
        for (row, id, _) in written {
            receipts.append(
                Receipt(key: row.row.key, result: closed[row.row.key].map { .rejected($0) } ?? .updated(id: id)))
        }
        return receipts
    }

    private func isClosed(_ change: Change) -> Bool { table.isReadOnlyWhenClosed && change.record.state ?? 0 != 0 }

    /// The state to go back to after a closed record was opened to be changed.
    private func lastState(_ change: Change) -> RecordState? {
        guard isClosed(change), let state = change.record.state else { return nil }
        return RecordState(state: state, reason: change.record.reason)
    }

    private func reopen(_ changes: [Change]) async throws {
        let operations = changes.filter(isClosed).map { StateChange(table: table, id: $0.record.id).opening }
        // A record that cannot be opened is refused when it is changed.
        _ = try await batches.send(operations, isIdempotent: true)
    }

    /// What was said against each change, in their order; `nil` = it was made.
    private func updateAll(_ changes: [Change]) async throws -> [DynamicsRefusal?] {
        do {
            if messages.contains("UpdateMultiple") {
                let body = targets(changes.map { ($0.row.update, $0.record.id) })
                _ = try await multiple("UpdateMultiple", body, isIdempotent: true)
                return changes.map { _ in nil }
            }
        } catch let error as MigratezError {
            guard let refused = error.refused, refused.isAboutRows else { throw error }
            if changes.count == 1 { return [refused] }
        }
        let operations = changes.map { change in
            BatchSender.Operation(
                method: .patch, path: "\(table.setName)(\(change.record.id))",
                body: object(change.row.update, id: nil), needsRecord: true)
        }
        return try await batches.send(operations, isIdempotent: true).map(\.refusal)
    }

    // MARK: States

    /// Puts records into the states that they are to be in at last.
    ///
    /// - Returns: what was said against it, by row key. The record itself is there.
    private func close(_ records: [(row: Row, id: String, state: RecordState?)]) async throws -> [String: Rejection] {
        var keys: [String] = []
        var operations: [BatchSender.Operation] = []
        for (row, id, state) in records {
            guard let state, state.state != table.firstState else { continue }
            keys.append(row.row.key)
            operations.append(StateChange(table: table, id: id).closing(state))
        }
        var rejections: [String: Rejection] = [:]
        // Closing what is closed already is refused, so a batch that was lost is not sent again.
        for (key, answer) in zip(keys, try await batches.send(operations, isIdempotent: false)) {
            if let refusal = answer.refusal { rejections[key] = rejection(refusal) }
        }
        return rejections
    }

    // MARK: Requests

    private func multiple(_ message: String, _ body: [UInt8], isIdempotent: Bool) async throws -> JSONValue {
        try await api.json(
            api.request(
                .post, "\(table.setName)/Microsoft.Dynamics.CRM.\(message)",
                contentType: "application/json; charset=utf-8", body: .bytes(body), endpointClass: "write",
                isIdempotent: isIdempotent))
    }

    /// `{"Targets":[{"@odata.type":…,"contactid":…,…},…]}`
    private func targets(_ rows: [(members: [UInt8], id: String?)]) -> [UInt8] {
        var bytes = Array("{\"Targets\":[".utf8)
        for (number, row) in rows.enumerated() {
            if number > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += Array("{\"@odata.type\":\"Microsoft.Dynamics.CRM.\(table.name)\"".utf8)
            if let id = row.id { bytes += Array(",\"\(table.primaryID)\":\"\(id)\"".utf8) }
            if !row.members.isEmpty { bytes.append(UInt8(ascii: ",")) }
            bytes += row.members
            bytes.append(UInt8(ascii: "}"))
        }
        return bytes + Array("]}".utf8)
    }

    private func object(_ members: [UInt8], id: String?) -> [UInt8] {
        var bytes = Array("{".utf8)
        if let id { bytes += Array("\"\(table.primaryID)\":\"\(id)\"\(members.isEmpty ? "" : ",")".utf8) }
        return bytes + members + Array("}".utf8)
    }

    private func rejection(_ refusal: DynamicsRefusal) -> Rejection { refusal.rejection(columns: table.columnNames) }
}
