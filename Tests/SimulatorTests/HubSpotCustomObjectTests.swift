// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezHubSpotSimulator
import MigratezJSON
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Testing

@Suite struct `HubSpot simulator, custom objects and labels` {
    private static let schemas = "/crm-object-schemas/v3/schemas"

    private static func schema(_ name: String, required: [String] = ["title"]) -> JSONValue {
        [
            "name": .string(name), "labels": ["singular": "Thing", "plural": "Things"],
            "primaryDisplayProperty": "title", "requiredProperties": .array(required.map { .string($0) }),
            "searchableProperties": [], "associatedObjects": ["CONTACT", "0-2"],
            "properties": [
                ["name": "title", "label": "Title", "type": "string", "fieldType": "text"],
                [
                    "name": "number", "label": "Number", "type": "string", "fieldType": "text",
                    "hasUniqueValue": true,
                ],
            ],
        ]
    }

    @Test func `a custom object goes by its id and its qualified name, and by no bare one`() async throws {
        let account = try HubSpotAccount(
            .init(contacts: 50, companies: 10, owners: 3), options: HubSpotOptions(subscriptions: 40))
        let list = try await account.ask(.get, "/crm/v3/schemas")
        let known = try #require(list.body["results"]?.elements.first)
        let (type, name) = (known["objectTypeId"]?.text ?? "", known["fullyQualifiedName"]?.text ?? "")
        #expect(type.hasPrefix("2-") && name == "p1000001_subscription")
        #expect(known["requiredProperties"]?[0]?.text == "title")
        for path in [type, name] {
            let one = try await account.ask(.get, "/crm-object-schemas/2026-03/schemas/\(path)")
            #expect(one.body == known)
            let live = try await account.pages("/crm/v3/objects/\(path)?limit=10")
            let archived = try await account.pages("/crm/objects/2026-09/\(path)?limit=10&archived=true")
            #expect(live.ids.count == 35 && archived.ids.count == 5)
        }
        #expect(try await account.ask(.get, "/crm/v3/objects/subscription").status == 404)
        for unknown in ["2-77", "p1000001_other"] {
            let answer = try await account.ask(.get, "/crm/v3/objects/\(unknown)")
            #expect(answer.status == 400 && answer.message.hasSuffix("from: \(unknown)"))
        }
        #expect(try await account.ask(.get, "\(Self.schemas)/2-77").status == 404)
    }

    @Test func `a custom object is made with its properties and links, once`() async throws {
        let account = try HubSpotAccount(.init(contacts: 20), options: HubSpotOptions(customObjectsMax: 1))
        for broken in [Self.schema("1st"), Self.schema("a-b"), Self.schema("thing", required: ["nothing"])] {
            #expect(try await account.ask(.post, Self.schemas, broken).status == 400)
        }
        #expect(try await account.ask(.post, Self.schemas, ["name": "thing"]).status == 400)
        let made = try await account.ask(.post, Self.schemas, Self.schema("thing"))
        let type = try #require(made.body["objectTypeId"]?.text)
        #expect(made.status == 201 && made.body["properties"]?.elements.isEmpty == false)
        #expect(try await account.ask(.post, Self.schemas, Self.schema("thing")).status == 400)
        let more = try await account.ask(.post, Self.schemas, Self.schema("other"))
        #expect(more.status == 400 && more.message.contains("limit"))

        let path = "/crm/v3/objects/\(type)"
        let untitled = try await account.ask(.post, path, ["properties": ["number": "1"]])
        #expect(untitled.status == 400 && untitled.message.hasSuffix("[title]"))
        let one = try await account.ask(.post, path, ["properties": ["title": "One", "number": "1"]])
        #expect(one.status == 201)
        let double = try await account.ask(.post, path, ["properties": ["title": "Two", "number": "1"]])
        #expect(double.status == 400)

        let contact = account.expected(.contact)[0]
        let types = try await account.ask(.get, "/crm/v4/associations/\(type)/contacts/labels").body["results"]
        let plain = try #require(types?[0])
        #expect(plain["category"]?.text == "USER_DEFINED" && plain["label"] == .null)
        let id = try #require(one.body["id"]?.text)
        let link: JSONValue = [
            "inputs": [
                [
                    "from": ["id": .string(id)], "to": ["id": .string(contact)],
                    "types": [
                        ["associationCategory": "USER_DEFINED", "associationTypeId": plain["typeId"] ?? .null]
                    ],
                ]
            ]
        ]
        let linked = try await account.ask(.post, "/crm/v4/associations/\(type)/contacts/batch/create", link)
        #expect(linked.status == 201)
        let back = try await account.ask(.get, "/crm/v4/objects/contacts/\(contact)/associations/\(type)")
        #expect(back.body["results"]?[0]?["toObjectId"]?.text == id)
    }

