// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Products of deals: listed by deals, and written below one.
///
/// Source: OpenAPI description of version 2, `GET /deals/products`, `/deals/{id}/products`. Nothing is added up on the deal.
extension PipedriveSimulator {
    /// What a body may hold, with the type of each.
    private static let parameters: [String: String] = [
        "product_id": "number", "item_price": "number", "quantity": "number", "tax": "number", "discount": "number",
        "comments": "string", "discount_type": "string", "tax_method": "string", "is_enabled": "boolean",
    ]

    /// `GET /api/v2/deals/products?deal_ids=1,2`
    func dealProducts(_ request: SimulatorRequest) throws -> SimulatorResponse {
        let deals = request.queryList("deal_ids").map { Int64($0) }
        guard (1...100).contains(deals.count), deals.allSatisfy({ $0 != nil }) else {
            throw PipedriveFailure.invalid("deal_ids", "Expected 1 to 100 numbers")
        }
        return try page(of: deals.compactMap(\.self), request)
    }

    /// `GET /api/v2/deals/{id}/products`
    func products(of deal: Int64, _ request: SimulatorRequest) throws -> SimulatorResponse {
        try store.read { _ = try $0.liveDeal(deal) }
        return try page(of: [deal], request)
    }

    private func page(of deals: [Int64], _ request: SimulatorRequest) throws -> SimulatorResponse {
        let paging = try Paging(request)
        var conditions = [DocumentCondition.isIn("deal_id", deals.map { .id($0) })]
        if let place = try paging.place() { conditions.append(.id(.greaterOrEqual, place.1)) }
        return try store.read { session in
            let found = try session.documents(
                StoredObject.dealProducts, where: .and(conditions), limit: paging.limit + 1)
            let next = found.count > paging.limit ? found.last.map { Paging.cursor(0, $0.id) } : nil
            return Paging.answer(try found.prefix(paging.limit).map { try session.shown($0) }, next: next)
        }
    }

    func addProduct(to deal: Int64, _ request: SimulatorRequest) throws -> SimulatorResponse {
        let body = try Self.body(request)
        return try store.write { session in
            let found = try session.liveDeal(deal)
            let missing = ["product_id", "item_price", "quantity"].filter { body[$0] == nil }
            guard missing.isEmpty else {
                throw PipedriveFailure.invalid(missing.map { ($0, "Parameter '\($0)' is required") })
            }
            let line: JSONValue = [
                "deal_id": .id(deal), "currency": found.document["currency"] ?? "USD", "tax": 0, "discount": 0,
                "discount_type": "percentage", "tax_method": "inclusive", "is_enabled": true, "comments": "",
            ]
            let id = try session.insert(
                StoredObject.dealProducts, try checked(body, on: line, session), at: options.clock.now)
            return .data(try session.shown(try session.line(id, of: deal)))
        }
    }

    func updateProduct(_ id: Int64, of deal: Int64, _ request: SimulatorRequest) throws -> SimulatorResponse {
        let body = try Self.body(request)
        return try store.write { session in
            _ = try session.liveDeal(deal)
            let line = try session.line(id, of: deal)
            try session.replace(
                StoredObject.dealProducts, id, with: try checked(body, on: line.document, session),
                at: options.clock.now)
            return .data(try session.shown(try session.line(id, of: deal)))
        }
    }

    func removeProduct(_ id: Int64, of deal: Int64) throws -> SimulatorResponse {
        try store.write { session in
            _ = try session.liveDeal(deal)
            _ = try session.line(id, of: deal)
            try session.erase(StoredObject.dealProducts, id)
            return .data(["id": .id(id)])
        }
    }

    private func checked(_ body: JSONValue, on line: JSONValue, _ session: DocumentSession) throws -> JSONValue {
        var line = line
        var problems: [(name: String, reason: String)] = []
        for member in body.members {
            guard let type = Self.parameters[member.key] else {
                problems.append((member.key, "Parameter '\(member.key)' is not allowed for this request"))
                continue
            }
            let isRight =
                switch (type, member.value) {
                case ("number", .number), ("string", .string), ("boolean", .bool): true
                default: false
                }
            if !isRight { problems.append((member.key, "Expected '\(type)'")) }
            line = line.setting(member.key, member.value)
        }
        if let id = body["product_id"]?.int64,
            try session.document(Entity.product.rawValue, id)?.isDeleted != false
        {
            problems.append(("product_id", "Product \(id) not found"))
        }
        guard problems.isEmpty else { throw PipedriveFailure.invalid(problems) }
        return line
    }
}

extension DocumentSession {
    /// A deal that can be changed.
    fileprivate func liveDeal(_ id: Int64) throws -> StoredDocument {
        guard let deal = try document(Entity.deal.rawValue, id), !deal.isDeleted else {
            throw PipedriveFailure.notFound(Entity.deal.label)
        }
        return deal
    }

    fileprivate func line(_ id: Int64, of deal: Int64) throws -> StoredDocument {
        guard let line = try document(StoredObject.dealProducts, id), !line.isDeleted,
            line.document["deal_id"]?.int64 == deal
        else { throw PipedriveFailure(404, nil, "Deal product not found") }
        return line
    }

    fileprivate func shown(_ line: StoredDocument) throws -> JSONValue {
        let product = try line.document["product_id"]?.int64.flatMap { try document(Entity.product.rawValue, $0) }
        func number(_ name: String) -> Double { line.document[name]?.text.flatMap(Double.init) ?? 0 }
        let base = number("item_price") * number("quantity")
        let isShare = line.document["discount_type"]?.text != "amount"
        let sum = base - (isShare ? base * number("discount") / 100 : number("discount"))
        let whole = sum.rounded() == sum
        return .object(
            [
                .init("id", .id(line.id)), .init("name", product?.document["name"] ?? .null),
                .init("sum", .number(whole ? String(Int64(sum)) : String(sum))),
                .init("product_variation_id", .null), .init("add_time", .string(Instant.text(line.createdAt))),
                .init("update_time", .string(Instant.text(line.modifiedAt))),
            ] + line.document.members)
    }
}
