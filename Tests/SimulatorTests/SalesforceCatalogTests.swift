// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import Testing

@Suite struct `Salesforce simulator: products, e-mails, relations, kinds` {
    private func entry(_ client: SalesforceClient, _ book: String, _ product: String) async -> SalesforceClient.Answer {
        await client.send(
            .post, "sobjects/PricebookEntry",
            #"{"Pricebook2Id":"\#(book)","Product2Id":"\#(product)","UnitPrice":10,"IsActive":true}"#)
    }

    private func standard(_ client: SalesforceClient) async throws -> String {
        try #require(await client.values("Id", "SELECT Id FROM Pricebook2 WHERE IsStandard = true").first ?? nil)
    }

    @Test func `a product has a standard price before any other, and one in each book`() async throws {
        let client = try SalesforceClient()
        let product = try await client.create("Product2", #"{"Name":"Anvil","ProductCode":"A1","IsActive":true}"#)
        let other = try await client.create("Pricebook2", #"{"Name":"Partners","IsActive":true}"#)
        #expect(await entry(client, other, product).errorCode == "STANDARD_PRICE_NOT_DEFINED")
        #expect(await entry(client, try standard(client), product).status == 201)
        #expect(await entry(client, try standard(client), product).errorCode == "FIELD_INTEGRITY_EXCEPTION")
        #expect(await entry(client, other, product).status == 201)
        #expect(await client.values("Name", "SELECT Name FROM PricebookEntry") == ["Anvil", "Anvil"])
    }

    @Test func `the first product of an opportunity decides its price book, and all of them its amount`() async throws {
        let client = try SalesforceClient()
        let product = try await client.create("Product2", #"{"Name":"Anvil","IsActive":true}"#)
        let book = try await standard(client)
        let price = try #require(await entry(client, book, product).json["id"]?.text)
        let partners = try await client.create("Pricebook2", #"{"Name":"Partners","IsActive":true}"#)
        let foreign = try #require(await entry(client, partners, product).json["id"]?.text)
        let deal = try await client.create(
            "Opportunity", #"{"Name":"D","StageName":"Prospecting","CloseDate":"2026-01-01","Amount":7}"#)
        func add(_ entry: String, _ more: String) async -> SalesforceClient.Answer {
            await client.send(
                .post, "sobjects/OpportunityLineItem",
                #"{"OpportunityId":"\#(deal)","PricebookEntryId":"\#(entry)",\#(more)}"#)
        }
        let without = await client.send(
            .post, "sobjects/OpportunityLineItem", #"{"OpportunityId":"\#(deal)","Quantity":1,"UnitPrice":1}"#)
        #expect(without.errorCode == "FIELD_INTEGRITY_EXCEPTION")
        #expect(await add(price, #""Quantity":2,"UnitPrice":4,"Discount":25"#).status == 201)
        #expect(await add(price, #""Quantity":4,"TotalPrice":10"#).status == 201)
        #expect(await add(foreign, #""Quantity":1,"UnitPrice":1"#).errorCode == "FIELD_INTEGRITY_EXCEPTION")
        let record = await client.send(.get, "sobjects/Opportunity/\(deal)").json
        #expect(record["Amount"]?.text == "16.0" && record["Pricebook2Id"]?.text == book)
        #expect(record["HasOpportunityLineItem"]?.bool == true)
        // What follows from products is not changed, and nobody is told.
        #expect(await client.send(.patch, "sobjects/Opportunity/\(deal)", #"{"Amount":1}"#).status == 204)
        #expect(await client.send(.get, "sobjects/Opportunity/\(deal)").json["Amount"]?.text == "16.0")
        let names = await client.values("UnitPrice", "SELECT UnitPrice FROM OpportunityLineItem")
        #expect(names == ["4.0", "2.5"])
        #expect(await client.send(.delete, "sobjects/Product2/\(product)").errorCode == "DELETE_FAILED")
    }

    @Test func `an e-mail that was sent stays as it is, and has a task`() async throws {
        let client = try SalesforceClient()
        let account = try await client.create("Account", #"{"Name":"A"}"#)
        let contact = try await client.create("Contact", #"{"LastName":"C"}"#)
        await client.addKey(to: "EmailMessage")
        let mail = try await client.create(
            "EmailMessage",
            #"{"Subject":"Hi","TextBody":"x","Status":"3","MessageDate":"2020-05-06T07:08:09Z","RelatedToId":"\#(account)"}"#
        )
        #expect(await client.send(.patch, "sobjects/EmailMessage/\(mail)", #"{"Subject":"Ho"}"#).status == 400)
        #expect(await client.send(.patch, "sobjects/EmailMessage/\(mail)", #"{"Key__c":"k"}"#).status == 204)
        #expect(
            await client.values("TaskSubtype", "SELECT TaskSubtype FROM Task WHERE WhatId = '\(account)'") == ["Email"])
        let relation = #"{"EmailMessageId":"\#(mail)","RelationId":"\#(contact)","RelationType":"ToAddress"}"#
        #expect(await client.send(.post, "sobjects/EmailMessageRelation", relation).status == 201)
        let kinds = await client.values("RelationObjectType", "SELECT RelationObjectType FROM EmailMessageRelation")
        #expect(kinds == ["Contact"])
        #expect(await client.send(.delete, "sobjects/EmailMessage/\(mail)").status == 204)
        #expect(try client.simulator.count(of: "Task") == 0)
        #expect(try client.simulator.count(of: "EmailMessageRelation") == 0)
    }

    @Test func `without Enhanced Email or Shared Activities their objects are not there`() async throws {
        let client = try SalesforceClient { $0.hasEnhancedEmail = false }
        #expect(await client.send(.get, "sobjects/EmailMessage/describe").status == 404)
        #expect(await client.send(.get, "sobjects/TaskRelation/describe").status == 404)
    }

    @Test func `whom an activity is about are relations, each once`() async throws {
        let client = try SalesforceClient { $0.sharesActivities = true }
        let first = try await client.create("Contact", #"{"LastName":"A"}"#)
        let second = try await client.create("Contact", #"{"LastName":"B"}"#)
        let task = try await client.create("Task", #"{"Subject":"Call","WhoId":"\#(first)"}"#)
        func relate(_ contact: String) async -> SalesforceClient.Answer {
            await client.send(
                .post, "sobjects/TaskRelation", #"{"TaskId":"\#(task)","RelationId":"\#(contact)"}"#)
        }
        #expect(await relate(first).errorCode == "DUPLICATE_VALUE")
        #expect(await relate(second).status == 201)
        let people = await client.values("RelationId", "SELECT RelationId FROM TaskRelation WHERE IsWhat = false")
        #expect(Set(people) == [first, second])
        #expect(await client.send(.patch, "sobjects/Task/\(task)", #"{"WhoId":null}"#).status == 204)
        #expect(await client.values("RelationId", "SELECT RelationId FROM TaskRelation") == [second])
    }

    @Test func `an account of a person's kind is a contact, too`() async throws {
        let client = try SalesforceClient { options in
            options.hasPersonAccounts = true
            options.recordTypes = [.init("Person", of: "Account", isPerson: true), .init("Firm", of: "Account")]
        }
        let infos = await client.send(.get, "sobjects/Account/describe").json["recordTypeInfos"]?.elements ?? []
        let type = try #require(infos.first { $0["name"]?.text == "Person" }?["recordTypeId"]?.text)
        let id = try await client.create(
            "Account", #"{"RecordTypeId":"\#(type)","FirstName":"Ada","LastName":"L","PersonEmail":"a@b.test"}"#)
        let account = await client.send(.get, "sobjects/Account/\(id)").json
        #expect(account["Name"]?.text == "Ada L" && account["IsPersonAccount"]?.bool == true)
        let contact = try #require(account["PersonContactId"]?.text)
        #expect(await client.values("Id", "SELECT Id FROM Contact WHERE Email = 'a@b.test'") == [contact])
        #expect(await client.send(.delete, "sobjects/Contact/\(contact)").errorCode == "DELETE_FAILED")
        let named = await client.send(.patch, "sobjects/Account/\(id)", #"{"Name":"Other"}"#)
        #expect(named.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE")
        let firm = await client.send(.post, "sobjects/Account", #"{"Name":"F","LastName":"L"}"#)
        #expect(firm.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE")
    }
}
