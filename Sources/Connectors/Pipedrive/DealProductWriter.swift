// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes the products of deals, each by a request of its own.
///
/// A line can hold no key. The newest line of the deals at hand is noted before the first request; after a lost answer the
/// lines behind it are told by deal, product, quantity, price and comment. So they are not written by two at once.
struct DealProductWriter: Sendable {
    let products: DealProducts

    private var client: PipedriveClient { products.connection.client }
    private var paths: PipedrivePaths { products.connection.paths }

    func write(_ rows: [Batch.Row], intent: any WriteIntent) async throws -> [Receipt] {
        if rows.contains(where: { $0.targetID == nil }) {
            try await intent.note(String(try await newest(rows)))
        }
        var receipts: [Receipt] = []
        for row in rows {
            try Task.checkCancellation()
            let result: Receipt.Result
            do {
                result = try await write(row)
            } catch let rejection as Rejection {
                result = .rejected(rejection)
            }
            receipts.append(Receipt(key: row.key, result: result))
        }
        return receipts
    }

    private func write(_ row: Batch.Row) async throws -> Receipt.Result {
        let id = try row.targetID.map { text in
            guard let id = DealProducts.ID(text) else { throw Rejection(.recordDeleted) }
            return id
        }
        let body = try Self.body(row, isNew: id == nil)
        do {
            if let id {
                _ = try await client.write(
                    .patch, paths.products(ofDeal: id.deal) + "/\(id.line)", body, .write, isRepeatable: true)
                return .updated(id: id.text)
            }
            let deal = try Self.deal(row)
            let data = try await client.write(
                .post, paths.products(ofDeal: deal), body, .write, isRepeatable: false)
            guard let line = data["id"]?.text else {
                throw MigratezError(
                    .brokenResponse, "Pipedrive's answer to a new product of a deal holds no id",
                    remedy: .retry(after: nil))
            }
            return .created(id: DealProducts.ID(deal: deal, line: line).text)
        } catch let error as MigratezError {
            guard let refusal = error.callRefused, refusal.isAboutRow, !error.leavesFateUnknown else { throw error }
            // A right that is missing for one new line is missing for all; archived deals are read-only.
            throw refusal.rejection { $0 }
        }
    }

    /// What became of rows whose write was cut off. Without a note nothing was sent yet.
    func resolve(_ rows: [Batch.Row], note: String?) async throws -> [Receipt] {
        let rows = rows.filter { $0.targetID == nil }
        guard let note, !rows.isEmpty else { return [] }
        guard let last = Int(note) else {
            throw MigratezError(.internalError, "'\(note)' is no id of a product of a deal")
        }
        var open = try await products.lines(ofDeals: Self.deals(rows)).filter { Int($0.id.line) ?? 0 > last }
            .map { (id: $0.id, traits: Traits(deal: $0.id.deal, $0.json)) }
        var receipts: [Receipt] = []
        for row in rows {
            // A row that cannot be written at all was not.
            guard let deal = try? Self.deal(row), let body = try? Self.body(row, isNew: true) else { continue }
            let traits = Traits(deal: deal, body)
            guard let place = open.firstIndex(where: { $0.traits == traits }) else { continue }
            receipts.append(Receipt(key: row.key, result: .created(id: open.remove(at: place).id.text)))
        }
        return receipts
    }

    func delete(_ ids: [String]) async throws -> [Deletion] {
        let there = Set(try await products.lines(ids).map(\.id.text))
        return try await client.delete(ids) { id in
            guard there.contains(id), let line = DealProducts.ID(id) else { return nil }
            return (paths.products(ofDeal: line.deal) + "/\(line.line)", .delete)
        }
    }

    func read(_ ids: [String], fields: [String]) async throws -> [ReadBack] {
        Self.readBacks(try await products.lines(ids), fields)
    }

    func sample(fields: [String], count: Int) async throws -> [ReadBack] {
        var lines: [DealProducts.Line] = []
        var place: PipedriveCursor? = .beginning(of: .deal)
        while let current = place, lines.count < count {
            let page = try await products.page(at: current)
            lines += page.lines
            place = page.next
        }
        return Self.readBacks(Array(lines.prefix(count)), fields)
    }

    private static func readBacks(_ lines: [DealProducts.Line], _ fields: [String]) -> [ReadBack] {
        lines.map { line in
            let values = fields.map { JSONValue.Member($0, line.json[$0] ?? .null) }
            return ReadBack(id: line.id.text, key: nil, fields: JSONValue.object(values).serialized())
        }
    }

    // MARK: Rows

    /// The newest line of the deals that the rows belong to; 0 = there is none.
    private func newest(_ rows: [Batch.Row]) async throws -> Int {
        try await products.lines(ofDeals: Self.deals(rows)).compactMap { Int($0.id.line) }.max() ?? 0
    }

    private static func deals(_ rows: [Batch.Row]) -> [String] {
        Set(rows.compactMap { try? deal($0) }).sorted()
    }

    private static func deal(_ row: Batch.Row) throws(Rejection) -> String {
        guard let id = row.references.first(where: { $0.field == "deal_id" })?.targetID, Int(id) != nil else {
            throw Rejection(.requiredFieldMissing, fields: ["deal_id"], reason: "the line is linked to no deal")
        }
        return id
    }

    /// - Throws: a rejection if the row cannot be written as it is.
    private static func body(_ row: Batch.Row, isNew: Bool) throws(Rejection) -> JSONValue {
        let values = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        var members: [JSONValue.Member] = []
        for member in values.members + row.references.map({ JSONValue.Member($0.field, .string($0.targetID)) })
        where member.key != "deal_id" {
            guard let field = DealProducts.fields.first(where: { $0.name == member.key }) else {
                throw Rejection(
                    .requestRefused, fields: [member.key], reason: "a product of a deal has no such field")
            }
            guard field.access != .never else {
                throw Rejection(.permissionMissing, fields: [field.name], reason: "the field is read-only")
            }
            members.append(.init(field.name, try FieldValue.encoded(member.value, field, isFormer: false)))
        }
        guard isNew else { return .object(members) }
        members.removeAll { $0.value == .null }
        for name in ["product_id", "quantity", "item_price"] where !members.contains(where: { $0.key == name }) {
            throw Rejection(
                .requiredFieldMissing, fields: [name],
                reason: "a line of a deal is of a product of Pipedrive's, with a quantity and a price")
        }
        return .object(members)
    }
}

/// What a line is known by.
private struct Traits: Equatable {
    var deal: String
    var product: String?
    var numbers: [Double?]
    var comments: String

    init(deal: String, _ line: JSONValue) {
        self.deal = deal
        product = line["product_id"]?.text
        numbers = ["quantity", "item_price"].map { line[$0]?.text.flatMap(Double.init) }
        comments = line["comments"]?.text ?? ""
    }
}
