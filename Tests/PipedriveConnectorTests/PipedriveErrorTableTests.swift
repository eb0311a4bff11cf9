// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezPipedriveConnector
import Testing

@Suite struct PipedriveErrorTableTests {
    /// The statuses and codes that the vendor's documentation names.
    static let documented = [
        "400", "401", "402", "403", "404", "405", "410", "415", "422", "429", "500", "501", "503",
        "ERR_SCHEMA_VALIDATION_FAILED", "feature_capping_deals_limit",
    ]

    @Test(arguments: documented)
    func `each documented code is in the table`(_ vendorCode: String) {
        #expect(VendorErrorTable.pipedrive.rules.contains { $0.vendorCode == vendorCode })
    }

    @Test func `no code is in the table twice`() {
        let codes = VendorErrorTable.pipedrive.rules.map(\.vendorCode)
        #expect(Set(codes).count == codes.count)
    }

    @Test func `codes get the class that says who can mend it`() {
        #expect(VendorErrorTable.pipedrive.rule(for: "429").remedy == .retry(after: nil))
        #expect(VendorErrorTable.pipedrive.rule(for: "401").code == .credentialsRejected)
        #expect(VendorErrorTable.pipedrive.rule(for: "404").code == .recordDeleted)
        #expect(VendorErrorTable.pipedrive.rule(for: "feature_capping_deals_limit").code == .storageFull)
    }

    @Test func `a code that nobody has heard of refuses the row and is kept`() {
        let rejection = PipedriveRefusal(status: 400, code: "ERR_NEW", text: "?").rejection { $0 }
        #expect(rejection.code == .ruleViolated)
        #expect(rejection.remedy == .rejectRecord)
        #expect(rejection.vendorCode == "ERR_NEW")
    }

    @Test func `a refused parameter is named, and says what is wrong`() {
        let key = "3b71d5b6cea10e23f3f433d248add2020d4aff2e"
        func code(_ problem: String) -> ErrorCode {
            PipedriveRefusal(status: 400, code: "ERR_SCHEMA_VALIDATION_FAILED", text: "Validation failed: \(problem)")
                .rejection { $0 }.code
        }
        #expect(code("title: Parameter 'title' is required") == .requiredFieldMissing)
        #expect(code("org_id: Organization 9 not found") == .parentNotLoaded)
        #expect(code("owner_id: User 9 not found") == .ownerUnmatched)
        #expect(code("name: Expected 'string of at most 255 characters'") == .tooLong)
        #expect(code("value: Expected 'number'") == .wrongType)
        let rejection = PipedriveRefusal(
            status: 400, code: "ERR_SCHEMA_VALIDATION_FAILED",
            text: "Validation failed: custom_fields: Expected 'number' as value for person custom field '\(key)'; "
                + "value: Expected 'number'"
        ).rejection { $0 == key ? "Income" : $0 }
        #expect(rejection.fields == ["Income", "value"])
    }
}
