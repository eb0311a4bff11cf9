// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezHubSpotSimulator
import MigratezJSON
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Testing

@Suite struct `HubSpot simulator, writing` {
    static let contacts = "/crm/v3/objects/contacts"

    private static func row(_ email: String, trace: String? = nil) -> JSONValue {
        var members: [JSONValue.Member] = [.init("properties", ["email": .string(email)])]
        if let trace { members.append(.init("objectWriteTraceId", .string(trace))) }
        return .object(members)
    }

    @Test func `a bad row fails the whole batch unless every row has a trace id`() async throws {
        let account = try HubSpotAccount(.init(contacts: 10))
        let path = Self.contacts + "/batch/create"
        let without: JSONValue = ["inputs": [Self.row("a@x.test"), Self.row("no address")]]
        #expect(try await account.ask(.post, path, without).status == 400)
        let some: JSONValue = ["inputs": [Self.row("a@x.test", trace: "1"), Self.row("no address")]]
        #expect(try await account.ask(.post, path, some).status == 400)
        let same: JSONValue = ["inputs": [Self.row("a@x.test", trace: "1"), Self.row("no address", trace: "1")]]
        #expect(try await account.ask(.post, path, same).status == 400)
        // Nothing of the refused batches was applied.
        #expect(try await account.pages(Self.contacts + "?limit=100").ids == account.expected(.contact))

        let traced: JSONValue = [
            "inputs": [Self.row("a@x.test", trace: "row-7"), Self.row("no address", trace: "row-8")]
        ]
        let partial = try await account.ask(.post, path, traced)
        #expect(partial.status == 207)
        #expect(partial.body["numErrors"]?.int == 1)
        #expect(partial.body["results"]?[0]?["objectWriteTraceId"]?.text == "row-7")
        #expect(partial.body["errors"]?[0]?["context"]?["objectWriteTraceId"]?[0]?.text == "row-8")
        #expect(partial.body["errors"]?[0]?["category"]?.text == "VALIDATION_ERROR")
        let fine = try await account.ask(.post, path, ["inputs": [Self.row("b@x.test")]])
        #expect(fine.status == 201 && fine.body["errors"] == nil)
    }

    @Test func `an update of a batch fails row by row in any case`() async throws {
        let account = try HubSpotAccount(.init(contacts: 10))
        let id = account.expected(.contact)[0]
        let answer = try await account.ask(
            .post, Self.contacts + "/batch/update",
            [
                "inputs": [
                    ["id": .string(id), "properties": ["jobtitle": "x"]], ["id": "5", "properties": ["jobtitle": "x"]],
                ]
            ])
        #expect(answer.status == 207 && answer.ids == [id])
    }

