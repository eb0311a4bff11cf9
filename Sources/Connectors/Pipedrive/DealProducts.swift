// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The products of deals, each a line with its own price and quantity: to a pipeline the object `deal_product`.
///
/// Pipedrive lists them by deals only, a hundred at once, and takes each below its deal, so a line is known as `DEAL:LINE`.
/// Source: OpenAPI description of version 2, `/deals/products`, `/deals/{id}/products`.
struct DealProducts: Sendable {
    static let object = "deal_product"

    static let fields: [PipedriveField] = [
        PipedriveField(
            "deal_id", "Deal", .reference, .reference, access: .onCreation, isRequired: true, refersTo: ["deal"]),
        PipedriveField("product_id", "Product", .reference, .reference, isRequired: true, refersTo: ["product"]),
        PipedriveField("quantity", "Quantity", .decimal, .number, isRequired: true),
        PipedriveField("item_price", "Price", .decimal, .number, isRequired: true),
        PipedriveField("discount", "Discount", .decimal, .number),
        PipedriveField("discount_type", "Type of discount", .choice, .text, options: ["percentage", "amount"]),
        PipedriveField("tax", "Tax", .decimal, .number),
        PipedriveField("tax_method", "Tax method", .choice, .text, options: ["exclusive", "inclusive", "none"]),
        PipedriveField("comments", "Comments", .longText, .text),
        PipedriveField("is_enabled", "Enabled", .bool, .bool),
        PipedriveField("name", "Name", .text, .text, access: .never),
        PipedriveField("currency", "Currency", .text, .text, access: .never),
        PipedriveField("sum", "Sum", .decimal, .number, access: .never),
        PipedriveField("id", "ID", .id, .text, access: .never),
        PipedriveField("add_time", "Created date", .dateTime, .dateTime, access: .never),
        PipedriveField("update_time", "Updated", .dateTime, .dateTime, access: .never),
    ]

    static let schema = ObjectSchema(name: object, label: "Product of a deal", fields: fields.map(\.schema))

    let connection: PipedriveConnection
    let lists: RecordLists

    /// The id of a line: its deal's, and its own.
    struct ID: Sendable, Hashable {
        var deal: String
        var line: String
        var text: String { "\(deal):\(line)" }

        init(deal: String, line: String) { (self.deal, self.line) = (deal, line) }

        /// `nil` if it is no id of a line.
        init?(_ text: String) {
            let parts = text.split(separator: ":").map(String.init)
            guard parts.count == 2, parts.allSatisfy({ Int($0) != nil }) else { return nil }
            (deal, line) = (parts[0], parts[1])
        }
    }

    struct Line: Sendable {
        var id: ID
        /// As the service gives it, but for the id.
        var json: JSONValue
    }

    /// The lines of a page of deals, archived ones behind the others.
    func page(at place: PipedriveCursor) async throws -> (lines: [Line], next: PipedriveCursor?) {
        let page = try await lists.page(
            of: .deal, at: place,
            RecordLists.Narrowing(query: [("include_fields", "participants_count")], limit: PipedriveLimits.idsMax))
        return (try await lines(ofDeals: page.records.map(\.id)), page.next)
    }

    func lines(ofDeals deals: [String]) async throws -> [Line] {
        var lines: [Line] = []
        var rest = deals.filter { Int($0) != nil }[...]
        while !rest.isEmpty {
            let group = rest.prefix(PipedriveLimits.idsMax)
            rest = rest.dropFirst(group.count)
            var cursor: String?
            repeat {
                try Task.checkCancellation()
                var query = [
                    ("deal_ids", group.joined(separator: ",")), ("limit", String(PipedriveLimits.pageRecordsMax)),
                ]
                if let cursor { query.append(("cursor", cursor)) }
                let answer = try await connection.client.answer(connection.paths.dealProducts, query, .list)
                lines += (answer["data"]?.elements ?? []).compactMap(Self.line)
                let next = answer["additional_data"]?["next_cursor"]?.text
                guard next == nil || next != cursor else { throw PipedriveClient.loop("products of deals") }
                cursor = next
            } while cursor != nil
        }
        return lines
    }

    /// Lines by id; one that does not exist is absent.
    func lines(_ ids: [String]) async throws -> [Line] {
        let wanted = Set(ids.compactMap(ID.init))
        return try await lines(ofDeals: Set(wanted.map(\.deal)).sorted()).filter { wanted.contains($0.id) }
    }

    private static func line(_ entry: JSONValue) -> Line? {
        guard let deal = entry["deal_id"]?.text, let own = entry["id"]?.text else { return nil }
        let id = ID(deal: deal, line: own)
        let members = entry.members.filter { $0.key != "id" }
        return Line(id: id, json: .object([.init("id", .string(id.text))] + members))
    }
}

extension PipedriveField {
    fileprivate init(
        _ name: String, _ label: String, _ kind: FieldSchema.Kind, _ form: Form, options: [String]
    ) {
        self.init(name, label, kind, form)
        self.options = options.map { .init(value: $0, label: $0) }
    }
}
