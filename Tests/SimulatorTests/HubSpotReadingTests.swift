// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

@Suite struct `HubSpot simulator, reading` {
    @Test(arguments: [1, 2, 99, 100]) func `paging shows every live record once`(_ limit: Int) async throws {
        for count in [0, 1, 100, 101, 203] {
            let account = try HubSpotAccount(.init(contacts: count))
            let live = account.expected(.contact)
            let (ids, sizes) = try await account.pages("/crm/v3/objects/contacts?limit=\(limit)")
            #expect(ids == live)
            // No page is announced that would be empty.
            #expect(sizes.dropLast().allSatisfy { $0 == limit })
            #expect(live.isEmpty || sizes.last != 0)
            #expect(
                try await account.pages("/crm/v3/objects/contacts?archived=true").ids
                    == account.expected(.contact, archived: true))
        }
    }

    @Test func `paging still shows every record once after changes`() async throws {
        let account = try HubSpotAccount(.init(deals: 350))
        var live = account.expected(.deal)
        var archived = account.expected(.deal, archived: true)
        for place in [0, 1, 99, 100, 101, 250] {
            #expect(try await account.ask(.delete, "/crm/v3/objects/deals/\(live[place])").status == 204)
        }
        for place in [5, 120] {
            let change: JSONValue = ["properties": ["dealname": "changed"]]
            #expect(try await account.ask(.patch, "/crm/v3/objects/deals/\(live[place])", change).status == 200)
        }
        archived += [0, 1, 99, 100, 101, 250].map { live[$0] }
        for place in [250, 101, 100, 99, 1, 0] { live.remove(at: place) }
        for number in 0..<120 {
            let new = try await account.ask(
                .post, "/crm/v3/objects/deals", ["properties": ["dealname": .string("n\(number)")]])
            live.append(try #require(new.body["id"]?.text))
        }
        for limit in [7, 100] {
            #expect(try await account.pages("/crm/v3/objects/deals?limit=\(limit)").ids == live)
            let gone = try await account.pages("/crm/v3/objects/deals?archived=true&limit=\(limit)").ids
            #expect(gone == archived.sorted { Int($0) ?? 0 < Int($1) ?? 0 })
        }
        let state = try JSONValue(parsing: await account.simulator.state())
        #expect(state["deals"]?["live"]?.int == live.count)
        #expect(state["deals"]?["archived"]?.int == archived.count)
    }

    @Test(arguments: ["limit=0", "limit=101", "limit=x", "after=%21", "after=1"])
    func `a request that HubSpot refuses is refused`(_ query: String) async throws {
        let account = try HubSpotAccount(.init(contacts: 3))
        let answer = try await account.ask(.get, "/crm/v3/objects/contacts?\(query)")
        #expect(answer.status == 400)
        #expect(answer.body["category"]?.text == "VALIDATION_ERROR")
    }

    @Test func `a record has the shape that the documentation gives`() async throws {
        let account = try HubSpotAccount(.init(contacts: 1))
        let contact = account.crm.contact(at: 0)
        let answer = try await account.ask(.get, "/crm/v3/objects/contacts?properties=phone,nothing&properties=notes")
        let record = try #require(answer.body["results"]?[0])
        #expect(record.members.map(\.key) == ["id", "properties", "createdAt", "updatedAt", "archived"])
        let names = ["createdate", "hs_object_id", "lastmodifieddate", "notes", "phone"]
        #expect(record["properties"]?.members.map(\.key) == names)
        #expect(record["properties"]?["phone"]?.text == contact[.phone])
        #expect(record["createdAt"]?.text == contact[.createdAt])
        #expect(record["createdAt"]?.text?.count == 24)
        #expect(answer.body["paging"] == nil)
    }

    @Test(arguments: CRMObject.allButFiles) func `all values are text or null, and as computed`(
        _ object: CRMObject
    ) async throws {
        let account = try HubSpotAccount(
            .init(
                contacts: 90, companies: 90, deals: 90, notes: 90, tasks: 90, calls: 90, meetings: 90, emails: 90,
                products: 90, lineItems: 90, leads: 90))
        let plural = object == .company ? "companies" : object == .lineItem ? "line_items" : "\(object)s"
        let definitions = try await account.ask(.get, "/crm/v3/properties/\(plural)")
        let names = definitions.body["results"]?.elements.compactMap { $0["name"]?.text } ?? []
        #expect(names.count >= 10)
        let target = "/crm/v3/objects/\(plural)?limit=100&properties=\(names.joined(separator: ","))"
        let answer = try await account.ask(.get, target)
        for record in answer.body["results"]?.elements ?? [] {
            #expect(record["properties"]?.members.map(\.key) == names.sorted())
            for member in record["properties"]?.members ?? [] {
                switch member.value {
                case .string, .null: break
                default: Issue.record("\(member.key) is neither text nor null")
                }
            }
        }
        if object == .contact {
            for (place, index) in (0..<90).filter({ !account.crm.isArchived(.contact, at: $0) }).enumerated() {
                let shown = answer.body["results"]?[place]?["properties"]
                for field in Contact.Field.allCases {
                    #expect(shown?[field.rawValue]?.text == account.crm.contact(at: index)[field])
                }
            }
        }
    }

    @Test func `dated paths answer as v3 does`() async throws {
        let account = try HubSpotAccount(.init(contacts: 5, companies: 5, deals: 5))
        let pairs = [
            ("/crm/v3/objects/contacts?limit=2", "/crm/objects/2026-03/contacts?limit=2"),
            ("/crm/v3/properties/0-1", "/crm/properties/2026-09/contacts"),
            ("/crm/v3/pipelines/deals", "/crm/pipelines/2026-03/deals"), ("/crm/v3/owners", "/crm/owners/2026-03"),
            ("/crm/v4/associations/contacts/companies/labels", "/crm/associations/2026-03/contacts/companies/labels"),
        ]
        for (old, new) in pairs {
            let (a, b) = (try await account.ask(.get, old), try await account.ask(.get, new))
            #expect(a.status == 200 && b.status == 200)
            #expect(a.body["results"] == b.body["results"], "\(new)")
        }
        #expect(try await account.ask(.get, "/crm/objects/2025-01/contacts").status == 404)
        #expect(try await account.ask(.get, "/crm/v4/objects/contacts").status == 404)
    }

    @Test func `a batch read names what it does not find`() async throws {
        let account = try HubSpotAccount(.init(contacts: 50))
        let ids = account.expected(.contact)
        let inputs: JSONValue = ["inputs": .array((ids.prefix(3) + ["999999"]).map { ["id": .string($0)] })]
        let answer = try await account.ask(.post, "/crm/v3/objects/contacts/batch/read", inputs)
        #expect(answer.status == 207)
        #expect(answer.ids == Array(ids.prefix(3)))
        #expect(answer.body["errors"]?[0]?["category"]?.text == "OBJECT_NOT_FOUND")
        #expect(answer.body["errors"]?[0]?["context"]?["ids"]?[0]?.text == "999999")
        let index = try #require((0..<50).first { account.crm.contact(at: $0)[.email]?.contains("@") == true })
        let email = try #require(account.crm.contact(at: index)[.email])
        let byEmail = try await account.ask(
            .post, "/crm/v3/objects/contacts/batch/read",
            ["idProperty": "email", "inputs": [["id": .string(email.uppercased())]]])
        #expect(byEmail.status == 200 && byEmail.ids == [String(account.crm.id(of: .contact, at: index))])
        let many: JSONValue = ["inputs": .array((0...100).map { ["id": .number(String($0))] })]
        #expect(try await account.ask(.post, "/crm/v3/objects/contacts/batch/read", many).status == 400)
    }

    @Test func `search finds, sorts, and ends at ten thousand`() async throws {
        let account = try HubSpotAccount(.init(contacts: 10_200))
        let path = "/crm/v3/objects/contacts/search"
        let all = try await account.ask(.post, path, ["limit": 200, "after": "9900"])
        #expect(all.body["total"]?.int == account.expected(.contact).count)
        #expect(all.ids.count == 100 && all.after == "10000")
        #expect(try await account.ask(.post, path, ["after": "10000"]).status == 400)
        #expect(try await account.ask(.post, path, ["limit": 201]).status == 400)
        let last = try #require(all.ids.last)
        let keyset: JSONValue = [
            "filterGroups": [
                ["filters": [["propertyName": "hs_object_id", "operator": "GT", "value": .string(last)]]]
            ],
            "sorts": [["propertyName": "hs_object_id", "direction": "ASCENDING"]], "limit": 200,
        ]
        let rest = try await account.ask(.post, path, keyset)
        let live = account.expected(.contact)
        #expect(rest.ids == Array(live.drop { Int($0) ?? 0 <= Int(last) ?? 0 }.prefix(200)))
        let since: JSONValue = [
            "filterGroups": [
                ["filters": [["propertyName": "lastmodifieddate", "operator": "GTE", "value": "1764500000000"]]]
            ],
            "sorts": [["propertyName": "lastmodifieddate", "direction": "DESCENDING"]],
        ]
        let recent = try await account.ask(.post, path, since)
        let expected = (0..<10_200).filter {
            !account.crm.isArchived(.contact, at: $0)
                && account.crm.contact(at: $0).updatedAt.milliseconds >= 1_764_500_000_000
        }
        #expect(recent.body["total"]?.int == expected.count)
        let times = recent.body["results"]?.elements.compactMap { $0["properties"]?["lastmodifieddate"]?.text } ?? []
        #expect(times.count == 10 && times == times.sorted(by: >))
    }

    @Test func `search sees a write only after the lag`() async throws {
        let clock = ManualClock()
        let account = try HubSpotAccount(
            .init(companies: 3), options: HubSpotOptions(searchLag: .seconds(30), clock: clock))
        let path = "/crm/v3/objects/companies"
        let new = try await account.ask(.post, path, ["properties": ["name": "Zyx"]])
        #expect(new.status == 201)
        let query: JSONValue = [
            "filterGroups": [["filters": [["propertyName": "name", "operator": "EQ", "value": "zyx"]]]]
        ]
        #expect(try await account.ask(.post, path + "/search", query).body["total"]?.int == 0)
        clock.advance(by: .seconds(30))
        #expect(try await account.ask(.post, path + "/search", query).ids == [try #require(new.body["id"]?.text)])
    }

    @Test func `links are read in pages, from both ends, with their labels`() async throws {
        let account = try HubSpotAccount(.init(contacts: 40_000, companies: 900))
        let map = account.crm.links(.contactToCompany)
        let ids = (0..<1000).map { account.crm.id(of: .contact, at: $0) }
        let path = "/crm/v4/associations/contacts/companies/batch/read"
        let answer = try await account.ask(
            .post, path, ["inputs": .array(ids.map { ["id": .string(String($0))] })])
        #expect(answer.status == 207)
        var linked = 0
        for result in answer.body["results"]?.elements ?? [] {
            let index = try #require(account.crm.index(of: .contact, id: result["from"]?["id"]?.int ?? 0))
            let links = map.links(from: index).sorted { $0.toID < $1.toID }
            linked += 1
            #expect(result["to"]?.elements.compactMap { $0["toObjectId"]?.int } == links.map(\.toID))
            for (shown, link) in zip(result["to"]?.elements ?? [], links) {
                let types = shown["associationTypes"]?.elements ?? []
                #expect(types.first?["typeId"]?.int == 279)
                #expect(types.contains { $0["typeId"]?.int == 1 } == link.isPrimary)
                #expect(
                    types.filter { $0["category"]?.text == "USER_DEFINED" }.compactMap { $0["label"]?.text }
                        == link.labels)
            }
        }
        #expect(linked == (0..<1000).count { !map.links(from: $0).isEmpty })
        #expect(answer.body["numErrors"]?.int == 1000 - linked)
        #expect(answer.body["errors"]?[0]?["subCategory"]?.text == "crm.associations.NO_ASSOCIATIONS_FOUND")

        let company = String(account.crm.id(of: .company, at: 0))
        let back = "/crm/associations/2026-03/companies/contacts/batch/read"
        var found: [String] = []
        var input: [JSONValue.Member] = [.init("id", .string(company))]
        var pages = 0
        while true {
            let page = try await account.ask(.post, back, ["inputs": [.object(input)]])
            let result = try #require(page.body["results"]?[0])
            found += result["to"]?.elements.compactMap { $0["toObjectId"]?.text } ?? []
            pages += 1
            guard let after = result["paging"]?["next"]?["after"] else { break }
            #expect(result["to"]?.elements.count == 500)
            input = [.init("id", .string(company)), .init("after", after)]
        }
        #expect(pages > 1)
        #expect(found == map.sources(of: 0).map { String(account.crm.id(of: .contact, at: $0.index)) })
        let many: JSONValue = ["inputs": .array((0...1000).map { ["id": .number(String($0))] })]
        #expect(try await account.ask(.post, path, many).status == 400)
    }

    @Test func `owners who left are listed apart`() async throws {
        let account = try HubSpotAccount(.init(owners: 12))
        let active = try await account.pages("/crm/v3/owners?limit=4")
        let gone = try await account.pages("/crm/v3/owners?archived=true")
        #expect(active.ids.count == 11 && gone.ids.count == 1)
        let old = try await account.ask(.get, "/crm/v3/owners?archived=true&email=old.rep@acme.test")
        #expect(old.body["results"]?[0]?["archived"]?.bool == true)
    }
}

