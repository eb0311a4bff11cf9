// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Products, and for each deal that has lines a quote with them. A line of no product that is there cannot be.
extension SyntheticFilling {
    private static let quotes = "Quotes"
    private static let items = "Quoted_Items"

    func fillProducts(_ session: DocumentSession) throws {
        for index in 0..<crm.counts.products {
            let product = crm.product(at: index)
            try insert(
                product, owner: product[.owner],
                [
                    "Product_Name": .string(first(product[.name], or: "Product \(index)")),
                    "Product_Code": text(product[.sku]), "Unit_Price": number(product[.price]), "Product_Active": true,
                    "Description": text(product[.description]),
                ], session)
        }
    }

    func fillQuotes(_ session: DocumentSession) throws {
        var lines: [Int: [LineItem]] = [:]
        for index in 0..<crm.counts.lineItems where !crm.isArchived(.lineItem, at: index) {
            let line = crm.lineItem(at: index)
            guard let deal = crm.links(.lineItemToDeal, from: index).compactMap(\.toIndex).first,
                !crm.isArchived(.deal, at: deal),
                let product = line.productIndex, !crm.isArchived(.product, at: product)
            else { continue }
            lines[deal, default: []].append(line)
        }
        for (deal, lines) in lines.sorted(by: { $0.key < $1.key }) { try insert(lines, of: deal, session) }
    }

    private func insert(_ lines: [LineItem], of deal: Int, _ session: DocumentSession) throws {
        guard let quotes = StandardModules.all.first(where: { $0.name == Self.quotes }) else { return }
        let record = crm.deal(at: deal)
        let (id, user) = (quotes.firstID + Int64(deal), JSONValue.string(organisation.userID(at: 0)))
        var members: [JSONValue.Member] = [
            .init("Created_By", user), .init("Deal_Name", .string(String(Self.id(.deal, at: deal)))),
            .init("Modified_By", user), .init("Owner", user), .init("Quote_Stage", "Draft"),
            .init("Subject", .string(first(record[.dealname], or: "Deal \(deal)"))),
        ]
        if let account = link(.dealToCompany, deal) { members.append(.init("Account_Name", account)) }
        try session.insert(
            Self.quotes, .object(members.sorted { $0.key < $1.key }), at: whole(record.createdAt), id: id)
        for (place, line) in lines.enumerated() {
            guard let product = line.productIndex else { continue }
            let values: [String: JSONValue?] = [
                "Product_Name": .string(String(Self.id(.product, at: product))), "Quantity": number(line[.quantity]),
                "List_Price": number(line[.price]), "Discount": number(line[.discount] ?? "0"),
                "Description": text(line[.description].map { String($0.prefix(2_000)) }),
                "Sequence_Number": .number(String(place + 1)), Subforms.parent: .string(String(id)),
            ]
            let members = values.compactMap { name, value in value.map { JSONValue.Member(name, $0) } }
            try session.insert(
                Self.items, .object(members.sorted { $0.key < $1.key }), at: whole(line.updatedAt))
        }
    }
}
