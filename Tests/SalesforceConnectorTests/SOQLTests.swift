// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezSalesforceConnector
import Testing

@Suite struct SOQLTests {
    @Test func `a literal keeps every character inside its quotes`() {
        #expect(SOQL.literal("plain") == "'plain'")
        #expect(SOQL.literal("O'Brien") == #"'O\'Brien'"#)
        #expect(SOQL.literal(#"back\slash"#) == #"'back\\slash'"#)
        #expect(SOQL.literal(#"\' OR Name != '"#) == #"'\\\' OR Name != \''"#)
        #expect(SOQL.literal("a\nb\tc\rd\"e") == #"'a\nb\tc\rd\"e'"#)
        #expect(SOQL.literal("日本🎉") == "'日本🎉'")
        #expect(SOQL.literal("") == "''")
    }

    @Test func `a prefix pattern takes its own wildcards as text`() {
        #expect(SOQL.pattern(prefix: "hubspot-contact-") == "'hubspot-contact-%'")
        #expect(SOQL.pattern(prefix: "my_crm-50%") == #"'my\_crm-50\%%'"#)
        #expect(SOQL.pattern(prefix: "a'b") == #"'a\'b%'"#)
    }

    @Test(arguments: ["Account", "Migratez_Id__c", "Account.Name", "X1"])
    func `names of objects and fields are names`(_ name: String) {
        #expect(SOQL.isName(name))
    }

    @Test(arguments: ["", ".Name", "Name.", "a b", "a'b", "a/b", "Ä", "a,b", "a;b"])
    func `anything else is no name`(_ name: String) {
        #expect(!SOQL.isName(name))
    }

    @Test func `groups cover all literals in order and keep within the length of an address`() {
        let literals = (0..<5000).map { SOQL.literal("hubspot-contact-\($0)") }
        let groups = SOQL.groups(literals, overhead: 500)
        #expect(Array(groups.joined()) == literals)
        for group in groups {
            #expect(PercentEncoding.length(group.joined(separator: ",")) + 500 <= 12_000)
        }
        #expect(SOQL.groups([], overhead: 0).isEmpty)
    }

    @Test func `a literal that is too long for any address stands alone`() {
        let long = String(repeating: "x", count: 20_000)
        #expect(SOQL.groups(["a", long, "b"], overhead: 0).map(Array.init) == [["a"], [long], ["b"]])
    }

    @Test func `percent-encoding leaves only unreserved characters`() {
        #expect(PercentEncoding.encode("a b&c=d'é") == "a%20b%26c%3Dd%27%C3%A9")
        #expect(PercentEncoding.encode("A-Z_a.z~9") == "A-Z_a.z~9")
        #expect(PercentEncoding.length("a bé") == PercentEncoding.encode("a bé").utf8.count)
    }
}

@Suite struct SalesforceIDTests {
    /// Pairs from Salesforce's own description of the algorithm and from common sample data.
    @Test(arguments: [
        ("0015000000K0gTN", "0015000000K0gTNAAZ"), ("001A0000006Vm9r", "001A0000006Vm9rIAC"),
        ("a0e000000000001", "a0e000000000001AAA"), ("0039000001PdoaC", "0039000001PdoaCAAR"),
    ])
    func `fifteen characters get the suffix that tells their case`(_ short: String, _ long: String) {
        #expect(SalesforceID.canonical(short) == long)
        #expect(SalesforceID.canonical(long) == long)
    }

    @Test func `what is no id stays as it is`() {
        #expect(SalesforceID.canonical("") == "")
        #expect(SalesforceID.canonical("hubspot-cont-51") == "hubspot-cont-51")
        #expect(!SalesforceID.isID("0015000000K0gT"))
        #expect(!SalesforceID.isID("0015000000K0gT'"))
        #expect(SalesforceID.isID("0015000000K0gTN") && SalesforceID.isID("0015000000K0gTNAAZ"))
    }
}
