// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezZohoConnector
import Testing

@Suite struct ZohoErrorTableTests {
    /// Every code that Zoho's reference names for the requests of this connector.
    static let documented = [
        "INVALID_TOKEN", "AUTHENTICATION_FAILURE", "OAUTH_SCOPE_MISMATCH", "NO_PERMISSION", "AUTHORIZATION_FAILED",
        "TOO_MANY_REQUESTS", "LIMIT_EXCEEDED", "INTERNAL_ERROR", "INVALID_URL_PATTERN", "INVALID_REQUEST_METHOD",
        "INVALID_MODULE", "REQUIRED_PARAM_MISSING", "INVALID_QUERY", "SYNTAX_ERROR", "MANDATORY_NOT_FOUND",
        "INVALID_DATA", "DUPLICATE_DATA", "DEPENDENT_FIELD_MISSING", "RECORD_LOCKED", "RECORD_IN_BLUEPRINT",
        "NOT_APPROVED",
    ]

    @Test(arguments: documented)
    func `each documented code is in the table`(_ vendorCode: String) {
        #expect(VendorErrorTable.zoho.rules.contains { $0.vendorCode == vendorCode })
    }

    @Test func `no code is in the table twice`() {
        let codes = VendorErrorTable.zoho.rules.map(\.vendorCode)
        #expect(Set(codes).count == codes.count)
    }

    @Test func `codes get the class that says who can mend it`() {
        #expect(VendorErrorTable.zoho.rule(for: "RECORD_LOCKED").code == .rowLocked)
        #expect(VendorErrorTable.zoho.rule(for: "RECORD_LOCKED").remedy == .retry(after: nil))
        #expect(VendorErrorTable.zoho.rule(for: "MANDATORY_NOT_FOUND").code == .requiredFieldMissing)
        #expect(VendorErrorTable.zoho.rule(for: "OAUTH_SCOPE_MISMATCH").remedy == .fixConfiguration)
        #expect(VendorErrorTable.zoho.rule(for: "DUPLICATE_DATA").code == .duplicate)
    }

    @Test func `a code that nobody has heard of refuses the row and is kept`() {
        let rule = VendorErrorTable.zoho.rule(for: "NEW_IN_V99")
        #expect(rule.code == .ruleViolated && rule.remedy == .rejectRecord && rule.vendorCode == "NEW_IN_V99")
    }
}
