// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezDynamicsSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

/// The simulated environment by what the vendor's documentation says of the Web API.
@Suite struct DynamicsSimulatorTests {
    private static let root = "/api/data/v9.2/"

    private func environment(
        _ crm: SyntheticCRM? = nil, _ options: DynamicsOptions = DynamicsOptions(), clock: any WallClock = ManualClock()
    ) throws -> DynamicsSimulator {
        var options = options
        options.staticTokens = ["t"]
        return try DynamicsSimulator(crm, options: options, clock: clock)
    }

    private func ask(
        _ environment: DynamicsSimulator, _ method: SimulatorRequest.Method, _ path: String, _ body: String = "",
        headers: [(String, String)] = []
    ) async throws -> (status: Int, headers: SimulatorHeaders, body: String) {
        let all = [("Authorization", "Bearer t"), ("Host", "127.0.0.1:1")] + headers
        let response = await environment.respond(
            to: SimulatorRequest(
                method: method, target: Self.root + path,
                headers: SimulatorHeaders(all.map { (name: $0.0, value: $0.1) }),
                body: Array(body.utf8)))
        guard case .bytes(let bytes) = response.body else { return (response.status, response.headers, "") }
        return (response.status, response.headers, String(decoding: bytes, as: UTF8.self))
    }

