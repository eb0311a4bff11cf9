// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The line with which a quote, an order or an invoice begins, because Zoho takes none without a line: of a product that the
/// user names for it, once, for nothing. The first lines that are written to the record take its place.
///
/// Source: zoho.com/crm/developer, "Insert Records" and "Fields metadata" (`system_mandatory` of the subform).
struct ProvisionalRow: Sendable {
    /// By this and the product the line is known again.
    private static let mark = "Provisional line: Migratez replaces it by the first one that it writes."
    private static let product = "Product_Name"
    private static let text = "Description"
    static let setting = "load.placeholder_product"

    /// The product's id.
    let productID: String

    var json: JSONValue {
        [
            Self.product: ["id": .string(productID)], "Quantity": 1, "List_Price": 0,
            Self.text: .string(Self.mark),
        ]
    }

    /// - Parameter row: a flat one.
    func isOne(_ row: JSONValue) -> Bool {
        row[Self.product]?.text == productID && row[Self.text]?.text == Self.mark
    }

    static func missing(_ subform: Subform) -> MigratezError {
        MigratezError(
            .notSupported, "Zoho takes no new record of \(subform.parent) without a row of \(subform.module)",
            remedy: .fixConfiguration,
            hint:
                "make a product for it in Zoho, and give its id as target.\(setting): new records begin with a line of it"
        )
    }
}
