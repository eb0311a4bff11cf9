// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezTestKit
import Testing

@Suite struct `Salesforce simulator: records` {
    @Test func `an id is accepted with 15 characters, with 18, and with 18 in another case`() async throws {
        let client = try SalesforceClient()
        let account = try await client.create("Account", #"{"Name":"Acme"}"#)
        #expect(account.utf8.count == 18)
        #expect(account.hasPrefix("001"))
        for id in [account, String(account.prefix(15)), account.uppercased(), account.lowercased()] {
            let answer = await client.send(.get, "sobjects/Account/\(id)?fields=Name")
            #expect(answer.json["Name"]?.text == "Acme", "\(id)")
        }
        // Without its suffix, an id in another case is another id.
        #expect(await client.send(.get, "sobjects/Account/\(account.prefix(15).lowercased())").status == 404)
        #expect(await client.send(.get, "sobjects/Account/\(account.prefix(14))").status == 404)
    }

    @Test(arguments: [
        (#"{"FirstName":"Ada"}"#, "REQUIRED_FIELD_MISSING"),
        (#"{"LastName":""}"#, "REQUIRED_FIELD_MISSING"),
        (#"{"LastName":"A","Email":"nobody"}"#, "INVALID_EMAIL_ADDRESS"),
        (#"{"LastName":"A","LeadSource":"Heaven"}"#, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        (#"{"LastName":"A","Nope__c":1}"#, "INVALID_FIELD"),
        (#"{"LastName":"A","AccountId":"12"}"#, "MALFORMED_ID"),
        (#"{"LastName":"A","AccountId":"001Mz0000000zzz"}"#, "INVALID_CROSS_REFERENCE_KEY"),
        (#"{"LastName":"A","CreatedDate":"2020-01-01T00:00:00Z"}"#, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        (#"{"LastName":"A","Account":{"Site":"x"}}"#, "INVALID_FIELD"),
        (#"{"LastName":"A","Birthdate":"2020-02-30"}"#, "JSON_PARSER_ERROR"),
        (#"{"LastName":5}"#, "JSON_PARSER_ERROR"),
        (#"{"LastName":"A""#, "JSON_PARSER_ERROR"),
    ])
    func `a bad contact is refused with the code for it`(_ body: String, _ code: String) async throws {
        let client = try SalesforceClient()
        let answer = await client.send(.post, "sobjects/Contact", body)
        #expect(answer.status == 400)
        #expect(answer.errorCode == code, "\(answer.text)")
        #expect(try client.simulator.count(of: "Contact") == 0)
    }

    @Test(arguments: [79, 80, 81]) func `a text may be as long as describe says`(_ length: Int) async throws {
        let client = try SalesforceClient()
        let name = String(repeating: "é", count: length)
        let answer = await client.send(.post, "sobjects/Contact", #"{"LastName":"\#(name)"}"#)
        #expect(answer.status == (length <= 80 ? 201 : 400))
        if length > 80 { #expect(answer.errorCode == "STRING_TOO_LONG") }
    }

    @Test func `an upsert by external id creates once and updates then`() async throws {
        let client = try SalesforceClient()
        await client.addKey(to: "Contact")
        let first = await client.send(.patch, "sobjects/Contact/Key__c/a%20b", #"{"LastName":"One"}"#)
        #expect(first.status == 201)
        #expect(first.json["created"]?.bool == true)
        let second = await client.send(.patch, "sobjects/Contact/Key__c/a%20b", #"{"FirstName":"Two"}"#)
        #expect(second.status == 200)
        #expect(second.json["id"] == first.json["id"])
        // The field is case-sensitive, so this is another record.
        #expect(await client.send(.patch, "sobjects/Contact/Key__c/A%20B", #"{"LastName":"Three"}"#).status == 201)
        let only = await client.send(.patch, "sobjects/Contact/Key__c/new?updateOnly=true", #"{"LastName":"X"}"#)
        #expect(only.status == 404)
        #expect(await client.values("Name", "SELECT Name FROM Contact ORDER BY Id") == ["Two One", "Three"])
        #expect(try client.simulator.duplicates(of: "Contact", by: "Key__c").isEmpty)
    }

    @Test func `a value that several records have is answered with all of them`() async throws {
        let client = try SalesforceClient()
        for name in ["A", "B"] {
            _ = try await client.create("Contact", #"{"LastName":"\#(name)","Email":"x@y.test"}"#)
        }
        let answer = await client.send(.patch, "sobjects/Contact/Email/x@y.test", #"{"Title":"T"}"#)
        #expect(answer.status == 300)
        #expect(answer.json.elements.count == 2)
        #expect(try client.simulator.duplicates(of: "Contact", by: "Email").map(\.count) == [2])
    }

    @Test func `a unique value is refused for a second record, and free again after a deletion`() async throws {
        let client = try SalesforceClient()
        await client.addKey(to: "Account")
        let first = try await client.create("Account", #"{"Name":"A","Key__c":"k"}"#)
        let second = await client.send(.post, "sobjects/Account", #"{"Name":"B","Key__c":"k"}"#)
        #expect(second.errorCode == "DUPLICATE_VALUE")
        #expect(second.text.contains(first.prefix(15)))
        #expect(await client.send(.delete, "sobjects/Account/\(first)").status == 204)
        #expect(await client.send(.get, "sobjects/Account/\(first)").errorCode == "ENTITY_IS_DELETED")
        _ = try await client.create("Account", #"{"Name":"B","Key__c":"k"}"#)
    }

    @Test func `an account takes its contacts and opportunities with it`() async throws {
        let client = try SalesforceClient()
        let account = try await client.create("Account", #"{"Name":"A"}"#)
        _ = try await client.create("Contact", #"{"LastName":"C","AccountId":"\#(account)"}"#)
        _ = try await client.create("Contact", #"{"LastName":"Other"}"#)
        _ = try await client.create(
            "Opportunity",
            #"{"Name":"O","StageName":"Closed Won","CloseDate":"2026-01-31","AccountId":"\#(account)"}"#)
        #expect(await client.values("Name", "SELECT Name FROM Opportunity WHERE IsWon = true") == ["O"])
        #expect(await client.send(.delete, "sobjects/Account/\(account)").status == 204)
        #expect(try client.simulator.count(of: "Contact") == 1)
        #expect(try client.simulator.count(of: "Opportunity") == 0)
        let all = await client.send(.get, "queryAll?q=SELECT+Id+FROM+Contact")
        #expect(all.json["totalSize"]?.int == 2)
    }

    @Test func `a person who left cannot be given records, unless the right is there`() async throws {
        let gone = OrgOptions.User(email: "gone@acme.test", name: "Gone Person", isActive: false)
        for permits in [false, true] {
            let client = try SalesforceClient {
                $0.users.append(gone)
                $0.permitsInactiveOwners = permits
            }
            let answer = await client.send(
                .post, "sobjects/Account", #"{"Name":"A","Owner":{"Email":"Gone@acme.test"}}"#)
            #expect(answer.status == (permits ? 201 : 400))
            if !permits { #expect(answer.errorCode == "INACTIVE_OWNER_OR_USER") }
        }
    }

    @Test func `audit fields are set on insert with the right for it, never by an upsert`() async throws {
        let client = try SalesforceClient { $0.permitsAuditFields = true }
        await client.addKey(to: "Contact")
        let fields = #"{"LastName":"A","CreatedDate":"2019-05-01T10:00:00+02:00"}"#
        let id = try await client.create("Contact", fields)
        let read = await client.send(.get, "sobjects/Contact/\(id)")
        #expect(read.json["CreatedDate"]?.text == "2019-05-01T08:00:00.000+0000")
        #expect(read.json["SystemModstamp"]?.text == "2026-11-23T12:00:00.000+0000")
        let upsert = await client.send(.patch, "sobjects/Contact/Key__c/x", fields)
        #expect(upsert.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE")
    }

    @Test func `the duplicate rule refuses a second address unless the client allows it`() async throws {
        let client = try SalesforceClient { $0.hasContactDuplicateRule = true }
        let body = #"{"LastName":"A","Email":"a@b.test"}"#
        _ = try await client.create("Contact", body)
        #expect(await client.send(.post, "sobjects/Contact", body).errorCode == "DUPLICATES_DETECTED")
        let allowed = await client.send(
            .post, "sobjects/Contact", body, headers: [("Sforce-Duplicate-Rule-Header", "allowSave=true")])
        #expect(allowed.status == 201)
    }

    @Test func `a meeting has a start, and its end and duration follow from each other`() async throws {
        let client = try SalesforceClient()
        #expect(await client.send(.post, "sobjects/Event", #"{"Subject":"S"}"#).errorCode == "REQUIRED_FIELD_MISSING")
        let id = try await client.create(
            "Event", #"{"Subject":"S","StartDateTime":"2026-01-01T10:00:00Z","DurationInMinutes":90}"#)
        let read = await client.send(.get, "sobjects/Event/\(id)").json
        #expect(read["EndDateTime"]?.text == "2026-01-01T11:30:00.000+0000")
        #expect(
            await client.send(
                .patch, "sobjects/Event/\(id)", #"{"EndDateTime":"2026-01-01T10:30:00.000+0000"}"#
            ).status == 204)
        #expect(await client.send(.get, "sobjects/Event/\(id)").json["DurationInMinutes"]?.int == 30)
    }

    @Test func `what was written is there after a restart, custom fields too`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/org.sqlite"
            do {
                let client = try SalesforceClient(databasePath: path)
                await client.addKey(to: "Contact")
                _ = try await client.create("Contact", #"{"LastName":"Ada","Key__c":"k"}"#)
            }
            let client = try SalesforceClient(databasePath: path)
            #expect(await client.send(.get, "sobjects/Contact/Key__c/k").json["LastName"]?.text == "Ada")
            #expect(await client.send(.patch, "sobjects/Contact/Key__c/k", #"{"Title":"T"}"#).status == 200)
            let other = try await client.create("Contact", #"{"LastName":"New"}"#)
            #expect(await client.values("Id", "SELECT Id FROM Contact ORDER BY Id").last == other)
        }
    }
}