@Suite struct `HubSpot simulator, who may and how often` {
    @Test func `a token is needed and must be the right one`() async throws {
        let account = try HubSpotAccount(.init(contacts: 1), options: HubSpotOptions(tokens: ["right"]))
        #expect(try await account.ask(.get, "/crm/v3/owners", token: nil).status == 401)
        #expect(try await account.ask(.get, "/crm/v3/owners", token: "wrong").status == 401)
        #expect(try await account.ask(.get, "/crm/v3/owners", token: "right").status == 200)
    }

    @Test func `a scope that is missing is named`() async throws {
        let scopes: Set = ["crm.objects.contacts.read"]
        let account = try HubSpotAccount(.init(contacts: 1), options: HubSpotOptions(scopes: scopes))
        #expect(try await account.ask(.get, "/crm/v3/objects/contacts").status == 200)
        let refused = try await account.ask(.get, "/crm/v3/objects/deals")
        #expect(refused.status == 403 && refused.body["category"]?.text == "MISSING_SCOPES")
    }

    @Test(arguments: ["/oauth/v1/token", "/oauth/2026-03/token"])
    func `a token that was handed out expires`(_ path: String) async throws {
        let clock = ManualClock()
        let account = try HubSpotAccount(.init(), options: HubSpotOptions(tokenLifetime: .seconds(60), clock: clock))
        let form = "grant_type=refresh_token&client_id=a&client_secret=b&refresh_token=c"
        let response = await account.simulator.respond(
            to: SimulatorRequest(method: .post, target: path, body: Array(form.utf8)))
        guard case .bytes(let bytes) = response.body else { return }
        let answer = try JSONValue(parsing: bytes)
        #expect(answer["expires_in"]?.int == 60)
        let token = try #require(answer["access_token"]?.text)
        clock.advance(by: .seconds(59))
        #expect(try await account.ask(.get, "/crm/v3/owners", token: token).status == 200)
        clock.advance(by: .seconds(1))
        let late = try await account.ask(.get, "/crm/v3/owners", token: token)
        #expect(late.status == 401 && late.body["category"]?.text == "EXPIRED_AUTHENTICATION")
    }

