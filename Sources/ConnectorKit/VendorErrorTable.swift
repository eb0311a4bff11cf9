// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What one of a vendor's codes means to us.
package struct VendorErrorRule: Sendable {
    package var vendorCode: String
    package var code: ErrorCode
    /// `.rejectRecord` = the same row passes only after a fix.
    package var remedy: MigratezError.Remedy

    package init(_ vendorCode: String, _ code: ErrorCode, _ remedy: MigratezError.Remedy = .rejectRecord) {
        self.vendorCode = vendorCode
        self.code = code
        self.remedy = remedy
    }

    /// Whether the same call may pass a moment later.
    package var isPassing: Bool { if case .retry = remedy { true } else { false } }
}

/// The codes of one vendor that its connector knows.
package struct VendorErrorTable: Sendable {
    /// Every one of them, in the order of their groups.
    package let rules: [VendorErrorRule]
    private let byVendorCode: [String: VendorErrorRule]

    package init(_ rules: [VendorErrorRule]) {
        self.rules = rules
        byVendorCode = Dictionary(rules.map { ($0.vendorCode, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The rule of a code; `nil` if it is not in the table.
    package func known(_ vendorCode: String) -> VendorErrorRule? { byVendorCode[vendorCode] }

    /// The rule of a code; one that is not in the table refuses the row.
    package func rule(for vendorCode: String) -> VendorErrorRule {
        known(vendorCode) ?? VendorErrorRule(vendorCode, .ruleViolated)
    }
}
