// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import Testing

@Suite struct `Salesforce simulator: collections and composite` {
    @Test(arguments: [1, 199, 200, 201]) func `a request takes up to 200 records`(_ count: Int) async throws {
        let client = try SalesforceClient()
        await client.addKey(to: "Contact")
        let rows = (0..<count).map { #""LastName":"L\#($0)","Key__c":"\#($0)""# }
        let results = await client.upsert("Contact", rows)
        if count > 200 {
            #expect(results.first?["errorCode"]?.text == "EXCEEDED_ID_LIMIT")
            #expect(try client.simulator.count(of: "Contact") == 0)
        } else {
            #expect(results.count == count)
            #expect(try client.simulator.count(of: "Contact") == count)
        }
    }

    @Test func `one bad row fails alone, or takes all with it`() async throws {
        let client = try SalesforceClient()
        await client.addKey(to: "Contact")
        let rows = [#""LastName":"A","Key__c":"a""#, #""Key__c":"b""#, #""LastName":"C","Key__c":"c""#]
        let undone = await client.upsert("Contact", rows, allOrNone: true)
        #expect(
            undone.map(\.rowError) == [
                "ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING", "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            ])
        #expect(try client.simulator.count(of: "Contact") == 0)
        let partly = await client.upsert("Contact", rows)
        #expect(partly.map(\.rowError) == [nil, "REQUIRED_FIELD_MISSING", nil])
        #expect(partly.map { $0["created"]?.bool } == [true, nil, true])
        #expect(try client.simulator.count(of: "Contact") == 2)
    }

    @Test func `rows of one request with the same key are all refused`() async throws {
        let client = try SalesforceClient()
        await client.addKey(to: "Contact")
        let results = await client.upsert(
            "Contact",
            [#""LastName":"A","Key__c":"a""#, #""LastName":"B","Key__c":"a""#, #""LastName":"C","Key__c":"A""#])
        #expect(results.map(\.rowError) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE", nil])
    }

    @Test func `a value of the wrong type fails the whole request`() async throws {
        let client = try SalesforceClient()
        await client.addKey(to: "Contact")
        let results = await client.upsert(
            "Contact", [#""LastName":"A","Key__c":"a""#, #""LastName":"B","Key__c":"b","Birthdate":"soon""#])
        #expect(results.first?["errorCode"]?.text == "JSON_PARSER_ERROR")
        #expect(try client.simulator.count(of: "Contact") == 0)
    }

    @Test func `a relationship is found by external id, and a missing parent is told`() async throws {
        let client = try SalesforceClient()
        await client.addKey(to: "Account")
        await client.addKey(to: "Contact")
        let account = try await client.create("Account", #"{"Name":"Acme","Key__c":"42"}"#)
        let results = await client.upsert(
            "Contact",
            [
                #""LastName":"A","Key__c":"a","Account":{"Key__c":"42"}"#,
                #""LastName":"B","Key__c":"b","Account":{"Key__c":"43"}"#,
                #""LastName":"C","Key__c":"c","Account":null"#,
            ])
        #expect(results.map(\.rowError) == [nil, "INVALID_FIELD", nil])
        let message = results[1]["errors"]?[0]?["message"]?.text
        #expect(message == "Foreign key external ID: 43 not found for field Key__c in entity Account")
        #expect(await client.values("AccountId", "SELECT AccountId FROM Contact ORDER BY Key__c") == [account, nil])
    }

    @Test func `a polymorphic relationship needs its type`() async throws {
        let client = try SalesforceClient()
        await client.addKey(to: "Contact")
        await client.addKey(to: "Activity")
        let contact = try await client.create("Contact", #"{"LastName":"A","Key__c":"a"}"#)
        let results = await client.upsert(
            "Task",
            [
                #""Key__c":"t1","Who":{"attributes":{"type":"Contact"},"Key__c":"a"}"#,
                #""Key__c":"t2","Who":{"Key__c":"a"}"#,
            ])
        #expect(results.map(\.rowError) == [nil, "INVALID_FIELD"])
        #expect(await client.values("WhoId", "SELECT WhoId FROM Task") == [contact])
    }

    @Test func `a field that is set on creation only refuses to be repeated`() async throws {
        for accepts in [false, true] {
            let client = try SalesforceClient { $0.acceptsUnchangedCreateOnlyFields = accepts }
            await client.addKey(to: "OpportunityContactRole")
            let contact = try await client.create("Contact", #"{"LastName":"A"}"#)
            let deal = try await client.create(
                "Opportunity", #"{"Name":"O","StageName":"Prospecting","CloseDate":"2026-01-31"}"#)
            let row = #""Key__c":"r","OpportunityId":"\#(deal)","ContactId":"\#(contact)","Role":"Anything""#
            #expect(await client.upsert("OpportunityContactRole", [row]).map(\.rowError) == [nil])
            let again = await client.upsert("OpportunityContactRole", [row])
            #expect(again.map(\.rowError) == [accepts ? nil : "INVALID_FIELD_FOR_INSERT_UPDATE"])
        }
    }

    @Test func `records are updated, retrieved and deleted by id, in the order of the request`() async throws {
        let client = try SalesforceClient()
        var ids: [String] = []
        for name in ["A", "B", "C"] { ids.append(try await client.create("Account", #"{"Name":"\#(name)"}"#)) }
        let updated = await client.send(
            .patch, "composite/sobjects",
            #"{"records":[{"attributes":{"type":"Account"},"id":"\#(ids[2])","Name":"C2"},"#
                + #"{"attributes":{"type":"Account"},"id":"001Mz0000000zzz","Name":"X"}]}"#)
        #expect(updated.json.elements.map(\.rowError) == [nil, "INVALID_CROSS_REFERENCE_KEY"])
        let read = await client.send(
            .post, "composite/sobjects/Account",
            #"{"ids":["\#(ids[2])","001Mz0000000zzz","\#(ids[0].prefix(15))"],"fields":["Name"]}"#)
        #expect(read.json.elements.map { $0["Name"]?.text } == ["C2", nil, "A"])
        let deleted = await client.send(.delete, "composite/sobjects?ids=\(ids[0]),\(ids[0]),\(ids[1])&allOrNone=false")
        #expect(deleted.json.elements.map(\.rowError) == [nil, "ENTITY_IS_DELETED", nil])
        #expect(try client.simulator.count(of: "Account") == 1)
    }

    @Test func `subrequests refer to each other, and one failure can undo all`() async throws {
        let client = try SalesforceClient()
        func request(_ name: String) -> String {
            """
            {"allOrNone":true,"compositeRequest":[
            {"method":"POST","url":"/services/data/v67.0/sobjects/Account","referenceId":"a","body":{"Name":"Acme"}},
            {"method":"POST","url":"/services/data/v67.0/sobjects/Contact","referenceId":"c",
             "body":{"LastName":"\(name)","AccountId":"@{a.id}"}}]}
            """
        }
        let failed = await client.send(.post, "composite", request(""))
        #expect(failed.json["compositeResponse"]?.elements.map { $0["httpStatusCode"]?.int } == [400, 400])
        #expect(try client.simulator.count(of: "Account") == 0)
        let done = await client.send(.post, "composite", request("Ada"))
        #expect(done.json["compositeResponse"]?.elements.map { $0["httpStatusCode"]?.int } == [201, 201])
        #expect(await client.values("LastName", "SELECT LastName FROM Contact WHERE Account.Name = 'Acme'") == ["Ada"])
    }

    @Test func `a batch fetches many descriptions at once`() async throws {
        let client = try SalesforceClient()
        let answer = await client.send(
            .post, "composite/batch",
            #"{"batchRequests":[{"method":"GET","url":"v67.0/sobjects/Account/describe"},"#
                + #"{"method":"GET","url":"v67.0/sobjects/Nothing/describe"}]}"#)
        #expect(answer.json["hasErrors"]?.bool == true)
        let results = answer.json["results"]?.elements ?? []
        #expect(results.map { $0["statusCode"]?.int } == [200, 404])
        #expect(results.first?["result"]?["name"]?.text == "Account")
    }

    @Test func `rows that share a parent out of order can meet a lock, sorted ones do not`() async throws {
        let client = try SalesforceClient { $0.lockShare = 1 }
        await client.addKey(to: "Account")
        await client.addKey(to: "Contact")
        for key in ["p", "q"] { _ = try await client.create("Account", #"{"Name":"\#(key)","Key__c":"\#(key)"}"#) }
        func rows(_ parents: [String]) -> [String] {
            parents.enumerated().map { #""LastName":"L","Key__c":"\#($0)","Account":{"Key__c":"\#($1)"}"# }
        }
        let mixed = await client.upsert("Contact", rows(["p", "q", "p"]))
        #expect(mixed.map(\.rowError) == [nil, nil, "UNABLE_TO_LOCK_ROW"])
        let sorted = await client.upsert("Contact", rows(["p", "p", "q"]))
        #expect(sorted.map(\.rowError) == [nil, nil, nil])
    }
}
