// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezSalesforceConnector
import Testing

@Suite struct SalesforceErrorTableTests {
    /// Every code that the reference of the platform's interface names for this connector.
    static let documented = [
        "INVALID_SESSION_ID", "REQUEST_LIMIT_EXCEEDED", "INVALID_FIELD", "MALFORMED_QUERY", "JSON_PARSER_ERROR",
        "NOT_FOUND", "DUPLICATE_VALUE", "DUPLICATES_DETECTED", "REQUIRED_FIELD_MISSING",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "STRING_TOO_LONG",
        "INVALID_CROSS_REFERENCE_KEY", "INSUFFICIENT_ACCESS_OR_READONLY", "INVALID_FIELD_FOR_INSERT_UPDATE",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "ENTITY_IS_DELETED", "DELETE_FAILED", "UNABLE_TO_LOCK_ROW",
        "QUERY_TIMEOUT", "SERVER_UNAVAILABLE", "STORAGE_LIMIT_EXCEEDED", "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "INVALID_EMAIL_ADDRESS", "MALFORMED_ID", "INACTIVE_OWNER_OR_USER", "STANDARD_PRICE_NOT_DEFINED",
    ]

    @Test(arguments: documented)
    func `each documented code is in the table`(_ vendorCode: String) {
        #expect(VendorErrorTable.salesforce.rules.contains { $0.vendorCode == vendorCode })
    }

    @Test func `no code is in the table twice`() {
        let codes = VendorErrorTable.salesforce.rules.map(\.vendorCode)
        #expect(Set(codes).count == codes.count)
    }

    @Test func `codes get the class that says who can mend it`() {
        #expect(VendorErrorTable.salesforce.rule(for: "UNABLE_TO_LOCK_ROW").code == .rowLocked)
        #expect(VendorErrorTable.salesforce.rule(for: "UNABLE_TO_LOCK_ROW").remedy == .retry(after: nil))
        #expect(VendorErrorTable.salesforce.rule(for: "STRING_TOO_LONG").code == .tooLong)
        #expect(VendorErrorTable.salesforce.rule(for: "REQUEST_LIMIT_EXCEEDED").remedy == .waitForQuota(until: nil))
        #expect(VendorErrorTable.salesforce.rule(for: "STORAGE_LIMIT_EXCEEDED").remedy == .fixConfiguration)
        #expect(VendorErrorTable.salesforce.rule(for: "INACTIVE_OWNER_OR_USER").code == .ownerInactive)
    }

    @Test func `a code that nobody has heard of refuses the row and is kept`() {
        let rejection = SalesforceRefusal.rejection([SalesforceRefusal(vendorCode: "NEW_IN_V99", text: "?")])
        #expect(rejection.code == .ruleViolated)
        #expect(rejection.remedy == .rejectRecord)
        #expect(rejection.vendorCode == "NEW_IN_V99")
    }

    @Test func `several errors of a row are one rejection with all fields`() {
        let rejection = SalesforceRefusal.rejection([
            SalesforceRefusal(vendorCode: "STRING_TOO_LONG", text: "too long", fields: ["LastName"]),
            SalesforceRefusal(vendorCode: "INVALID_EMAIL_ADDRESS", text: "no mail", fields: ["Email", "LastName"]),
        ])
        #expect(rejection.code == .tooLong)
        #expect(rejection.fields == ["LastName", "Email"])
        #expect(rejection.vendorText == "STRING_TOO_LONG: too long; INVALID_EMAIL_ADDRESS: no mail")
    }

    @Test func `a parent that was named by our key and is not there counts as not loaded`() {
        let text = "Foreign key external ID: hubspot-company-9 not found for field Migratez_Id__c in entity Account"
        let rejection = SalesforceRefusal.rejection([SalesforceRefusal(vendorCode: "INVALID_FIELD", text: text)])
        #expect(rejection.code == .parentNotLoaded)
    }

    @Test(arguments: [
        (
            "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
            [
                SalesforceRefusal(
                    vendorCode: "REQUIRED_FIELD_MISSING", text: "Required fields are missing: [LastName]",
                    fields: ["LastName"])
            ]
        ),
        (
            "STRING_TOO_LONG:Last Name: data value too large: a--b: (max length=80):LastName --",
            [
                SalesforceRefusal(
                    vendorCode: "STRING_TOO_LONG", text: "Last Name: data value too large: a--b: (max length=80)",
                    fields: ["LastName"])
            ]
        ),
        (
            "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--",
            [
                SalesforceRefusal(
                    vendorCode: "UNABLE_TO_LOCK_ROW", text: "unable to obtain exclusive access to this record")
            ]
        ),
        (
            "INVALID_EMAIL_ADDRESS:Email: invalid email address: x:Email --STRING_TOO_LONG:too long:Phone --",
            [
                SalesforceRefusal(
                    vendorCode: "INVALID_EMAIL_ADDRESS", text: "Email: invalid email address: x", fields: ["Email"]),
                SalesforceRefusal(vendorCode: "STRING_TOO_LONG", text: "too long", fields: ["Phone"]),
            ]
        ),
        ("ODD", [SalesforceRefusal(vendorCode: "ODD", text: "")]),
    ])
    func `the error cell of a bulk job is taken apart`(_ cell: String, _ refusals: [SalesforceRefusal]) {
        #expect(SalesforceRefusal.list(bulkCell: cell) == refusals)
    }
}
