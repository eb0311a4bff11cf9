// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Something that is sold.
package struct Product: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case name, description, price, createdate
        case sku = "hs_sku"
        case cost = "hs_cost_of_goods_sold"
        case billingFrequency = "recurringbillingfrequency"
        case term = "hs_recurring_billing_period"
        case url = "hs_url"
        case owner = "hubspot_owner_id"
        case modifiedAt = "hs_lastmodifieddate"
        case id = "hs_object_id"

        package var kind: FieldKind {
            switch self {
            case .description: .longText
            case .price, .cost: .number
            case .billingFrequency: .choice(Product.billingFrequencies)
            case .owner: .owner
            case .createdate, .modifiedAt: .readOnlyDateTime
            case .id: .readOnly
            default: .text
            }
        }
    }

    static let billingFrequencies = ["monthly", "quarterly", "per_six_months", "annually"]

    package static let object = CRMObject.product
    package let crm: SyntheticCRM
    package let index: Int

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
    }

    /// In hundredths.
    package var price: Int { 100 + draw.below(500_000, 110) }

    package subscript(field: Field) -> String? {
        let draw = draw
        return switch field {
        case .name:
            draw.share(100) < 100
                ? draw.pick(Vocabulary.exotic, 101) : "\(draw.pick(Vocabulary.products, 102)) \(index)"
        case .description:
            draw.maybe(missing: 4000, empty: 100, 105, draw.freeText(106, ordinary: draw.sentences(109, most: 2)))
        case .price: draw.maybe(missing: 300, 115, DecimalText.hundredths(price))
        case .createdate: DateText.instant(createdAt)
        case .sku: draw.maybe(missing: 1000, 116, "SKU-\(10_000 + index)")
        case .cost: draw.maybe(missing: 5000, 117, DecimalText.hundredths(price / 2))
        case .billingFrequency: draw.maybe(missing: 6000, 118, draw.pick(Product.billingFrequencies, 119))
        case .term: draw.maybe(missing: 7000, 120, "P\(1 + draw.below(36, 121))M")
        case .url: draw.maybe(missing: 7000, 122, "https://products.example/\(index)")
        case .owner: ownerID
        case .modifiedAt: DateText.instant(updatedAt)
        case .id: String(id)
        }
    }
}

/// One line of what a deal is about: so many of a product at a price.
package struct LineItem: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case name, quantity, price, amount, description, createdate
        case product = "hs_product_id"
        case sku = "hs_sku"
        case discount = "hs_discount_percentage"
        case currency = "hs_line_item_currency_code"
        case position = "hs_position_on_quote"
        case owner = "hubspot_owner_id"
        case modifiedAt = "hs_lastmodifieddate"
        case id = "hs_object_id"

        package var kind: FieldKind {
            switch self {
            case .quantity, .price, .discount, .position, .product: .number
            case .currency: .choice(["USD", "EUR", "NOK", "JPY"])
            case .description: .longText
            case .owner: .owner
            case .createdate, .modifiedAt: .readOnlyDateTime
            case .amount, .id: .readOnly
            default: .text
            }
        }
    }

    package static let object = CRMObject.lineItem
    package let crm: SyntheticCRM
    package let index: Int

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
    }

    /// The product that it is of: 5 % are of none, 1 % of one that does not exist any more.
    package var productIndex: Int? {
        let kind = draw.share(100)
        guard kind >= 600, crm.counts.products > 0 else { return nil }
        return draw.below(crm.counts.products, 101)
    }

    /// The id of that product, also of one that does not exist.
    package var productID: Int? {
        guard crm.counts.products > 0, draw.share(100) >= 500 else { return nil }
        return productIndex.map { crm.id(of: .product, at: $0) } ?? crm.missingID(.product, draw, 102)
    }

    package var quantity: Int { 1 + draw.below(50, 110) }
    /// Of one, in hundredths.
    package var price: Int { productIndex.map { crm.product(at: $0).price } ?? 100 + draw.below(100_000, 111) }

    package subscript(field: Field) -> String? {
        let draw = draw
        return switch field {
        case .name:
            productIndex.flatMap { crm.product(at: $0)[.name] } ?? "\(draw.pick(Vocabulary.products, 120)) by agreement"
        case .quantity: String(quantity)
        case .price: DecimalText.hundredths(price)
        case .amount: DecimalText.hundredths(price * quantity)
        case .description: draw.maybe(missing: 7000, 125, draw.freeText(126, ordinary: "as discussed"))
        case .createdate: DateText.instant(createdAt)
        case .product: productID.map(String.init)
        case .sku: productIndex.flatMap { crm.product(at: $0)[.sku] }
        case .discount: draw.maybe(missing: 8000, 130, String(draw.below(40, 131)))
        case .currency: draw.maybe(missing: 3000, 132, draw.pick(["USD", "USD", "EUR", "NOK", "JPY"], 133))
        case .position: String(draw.below(10, 134))
        case .owner: nil
        case .modifiedAt: DateText.instant(updatedAt)
        case .id: String(id)
        }
    }
}

/// Amounts as text.
enum DecimalText {
    /// `12345` → `123.45`, and `12300` → `123`.
    static func hundredths(_ amount: Int) -> String {
        let rest = amount % 100
        guard rest > 0 else { return String(amount / 100) }
        return "\(amount / 100)." + (rest < 10 ? "0" : "") + String(rest)
    }
}
