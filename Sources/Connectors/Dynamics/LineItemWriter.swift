// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes and deletes the products of opportunities (`opportunityproduct`).
///
/// A pipeline names the opportunity, the product, how many, and the price. The platform wants the unit besides, a price
/// list on the opportunity, and takes a price only where it is told that it is not that of the list. A line without a
/// product is one that is written in by hand. A closed opportunity takes no lines: it is opened for them and closed again,
/// with the state and the reason that it had, which are noted before, so that a write that was cut off closes it all the
/// same. Lines are therefore not written by two at once.
///
/// Source: Microsoft Learn, "OpportunityProduct table reference" (`IsPriceOverridden`, `IsProductOverridden`).
struct LineItemWriter: Sendable {
    let rows: RowWriter
    let catalog: SalesCatalog
    let opportunity: TableMetadata
    private static let deal = "opportunityid"
    private static let product = "productid"
    private static let text = "productdescription"

    func write(_ batch: [Batch.Row], intent: any WriteIntent) async throws -> [Receipt] {
        let deals = try await deals(of: batch)
        let known = try await catalog.opportunities(Set(deals.values).sorted())
        let closed = ClosedRecords(states: known.mapValues(\.state).filter { $0.value.state != 0 })
        let needy = batch.filter(hasProduct).compactMap { deals[$0.key] }.filter { known[$0]?.hasPriceList == false }
        // All that may be found wanting is asked for before anything is opened.
        let list = needy.isEmpty ? nil : try await catalog.priceListOfNew()
        var writer = rows
        writer.additions = try await additions(to: batch)
        if !closed.states.isEmpty { try await intent.note(closed.note) }
        try await closed.open(opportunity, rows.batches)
        if let list { try await put(list, on: Set(needy).sorted()) }
        let receipts = try await writer.write(batch.map(described))
        let refused = try await closed.close(opportunity, rows.batches)
        return receipts.map { receipt in
            if case .rejected = receipt.result { return receipt }
            guard let rejection = deals[receipt.key].flatMap({ refused[$0] }) else { return receipt }
            return Receipt(key: receipt.key, result: .rejected(rejection))
        }
    }

    /// Closes what a write that was cut off had opened.
    ///
    /// - Parameter note: what it noted; `nil` = nothing was opened.
    func complete(_ note: String?) async throws {
        guard let closed = note.flatMap(ClosedRecords.init(note:)) else { return }
        let now = try await catalog.opportunities(closed.states.keys.sorted())
        let open = ClosedRecords(states: closed.states.filter { now[$0.key]?.state.state == 0 })
        try await open.closeAgain(opportunity, rows.batches, purpose: "products")
    }

    func delete(_ ids: [String]) async throws -> [Deletion] {
        let deals = try await catalog.opportunities(ofLines: ids.compactMap { RecordID($0)?.text })
        let known = try await catalog.opportunities(Set(deals.values).sorted())
        let closed = ClosedRecords(states: known.mapValues(\.state).filter { $0.value.state != 0 })
        try await closed.open(opportunity, rows.batches)
        let deletions: [Deletion]
        do {
            deletions = try await RecordDeletion(batches: rows.batches, table: rows.table).delete(ids)
        } catch {
            try await closed.closeAgain(opportunity, rows.batches, purpose: "products")
            throw error
        }
        try await closed.closeAgain(opportunity, rows.batches, purpose: "products")
        return deletions
    }

    // MARK: Opportunities

    /// The opportunity of each row, by its key; rows of lines that are there need not name it.
    private func deals(of batch: [Batch.Row]) async throws -> [String: String] {
        var deals: [String: String] = [:]
        var lines: [String: String] = [:]
        for row in batch {
            if let id = Self.end(row, Self.deal) {
                deals[row.key] = id
            } else if let line = row.targetID.flatMap(RecordID.init) {
                lines[line.text] = row.key
            }
        }
        for (line, deal) in try await catalog.opportunities(ofLines: lines.keys.sorted()) {
            if let key = lines[line] { deals[key] = deal }
        }
        return deals
    }

    /// One that does not take the list refuses its lines.
    private func put(_ list: String, on deals: [String]) async throws {
        let body: JSONValue = ["pricelevelid@odata.bind": .string("/pricelevels(\(list))")]
        _ = try await rows.batches.send(
            deals.map { deal in
                BatchSender.Operation(
                    method: .patch, path: "\(opportunity.setName)(\(deal))", body: body.serialized(), needsRecord: true)
            }, isIdempotent: true)
    }

    // MARK: Rows

    private func additions(to batch: [Batch.Row]) async throws -> [String: [RowBody.Addition]] {
        let units = try await catalog.unitsOfProducts(Set(batch.compactMap { Self.end($0, Self.product) }).sorted())
        var additions: [String: [RowBody.Addition]] = [:]
        for row in batch {
            guard hasProduct(row) else {
                additions[row.key] = [
                    .init(column: "isproductoverridden", property: "isproductoverridden", value: true)
                ]
                continue
            }
            var own: [RowBody.Addition] = []
            if let unit = Self.end(row, Self.product).flatMap({ units[$0] }) {
                own.append(.init(column: "uomid", property: "uomid@odata.bind", value: .string("/uoms(\(unit))")))
            }
            if Self.value("priceperunit", row) != nil {
                own.append(
                    .init(
                        column: "ispriceoverridden", property: "ispriceoverridden", value: true, isForChanges: true))
            }
            additions[row.key] = own
        }
        return additions
    }

    /// A line of a product goes by the product's own name: the platform does not take both.
    private func described(_ row: Batch.Row) -> Batch.Row {
        guard hasProduct(row), Self.value(Self.text, row) != nil else { return row }
        var row = row
        let values = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        row.fields = JSONValue.object(values.members.filter { $0.key != Self.text }).serialized()
        return row
    }

    private func hasProduct(_ row: Batch.Row) -> Bool {
        Self.end(row, Self.product) != nil || Self.value(Self.product, row) != nil
    }

    private static func end(_ row: Batch.Row, _ field: String) -> String? {
        row.references.first { $0.field == field }.flatMap { RecordID($0.targetID)?.text }
    }

    /// What a row sets a field to; `nil` if to nothing.
    private static func value(_ field: String, _ row: Batch.Row) -> JSONValue? {
        let value = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }[field]
        return value?.isNull == true || value?.text?.isEmpty == true ? nil : value
    }
}