    private func value(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func `a token is good for its time, and only with the right secret`() async throws {
        let clock = ManualClock()
        var options = DynamicsOptions()
        options.clientSecret = "right"
        options.tokenLifetime = .seconds(60)
        let environment = try environment(nil, options, clock: clock)
        func token(_ secret: String) async throws -> JSONValue {
            let form =
                "grant_type=client_credentials&client_id=c&client_secret=\(secret)&scope=https%3A%2F%2Forg%2F.default"
            let response = await environment.respond(
                to: SimulatorRequest(method: .post, target: "/tenant/oauth2/v2.0/token", body: Array(form.utf8)))
            guard case .bytes(let bytes) = response.body else { return .null }
            return try JSONValue(parsing: bytes)
        }
        #expect(try await token("wrong")["error"]?.text == "invalid_client")
        let answer = try await token("right")
        #expect(answer["expires_in"]?.int == 60 && answer["refresh_token"] == nil)
        let bearer = [("Authorization", "Bearer \(answer["access_token"]?.text ?? "")")]
        func who() async -> Int {
            await environment.respond(
                to: SimulatorRequest(
                    method: .get, target: Self.root + "WhoAmI",
                    headers: SimulatorHeaders(bearer.map { (name: $0.0, value: $0.1) }))
            ).status
        }
        #expect(await who() == 200)
        clock.advance(by: .seconds(61))
        #expect(await who() == 401)
    }

    @Test func `pages follow each other by links, and every record comes once`() async throws {
        let crm = SyntheticCRM(seed: 9, counts: .init(contacts: 95))
        let environment = try environment(crm)
        var path: String? = "contacts?$select=lastname"
        var ids: [String] = []
        var pages = 0
        while let next = path {
            let answer = try value(
                try await ask(environment, .get, next, headers: [("Prefer", "odata.maxpagesize=30")]).body)
            ids += (answer["value"]?.elements ?? []).compactMap { $0["contactid"]?.text }
            path = answer["@odata.nextLink"]?.text?.split(separator: Self.root).last.map(String.init)
            pages += 1
        }
        let expected = (0..<95).filter { !crm.isArchived(.contact, at: $0) }.count
        #expect(pages == 4 && ids.count == expected && Set(ids).count == expected)
    }

    @Test func `names are taken as they are written`() async throws {
        let environment = try environment()
        #expect(try await ask(environment, .get, "Contacts").body.contains("0x8006088a"))
        let answer = try await ask(environment, .get, "contacts?$select=Lastname")
        #expect(answer.status == 400 && answer.body.contains("\"0x0\""))
    }

    @Test(arguments: [
        ("emailaddress1 eq 'ADA@x.test'", 1), ("startswith(lastname,'Love')", 1), ("lastname ne 'Lovelace'", 1),
        ("contains(lastname,'lace') or jobtitle eq 'Rear Admiral'", 2), ("jobtitle eq null", 1),
        ("not (jobtitle eq null) and modifiedon ge 2020-01-01T00:00:00Z", 1),
        ("Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=[\"Hopper\",\"Nobody\"])", 1),
        ("lastname eq 'O''Neil'", 0),
    ])
    func `filters find what they say`(_ filter: String, _ count: Int) async throws {
        let environment = try environment()
        for body in [
            #"{"lastname":"Lovelace","emailaddress1":"ada@x.test"}"#,
            #"{"lastname":"Hopper","jobtitle":"Rear Admiral"}"#,
        ] { #expect(try await ask(environment, .post, "contacts", body).status == 204) }
        let answer = try await ask(environment, .get, "contacts?$filter=\(PercentEncoding.encoded(filter))")
        #expect(try value(answer.body)["value"]?.elements.count == count, "\(answer.body)")
    }

    @Test func `many at once are all or nothing, and single ones of a batch are not`() async throws {
        let environment = try environment()
        let long = String(repeating: "x", count: 51)
        let type = #""@odata.type":"Microsoft.Dynamics.CRM.contact""#
        let many = try await ask(
            environment, .post, "contacts/Microsoft.Dynamics.CRM.CreateMultiple",
            #"{"Targets":[{\#(type),"lastname":"A"},{\#(type),"lastname":"\#(long)"}]}"#)
        #expect(many.status == 400 && many.body.contains("0x80044331"))
        #expect(try environment.count(of: "contact") == 0)
        let parts = ["A", long, "B"].map { name in
            "--b\r\nContent-Type: application/http\r\n\r\nPOST \(Self.root)contacts HTTP/1.1\r\n"
                + "Content-Type: application/json\r\n\r\n{\"lastname\":\"\(name)\"}\r\n"
        }
        let batch = try await ask(
            environment, .post, "$batch", parts.joined() + "--b--\r\n",
            headers: [("Content-Type", "multipart/mixed; boundary=b"), ("Prefer", "odata.continue-on-error")])
        #expect(batch.status == 200 && batch.body.contains("HTTP/1.1 400") && batch.body.contains("HTTP/1.1 204"))
        #expect(try environment.count(of: "contact") == 2)
    }

    @Test func `which messages a table takes is told, and one that takes none refuses them`() async throws {
        var options = DynamicsOptions()
        options.tablesWithoutMultiple = ["task"]
        let environment = try environment(nil, options)
        func messages(_ table: String) async throws -> [String] {
            let filter =
                "primaryobjecttypecode eq '\(table)' and "
                + "(sdkmessageid/name eq 'CreateMultiple' or sdkmessageid/name eq 'UpsertMultiple')"
            let answer = try await ask(
                environment, .get, "sdkmessagefilters?$filter=\(PercentEncoding.encoded(filter))")
            return try value(answer.body)["value"]?.elements.compactMap { $0["sdkmessageid"]?["name"]?.text } ?? []
        }
        #expect(try await messages("contact") == ["CreateMultiple", "UpsertMultiple"])
        #expect(try await messages("task").isEmpty)
        #expect(try await messages("nothing").isEmpty)
        let body = #"{"Targets":[{"@odata.type":"Microsoft.Dynamics.CRM.task","subject":"A"}]}"#
        let refused = try await ask(environment, .post, "tasks/Microsoft.Dynamics.CRM.CreateMultiple", body)
        #expect(refused.status == 404 && refused.body.contains("0x8006088a"))
    }

    @Test func `a product needs a number and a unit of its group, and begins as a draft`() async throws {
        let environment = try environment()
        let unit = try value(try await ask(environment, .get, "uoms").body)["value"]?[0]
        let (id, group) = (unit?["uomid"]?.text ?? "", unit?["_uomscheduleid_value"]?.text ?? "")
        let units =
            #""defaultuomid@odata.bind":"/uoms(\#(id))","defaultuomscheduleid@odata.bind":"/uomschedules(\#(group))""#
        for (body, code) in [
            (#"{"name":"A"}"#, "0x80043b05"), (#"{"name":"A","productnumber":"1"}"#, "0x80043b13"),
            (#"{"productnumber":"1","defaultuomscheduleid@odata.bind":"/uomschedules(\#(group))"}"#, "0x80043b0d"),
        ] {
            let answer = try await ask(environment, .post, "products", body)
            #expect(answer.status == 400 && answer.body.contains(code), "\(answer.body)")
        }
        #expect(try await ask(environment, .post, "products", #"{"productnumber":"1",\#(units)}"#).status == 204)
        #expect(try await ask(environment, .post, "products", #"{"productnumber":"1",\#(units)}"#).body.contains("b06"))
        let product = try #require(try environment.records(of: "product").first)
        #expect(product["statecode"]?.int == 2 && product["_ownerid_value"] == nil)
    }

    @Test func `lines are of open deals with a price list and of active products`() async throws {
        let crm = SyntheticCRM(seed: 4, counts: .init(deals: 20, products: 10, lineItems: 40))
        let environment = try environment(crm)
        let deals = try environment.records(of: "opportunity")
        let open = try #require(deals.first { $0["statecode"]?.int == 0 }?["opportunityid"]?.text)
        let closed = try #require(deals.first { $0["statecode"]?.int != 0 }?["opportunityid"]?.text)
        let product = try #require(try environment.records(of: "product").first?["productid"]?.text)
        let price = try environment.records(of: "productpricelevel").first { $0["_productid_value"]?.text == product }
        let unit = try #require(try environment.records(of: "uom").first?["uomid"]?.text)
        func add(_ deal: String, _ rest: String) async throws -> (status: Int, body: String) {
            let answer = try await ask(
                environment, .post, "opportunityproducts",
                #"{"opportunityid@odata.bind":"/opportunities(\#(deal))","quantity":2,\#(rest)}"#,
                headers: [("Prefer", "return=representation")])
            return (answer.status, answer.body)
        }
        let sold = #""productid@odata.bind":"/products(\#(product))""#
        let whole = sold + #","uomid@odata.bind":"/uoms(\#(unit))""#
        #expect(try await add(closed, whole).body.contains("0x80043b09"))
        #expect(try await add(open, sold).body.contains("0x80043b0d"))
        #expect(try await add(open, #""priceperunit":1"#).body.contains("0x80043b11"))
        // Without being told otherwise, the price is that of the list, if it has one.
        let line = try value(try await add(open, whole + #","priceperunit":1"#).body)
        #expect(line["priceperunit"]?.text.flatMap(Double.init) == price?["amount"]?.text.flatMap(Double.init) ?? 0)
        #expect(line["pricingerrorcode"]?.int == (price == nil ? 5 : 0))
        let own = try value(try await add(open, whole + #","priceperunit":1.5,"ispriceoverridden":true"#).body)
        #expect(own["priceperunit"]?.text == "1.5" && own["extendedamount"]?.text == "3")
        #expect(try await ask(environment, .delete, "products(\(product))").body.contains("0x80040227"))
        #expect(
            try await ask(
                environment, .patch, "opportunities(\(open))", #"{"pricelevelid@odata.bind":null}"#
            ).status == 204)
        #expect(try await add(open, whole).body.contains("0x80043b12"))
        let lines = try environment.count(of: "opportunityproduct")
        let gone = try environment.records(of: "opportunityproduct").filter { $0["_opportunityid_value"]?.text == open }
        #expect(try await ask(environment, .delete, "opportunities(\(open))").status == 204)
        #expect(try environment.count(of: "opportunityproduct") == lines - gone.count)
        #expect(try await ask(environment, .patch, "products(\(product))", #"{"statecode":1}"#).status == 204)
        let other = try #require(deals.first { $0["statecode"]?.int == 0 && $0["opportunityid"]?.text != open })
        #expect(try await add(other["opportunityid"]?.text ?? "", whole).status == 400)
    }

    @Test func `requests above the limit are refused with the time to wait`() async throws {
        let clock = ManualClock()
        var options = DynamicsOptions()
        options.requestsMax = 3
        let environment = try environment(nil, options, clock: clock)
        for left in [2, 1, 0] {
            let answer = try await ask(environment, .get, "WhoAmI")
            #expect(answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == String(left))
        }
        let refused = try await ask(environment, .get, "WhoAmI")
        #expect(refused.status == 429 && refused.headers["Retry-After"] == "300")
        #expect(refused.body.contains("0x80072322"))
        clock.advance(by: .seconds(300))
        #expect(try await ask(environment, .get, "WhoAmI").status == 200)
    }

    @Test func `an account takes its notes and activities with it, and leaves its people behind`() async throws {
        let crm = SyntheticCRM(
            seed: 9, counts: .init(contacts: 40, companies: 4, deals: 10, notes: 60, tasks: 20, calls: 20, meetings: 20)
        )
        let environment = try environment(crm)
        let accounts = try environment.records(of: "account")
        let contacts = try environment.count(of: "contact")
        for account in accounts {
            let id = account["accountid"]?.text ?? ""
            #expect(try await ask(environment, .delete, "accounts(\(id))").status == 204)
            #expect(try await ask(environment, .delete, "accounts(\(id))").status == 404)
        }
        #expect(try environment.count(of: "contact") == contacts)
        #expect(try environment.records(of: "contact").allSatisfy { $0["_parentcustomerid_value"]?.isNull == true })
        let about = try environment.records(of: "annotation").map {
            $0["_objectid_value@Microsoft.Dynamics.CRM.lookuplogicalname"]?.text
        }
        #expect(!about.contains("account") && about.contains("contact"))
    }
}
