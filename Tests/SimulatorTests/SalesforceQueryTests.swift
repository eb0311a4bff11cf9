// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import Testing

@Suite struct `Salesforce simulator: queries` {
    @Test(arguments: [0, 1, 199, 200, 201, 401]) func `pages follow each other to the last record`(
        _ count: Int
    ) async throws {
        let client = try SalesforceClient()
        await client.addKey(to: "Account")
        for start in stride(from: 0, to: count, by: 200) {
            _ = await client.upsert(
                "Account", (start..<min(start + 200, count)).map { #""Name":"N","Key__c":"\#($0)""# })
        }
        var page = await client.query(
            "SELECT Key__c FROM Account", headers: [("Sforce-Query-Options", "batchSize=200")])
        var keys: [String] = []
        while true {
            #expect(page.json["totalSize"]?.int == count)
            keys += page.json["records"]?.elements.compactMap { $0["Key__c"]?.text } ?? []
            guard let next = page.json["nextRecordsUrl"]?.text else { break }
            #expect(page.json["done"]?.bool == false)
            page = await client.send(.get, next)
        }
        #expect(page.json["done"]?.bool == true)
        #expect(keys == (0..<count).map(String.init))
    }

    @Test(arguments: [
        ("Name = 'acme'", ["Acme"]),
        ("Name != 'acme'", ["100%_sure", "O'Neil", "Zed"]),
        ("Name LIKE '%E%'", ["Acme", "100%_sure", "O'Neil", "Zed"]),
        (#"Name LIKE '100\%\_%'"#, ["100%_sure"]),
        ("Name LIKE '1_0%'", ["100%_sure"]),
        (#"Name = 'O\'Neil'"#, ["O'Neil"]),
        (#"Name = '\u005aed'"#, ["Zed"]),
        ("Name IN ('Acme','Zed')", ["Acme", "Zed"]),
        ("Name NOT IN ('Acme','Zed')", ["100%_sure", "O'Neil"]),
        ("AnnualRevenue >= 10.5", ["100%_sure", "O'Neil"]),
        ("AnnualRevenue = null", ["Zed"]),
        ("AnnualRevenue != null AND (Name = 'Zed' OR Name = 'Acme')", ["Acme"]),
        ("NOT (Name = 'Zed')", ["Acme", "100%_sure", "O'Neil"]),
        ("NOT Name = 'Zed' AND AnnualRevenue < 20", ["Acme", "100%_sure"]),
        (
            "CreatedDate > 2026-11-23T11:59:59Z AND CreatedDate <= 2026-11-23T13:00:00+01:00",
            ["Acme", "100%_sure", "O'Neil", "Zed"]
        ),
        ("Owner.Email = 'etl@acme.test' AND IsDeleted = false AND Name = 'Zed'", ["Zed"]),
        ("Name = ''", []),
    ])
    func `a condition finds what it says`(_ condition: String, _ names: [String]) async throws {
        let client = try SalesforceClient()
        for (name, revenue) in [("Acme", "10"), ("100%_sure", "10.5"), ("O'Neil", "20"), ("Zed", "null")] {
            _ = try await client.create("Account", #"{"Name":"\#(name)","AnnualRevenue":\#(revenue)}"#)
        }
        let answer = await client.query("SELECT Name FROM Account WHERE \(condition)")
        #expect(answer.json["records"]?.elements.map { $0["Name"]?.text } == names, "\(answer.text)")
        let count = await client.query("SELECT COUNT() FROM Account WHERE \(condition)")
        #expect(count.json["totalSize"]?.int == names.count)
    }

    @Test(arguments: [
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'open", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' LIMIT", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account GROUP BY Id", "MALFORMED_QUERY"),
        (#"SELECT Id FROM Account WHERE Name = '\x'"#, "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nothing FROM Account", "INVALID_FIELD"),
        ("SELECT Nobody.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM ContentDocumentLink", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ])
    func `a query that cannot be run is refused`(_ soql: String, _ code: String) async throws {
        let client = try SalesforceClient()
        let answer = await client.query(soql)
        #expect(answer.status == 400)
        #expect(answer.errorCode == code, "\(answer.text)")
    }

    @Test func `related fields are objects in the record, or null`() async throws {
        let client = try SalesforceClient()
        let account = try await client.create("Account", #"{"Name":"Acme"}"#)
        _ = try await client.create("Contact", #"{"LastName":"A","AccountId":"\#(account)"}"#)
        _ = try await client.create("Contact", #"{"LastName":"B"}"#)
        let answer = await client.query("SELECT LastName, Account.Name, Account.Id FROM Contact ORDER BY LastName DESC")
        let records = answer.json["records"]?.elements ?? []
        #expect(records.first?["Account"] == .null)
        #expect(records.last?["Account"]?["Name"]?.text == "Acme")
        #expect(records.last?["Account"]?["Id"]?.text == account)
        #expect(records.last?["attributes"]?["type"]?.text == "Contact")
    }

    @Test func `an order puts null first unless told otherwise`() async throws {
        let client = try SalesforceClient()
        for (name, city) in [("A", "\"Y\""), ("B", "null"), ("C", "\"X\"")] {
            _ = try await client.create("Account", #"{"Name":"\#(name)","BillingCity":\#(city)}"#)
        }
        for (order, names) in [
            ("BillingCity", ["B", "C", "A"]), ("BillingCity DESC", ["B", "A", "C"]),
            ("BillingCity NULLS LAST", ["C", "A", "B"]), ("BillingCity DESC LIMIT 1 OFFSET 1", ["A"]),
        ] {
            #expect(await client.values("Name", "SELECT Name FROM Account ORDER BY \(order)") == names, "\(order)")
        }
    }

    @Test(arguments: [16_384, 16_385]) func `an address may be 16 k long`(_ length: Int) async throws {
        let client = try SalesforceClient()
        let start = "/services/data/v67.0/query?q=SELECT+Id+FROM+Account+WHERE+Name='"
        let target = start + String(repeating: "x", count: length - start.utf8.count - 1) + "'"
        #expect(await client.send(.get, target).status == (length <= 16_384 ? 200 : 414))
    }

    @Test func `a bulk query gives its results in pieces and ends with a null locator`() async throws {
        let client = try SalesforceClient()
        await client.addKey(to: "Account")
        let rows = (0..<5).map { #""Name":"N, \"\#($0)\"","Key__c":"\#($0)""# }
        _ = await client.upsert("Account", rows)
        let job = await client.send(
            .post, "jobs/query", #"{"operation":"query","query":"SELECT Name, Owner.Email, Site FROM Account"}"#)
        let id = try #require(job.json["id"]?.text)
        #expect(await client.send(.get, "jobs/query/\(id)").json["state"]?.text == "InProgress")
        #expect(await client.send(.get, "jobs/query/\(id)/results").errorCode == "INVALIDJOBSTATE")
        #expect(await client.send(.get, "jobs/query/\(id)").json["state"]?.text == "JobComplete")
        var locator = ""
        var lines: [String] = []
        var pieces = 0
        while locator != "null", pieces < 10 {
            let piece = await client.send(.get, "jobs/query/\(id)/results?maxRecords=2&locator=\(locator)")
            locator = piece.headers["Sforce-Locator"] ?? "null"
            let all = piece.text.split(separator: "\n").map(String.init)
            #expect(all.first == #""Name","Owner.Email","Site""#)
            #expect(piece.headers["Sforce-NumberOfRecords"] == String(all.count - 1))
            lines += all.dropFirst()
            pieces += 1
        }
        #expect(pieces == 3)
        #expect(lines == (0..<5).map { #""N, ""\#($0)""","etl@acme.test","""# })
    }
}