    @Test func `a known address is a conflict, among written and computed contacts`() async throws {
        let account = try HubSpotAccount(.init(contacts: 60))
        let index = try #require(
            (0..<60).first { account.crm.contactIndex(email: account.crm.contact(at: $0)[.email] ?? "") == $0 })
        let id = account.crm.id(of: .contact, at: index)
        let email = try #require(account.crm.contact(at: index)[.email])
        let taken = try await account.ask(.post, Self.contacts, Self.row(email.uppercased()))
        #expect(taken.status == 409)
        #expect(taken.message.hasSuffix("Existing ID: \(id)"))
        let new = try await account.ask(.post, Self.contacts, Self.row("New@X.test"))
        #expect(new.status == 201 && new.body["properties"]?["email"]?.text == "new@x.test")
        let again = try await account.ask(.post, Self.contacts, Self.row("new@x.test"))
        #expect(again.message.hasSuffix("Existing ID: \(try #require(new.body["id"]?.text))"))
        // An address that its owner gave up, or whose owner is archived, is free.
        let change: JSONValue = ["properties": ["email": "other@x.test"]]
        #expect(try await account.ask(.patch, Self.contacts + "/\(id)", change).status == 200)
        #expect(try await account.ask(.post, Self.contacts, Self.row(email)).status == 201)
    }

    @Test func `an upsert needs a unique property, and says what was new`() async throws {
        let account = try HubSpotAccount(.init(companies: 5))
        let path = "/crm/v3/objects/companies/batch/upsert"
        func input(_ property: String, _ id: String, _ name: String) -> JSONValue {
            [
                "inputs": [
                    ["idProperty": .string(property), "id": .string(id), "properties": ["name": .string(name)]]
                ]
            ]
        }
        for property in ["domain", "hs_object_id", "migratez_id"] {
            let refused = try await account.ask(.post, path, input(property, "1", "A"))
            #expect(refused.status == 400 && refused.message.contains("non-unique property"))
        }
        let property: JSONValue = [
            "name": "migratez_id", "label": "Migratez id", "type": "string", "fieldType": "text",
            "groupName": "companyinformation", "hasUniqueValue": true,
        ]
        #expect(try await account.ask(.post, "/crm/v3/properties/companies", property).status == 201)
        #expect(try await account.ask(.post, "/crm/v3/properties/companies", property).status == 409)
        let first = try await account.ask(.post, path, input("migratez_id", "k1", "A"))
        #expect(first.status == 200 && first.body["results"]?[0]?["new"]?.bool == true)
        let second = try await account.ask(.post, path, input("migratez_id", "k1", "B"))
        #expect(second.body["results"]?[0]?["new"]?.bool == false && second.ids == first.ids)
        let target = "/crm/v3/objects/companies/k1?idProperty=migratez_id&properties=name,migratez_id"
        let read = try await account.ask(.get, target)
        #expect(read.body["properties"]?["name"]?.text == "B")
        #expect(read.body["properties"]?["migratez_id"]?.text == "k1")
    }

    @Test func `an archived record is gone but for who asks for it`() async throws {
        let account = try HubSpotAccount(.init(contacts: 10))
        let id = account.expected(.contact)[0]
        let batch: JSONValue = ["inputs": [["id": .string(id)], ["id": "5"]]]
        #expect(try await account.ask(.post, Self.contacts + "/batch/archive", batch).status == 204)
        #expect(try await account.ask(.get, Self.contacts + "/\(id)").status == 404)
        let archived = try await account.ask(.get, Self.contacts + "/\(id)?archived=true")
        #expect(archived.body["archived"]?.bool == true && archived.body["archivedAt"] != nil)
        #expect(try await account.ask(.patch, Self.contacts + "/\(id)", ["properties": [:]]).status == 404)
    }

    /// Properties that are refused, and the code that says why.
    static let refusals: [(properties: JSONValue, code: String)] = [
        (["nothing": "1"], "PROPERTY_DOESNT_EXIST"), (["hs_object_id": "1"], "READ_ONLY_VALUE"),
        (["lifecyclestage": "none"], "INVALID_OPTION"), (["annualrevenue": "1,000"], "INVALID_LONG"),
        (["birthday": "31.12.2000"], "INVALID_DATE"), (["email": "a@b"], "INVALID_EMAIL"),
        (["hs_email_optout": "yes"], "INVALID_OPTION"),
    ]

    @Test(arguments: refusals) func `a value that does not fit is refused by its code`(
        _ properties: JSONValue, _ code: String
    ) async throws {
        let account = try HubSpotAccount(.init())
        let answer = try await account.ask(.post, Self.contacts, ["properties": properties])
        #expect(answer.status == 400 && answer.message.contains("\"error\":\"\(code)\""))
    }

    @Test func `a batch has at most a hundred rows and no row twice`() async throws {
        let account = try HubSpotAccount(.init())
        let path = Self.contacts + "/batch/create"
        func rows(_ count: Int) -> JSONValue {
            ["inputs": .array((0..<count).map { Self.row("a\($0)@x.test") })]
        }
        #expect(try await account.ask(.post, path, rows(101)).status == 400)
        #expect(try await account.ask(.post, path, rows(100)).status == 201)
        #expect(try await account.ask(.post, path, rows(0)).status == 400)
        let twice: JSONValue = ["inputs": [Self.row("z@x.test", trace: "1"), Self.row("Z@x.test", trace: "2")]]
        #expect(try await account.ask(.post, path, twice).status == 400)
    }

    @Test func `an activity needs its time, and can come with links`() async throws {
        let account = try HubSpotAccount(.init(contacts: 5))
        let contact = account.expected(.contact)[0]
        let links: JSONValue = [
            [
                "to": ["id": .string(contact)],
                "types": [["associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202]],
            ]
        ]
        let refused = try await account.ask(
            .post, "/crm/v3/objects/notes", ["properties": ["hs_note_body": "x"], "associations": links])
        #expect(refused.status == 400)
        let note = try await account.ask(
            .post, "/crm/v3/objects/notes",
            ["properties": ["hs_note_body": "x", "hs_timestamp": "2026-01-02T03:04:05Z"], "associations": links])
        #expect(note.status == 201)
        let id = try #require(note.body["id"]?.text)
        let read = try await account.ask(.get, "/crm/v4/objects/contacts/\(contact)/associations/notes")
        #expect(read.body["results"]?.elements.compactMap { $0["toObjectId"]?.text } == [id])
    }

    @Test func `labels replace each other, and links can be taken away`() async throws {
        let account = try HubSpotAccount(.init(contacts: 300, companies: 60))
        let map = account.crm.links(.contactToCompany)
        let index = try #require(
            (0..<300).first { map.links(from: $0).isEmpty && !account.crm.isArchived(.contact, at: $0) })
        let contact = String(account.crm.id(of: .contact, at: index))
        let company = account.expected(.company)[3]
        let known = try await account.ask(.get, "/crm/v4/associations/contacts/companies/labels")
        let label = try #require(known.body["results"]?.elements.first { $0["label"]?.text == "Billing contact" })
        func create(_ category: String, _ type: JSONValue) async throws -> HubSpotAccount.Answer {
            try await account.ask(
                .post, "/crm/v4/associations/contacts/companies/batch/create",
                [
                    "inputs": [
                        [
                            "from": ["id": .string(contact)], "to": ["id": .string(company)],
                            "types": [["associationCategory": .string(category), "associationTypeId": type]],
                        ]
                    ]
                ])
        }
        func types(_ path: String) async throws -> [Int] {
            let answer = try await account.ask(.get, path)
            return answer.body["results"]?.elements.flatMap { $0["associationTypes"]?.elements ?? [] }
                .compactMap { $0["typeId"]?.int } ?? []
        }
        let forward = "/crm/v4/objects/contacts/\(contact)/associations/companies"
        #expect(try await create("USER_DEFINED", label["typeId"] ?? .null).status == 201)
        #expect(try await types(forward) == [279, label["typeId"]?.int ?? 0])
        #expect(try await create("HUBSPOT_DEFINED", 1).status == 201)
        #expect(try await types(forward) == [279, 1])
        let backward = "/crm/v4/objects/companies/\(company)/associations/contacts"
        #expect(try await types(backward).contains(2))
        #expect(try await create("HUBSPOT_DEFINED", 4).status == 207)
        let pair: JSONValue = ["inputs": [["from": ["id": .string(contact)], "to": [["id": .string(company)]]]]]
        let gone = try await account.ask(.post, "/crm/v4/associations/contacts/companies/batch/archive", pair)
        #expect(gone.status == 204)
        #expect(try await types(forward).isEmpty)
    }
}