    @Test func `limits are announced, and search has its own without a word`() async throws {
        let clock = ManualClock()
        let account = try HubSpotAccount(
            .init(contacts: 1),
            options: HubSpotOptions(
                rate: .init(requests: 2, window: .seconds(10), daily: 5),
                searchRate: .init(requests: 1, window: .seconds(1)), clock: clock))
        let first = try await account.ask(.get, "/crm/v3/owners")
        #expect(first.headers["x-hubspot-ratelimit-max"] == "2")
        #expect(first.headers["X-HubSpot-RateLimit-Remaining"] == "1")
        #expect(first.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000")
        #expect(first.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "4")
        _ = try await account.ask(.get, "/crm/v3/owners")
        let refused = try await account.ask(.get, "/crm/v3/owners")
        #expect(refused.status == 429)
        let expected: JSONValue = [
            "status": "error", "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING",
        ]
        #expect(refused.body == expected)
        let search = try await account.ask(.post, "/crm/v3/objects/contacts/search", [:])
        #expect(search.status == 200 && search.headers["X-HubSpot-RateLimit-Max"] == nil)
        let again = try await account.ask(.post, "/crm/v3/objects/contacts/search", [:])
        #expect(again.status == 429 && again.body["policyName"]?.text == "SECONDLY")
        #expect(again.headers["X-HubSpot-RateLimit-Max"] == nil)
        for _ in 0..<3 {
            clock.advance(by: .seconds(10))
            #expect(try await account.ask(.get, "/crm/v3/owners").status == 200)
        }
        clock.advance(by: .seconds(10))
        #expect(try await account.ask(.get, "/crm/v3/owners").body["policyName"]?.text == "DAILY")
    }

    @Test func `an address that is too long is refused`() async throws {
        let account = try HubSpotAccount(.init(), options: HubSpotOptions(targetBytesMax: 100))
        let target = "/crm/v3/objects/contacts?properties="
        let fits = try await account.ask(.get, target + String(repeating: "a", count: 100 - target.count))
        #expect(fits.status == 200)
        #expect(try await account.ask(.get, target + String(repeating: "a", count: 101 - target.count)).status == 414)
    }
}
