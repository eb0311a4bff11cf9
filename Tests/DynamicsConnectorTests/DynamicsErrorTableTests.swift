// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezDynamicsConnector
import MigratezModel
import Testing

@Suite struct DynamicsErrorTableTests {
    /// Every code that the reference of the Web API names for this connector.
    static let documented = [
        "0x80040217", "0x80040220", "0x80040237", "0x80040333", "0x80044331", "0x8006088a", "0x0", "0x80072322",
        "0x80072321", "0x80072326",
    ]

    @Test(arguments: documented)
    func `each documented code is in the table`(_ vendorCode: String) {
        #expect(DynamicsErrorRule.all.contains { $0.vendorCode == vendorCode })
    }

    @Test func `no code is in the table twice, and all are in small letters`() {
        let codes = DynamicsErrorRule.all.map(\.vendorCode)
        #expect(Set(codes).count == codes.count)
        #expect(codes.allSatisfy { $0 == $0.lowercased() && $0.hasPrefix("0x") })
    }

    @Test func `codes get the class that says who can mend it`() {
        #expect(DynamicsErrorRule.rule(for: "0x80072322").code == .throttled)
        #expect(DynamicsErrorRule.rule(for: "0x80072322").remedy == .retry(after: nil))
        #expect(DynamicsErrorRule.rule(for: "0x8004431A").code == .notInPicklist)
        #expect(DynamicsErrorRule.rule(for: "0x80040225").code == .ownerInactive)
        #expect(DynamicsErrorRule.rule(for: "0x80060892").code == .duplicate)
        #expect(DynamicsErrorRule.rule(for: "0x8006088a").remedy == .fixConfiguration)
    }

    @Test func `a code that nobody has heard of refuses the row, and a failing server is asked again`() {
        #expect(DynamicsErrorRule.rule(for: "0x8badf00d").code == .ruleViolated)
        #expect(DynamicsErrorRule.rule(for: "0x8badf00d").remedy == .rejectRecord)
        #expect(DynamicsErrorRule.rule(for: "0x8badf00d", status: 503).remedy == .retry(after: nil))
    }

    @Test func `a rejection names the columns that the text names, and no other word of it`() {
        let refusal = DynamicsRefusal(
            status: 400, vendorCode: "0x80044331",
            text: "The length of the 'firstname' attribute of the 'contact' entity exceeded '50'.")
        let rejection = refusal.rejection(columns: ["firstname", "lastname"])
        #expect(rejection.code == .tooLong)
        #expect(rejection.fields == ["firstname"])
        #expect(rejection.vendorCode == "0x80044331")
    }

    @Test func `a refusal shows no words of the service`() {
        let refusal = DynamicsRefusal(status: 400, vendorCode: "0x80044331", text: "Ada Lovelace is too long")
        #expect(refusal.description == "status 400: 0x80044331")
    }
}