    @Test(arguments: ["/crm/v3/limits", "/crm/limits/2026-03"])
    func `the account tells how many custom objects it has and may have`(path: String) async throws {
        let account = try HubSpotAccount(
            .init(contacts: 5), options: HubSpotOptions(subscriptions: 1, customObjectsMax: 4))
        let before = try await account.ask(.get, "\(path)/custom-object-types")
        #expect(before.status == 200 && before.body["limit"]?.int == 4 && before.body["usage"]?.int == 1)
        #expect(before.body["percentage"]?.text == "25.0")
        #expect(try await account.ask(.post, Self.schemas, Self.schema("thing")).status == 201)
        let after = try await account.ask(.get, "\(path)/custom-object-types")
        #expect(after.body["usage"]?.int == 2)
        #expect(try await account.ask(.post, "\(path)/custom-object-types", [:]).status == 404)
        let blind = try HubSpotAccount(
            .init(contacts: 5), options: HubSpotOptions(scopes: ["crm.schemas.custom.write"]))
        #expect(try await blind.ask(.get, "\(path)/custom-object-types").status == 403)
        let refused = try await HubSpotAccount(.init(contacts: 5), options: HubSpotOptions(scopes: []))
            .ask(.post, Self.schemas, Self.schema("thing"))
        #expect(refused.status == 403)
    }

    @Test func `a custom object is linked with one that was made before it, and with no stranger`() async throws {
        let account = try HubSpotAccount(.init(contacts: 5))
        let first = try #require(
            try await account.ask(.post, Self.schemas, Self.schema("first")).body["objectTypeId"]?.text)
        func second(_ partner: String) -> JSONValue {
            .object(
                Self.schema("second").members.map { member in
                    member.key == "associatedObjects" ? .init(member.key, [.string(partner)]) : member
                })
        }
        for stranger in ["2-77", "first", "second"] {
            #expect(try await account.ask(.post, Self.schemas, second(stranger)).status == 400, "\(stranger)")
        }
        let made = try await account.ask(.post, Self.schemas, second(first))
        let type = try #require(made.body["objectTypeId"]?.text)
        let links = try await account.ask(.get, "/crm/v4/associations/\(first)/\(type)/labels").body["results"]
        #expect(links?.elements.count == 1)
    }

    @Test func `a label is made in both directions, once, and up to the limit`() async throws {
        let account = try HubSpotAccount(.init(contacts: 5, companies: 5), options: HubSpotOptions(labelsPerPairMax: 8))
        let path = "/crm/v4/associations/contacts/companies/labels"
        let body: JSONValue = ["label": "Advisor", "name": "advisor", "inverseLabel": "Advised by"]
        let made = try await account.ask(.post, path, body)
        let types = made.body["results"]?.elements ?? []
        #expect(types.compactMap { $0["label"]?.text } == ["Advisor", "Advised by"])
        #expect(try await account.ask(.post, path, body).status == 400)
        let back = try await account.ask(.get, "/crm/v4/associations/0-2/0-1/labels").body["results"]?.elements ?? []
        #expect(back.contains { $0["label"]?.text == "Advised by" })
        #expect(try await account.ask(.post, path, ["label": "x"]).status == 400)
        var status = 200
        var count = 0
        while status == 200, count < 20 {
            count += 1
            let next: JSONValue = ["label": .string("L\(count)"), "name": .string("l\(count)")]
            status = try await account.ask(.post, path, next).status
        }
        #expect(status == 400 && count < 9)
    }
}
