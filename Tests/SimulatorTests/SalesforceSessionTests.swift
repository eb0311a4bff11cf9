// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezTestKit
import Testing

@Suite struct `Salesforce simulator: sessions, limits and schema` {
    /// For `client`, on behalf of etl@acme.test, until 2026-11-23T12:03:00Z; made with openssl, as was the key.
    static let assertion = [
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJjbGllbnQiLCJzdWIiOiJldGxAYWNtZS50ZXN0IiwiYXVkIjoiaHR0cHM6Ly9sb2dpbi5",
        "zYWxlc2ZvcmNlLmNvbSIsImV4cCI6MTc5NTQzNTM4MH0.k9t7cc35ZTsIEHo8JE0DnSJCc7UNOrKvdbdVe6-qjNUVJBy3bgUgyUj",
        "x5amQ1E_Mjw4S3AGlShVrJWdqH2uvESIwszYD78Yg0wCfqtABOoyjybMXZaI1AQglvI60SKJiVkWL9i0_XyAxVdlNjPF7TTu9xA0",
        "9-g6gn_A8cPbvRHy5rwHxjZnyWoqrWmkPenG_RbjqoJYgCAl7vFbQ5WMw-R10OZXlaTgrl5RpLvtn7NtYjSQSenSBub4SqieqzNC",
        "GJfuytg_RPp03SBCKwUmjXHEbMzmmEruBlnZOvgv3an5BTB5taK6T5yqvsrelpK0obC2v2r7QwyyxcfjXE_yoxA",
    ].joined()

    static let publicKey = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAo194bgkCyY9tMaaWzn70
        81z+LzAbKKxbzTdZB+jZ66ETBvY3dPRSOhI05nqwOjISTSF/L5ppr12zMssgQtfZ
        K7+/w075/XvEK+WHU2YpTWfy5i4NTafs0SXeuWC+pFEiFoESv4TdThXd1o/0PHIn
        ux575p+Bidx6Dxd5gQgncuwFODjcnA+WdI7jfKmgoQgqkU1rbRFSpv8FNyVQkzCP
        KZGUV9m53erkWjFtTa3XsIKHMk3nMnWVX5LJCWwzS/tSMLJTKFVxngAr72QY4Qou
        P8kka0WUcKrcth3EG3POGr0a0S8MlbcMjAaYMzDczOZDd5n9CknEJIrytVRIJBZU
        dQIDAQAB
        -----END PUBLIC KEY-----
        """

    private func login(_ client: SalesforceClient, _ form: [(String, String)]) async -> SalesforceClient.Answer {
        let body = form.map { $0.0 + "=" + PercentEncoding.encoded($0.1) }.joined(separator: "&")
        return await client.send(.post, "/services/oauth2/token", body)
    }

    private static let jwt = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    @Test func `a refresh token gives a session for the address that was asked, without an end`() async throws {
        var client = try SalesforceClient { $0.refreshToken = "r" }
        let form = [("grant_type", "refresh_token"), ("client_id", "c")]
        let refused = await login(client, form + [("refresh_token", "x")])
        #expect(refused.status == 400)
        #expect(refused.json["error"]?.text == "invalid_grant")
        let granted = await login(client, form + [("refresh_token", "r")])
        #expect(granted.json["instance_url"]?.text == "http://127.0.0.1:1")
        #expect(granted.json["expires_in"] == nil)
        client.token = try #require(granted.json["access_token"]?.text)
        #expect(await client.send(.get, "limits").status == 200)
        #expect(await client.send(.post, "/services/oauth2/revoke", "token=" + client.token).status == 200)
        #expect(await client.send(.get, "limits").errorCode == "INVALID_SESSION_ID")
    }

    @Test func `client credentials need the secret`() async throws {
        let client = try SalesforceClient {
            $0.clientID = "c"
            $0.clientSecret = "s"
        }
        for (id, secret, error) in [("c", "s", nil), ("c", "x", "invalid_client"), ("x", "s", "invalid_client_id")] {
            let answer = await login(
                client, [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)])
            #expect(answer.json["error"]?.text == error)
        }
        #expect(await login(client, [("grant_type", "password")]).json["error"]?.text == "unsupported_grant_type")
    }

    @Test func `a signed assertion is accepted until it expires, a changed one never`() async throws {
        let client = try SalesforceClient {
            $0.clientID = "client"
            $0.jwtPublicKey = Self.publicKey
        }
        let good = await login(client, [("grant_type", Self.jwt), ("assertion", Self.assertion)])
        #expect(good.status == 200, "\(good.text)")
        var parts = Self.assertion.split(separator: ".").map(String.init)
        parts[2] = String(parts[2].dropFirst(4)) + "AAAA"
        for assertion in [parts.joined(separator: "."), "a.b.c", ""] {
            let answer = await login(client, [("grant_type", Self.jwt), ("assertion", assertion)])
            #expect(answer.json["error"]?.text == "invalid_grant")
        }
        client.clock.advance(by: .seconds(180))
        let late = await login(client, [("grant_type", Self.jwt), ("assertion", Self.assertion)])
        #expect(late.json["error_description"]?.text == "assertion has expired")
    }

    @Test func `a session ends after its time or its requests`() async throws {
        var client = try SalesforceClient {
            $0.sessionLifetime = .seconds(60)
            $0.sessionRequestsMax = 2
        }
        let form = [("grant_type", "refresh_token"), ("client_id", "c"), ("refresh_token", "r")]
        client.token = try #require(await login(client, form).json["access_token"]?.text)
        var statuses: [Int] = []
        for _ in 0..<3 { statuses.append(await client.send(.get, "limits").status) }
        #expect(statuses == [200, 200, 401])
        client.token = try #require(await login(client, form).json["access_token"]?.text)
        client.clock.advance(by: .seconds(60))
        #expect(await client.send(.get, "limits").errorCode == "INVALID_SESSION_ID")
    }

    @Test func `the limit is told with every answer, and what is over it is refused until a day has passed`()
        async throws
    {
        let client = try SalesforceClient { $0.dailyRequestsMax = 2 }
        #expect(await client.send(.get, "sobjects").headers["Sforce-Limit-Info"] == "api-usage=1/2")
        #expect(await client.send(.get, "sobjects/Nothing").headers["Sforce-Limit-Info"] == "api-usage=2/2")
        let over = await client.send(.get, "sobjects")
        #expect(over.status == 403)
        #expect(over.errorCode == "REQUEST_LIMIT_EXCEEDED")
        client.clock.advance(by: .seconds(24 * 3600))
        #expect(await client.send(.get, "sobjects").status == 200)
    }

    @Test func `versions are listed without a session, and only those exist`() async throws {
        var client = try SalesforceClient()
        client.token = "none"
        let versions = await client.send(.get, "/services/data/").json.elements
        #expect(versions.last?["version"]?.text == "68.0")
        #expect(versions.first { $0["version"]?.text == "67.0" }?["label"]?.text == "Summer '26")
        #expect(await client.send(.get, "limits").status == 401)
        client.token = "test"
        #expect(await client.send(.get, "/services/data/v30.0/limits").status == 404)
    }

    @Test func `describe tells what a row is checked against`() async throws {
        let client = try SalesforceClient()
        let fields = await client.send(.get, "sobjects/Opportunity/describe").json["fields"]?.elements ?? []
        let required = fields.filter {
            $0["nillable"]?.bool == false && $0["defaultedOnCreate"]?.bool == false && $0["createable"]?.bool == true
        }
        #expect(required.compactMap { $0["name"]?.text } == ["Name", "StageName", "CloseDate"])
        let stage = fields.first { $0["name"]?.text == "StageName" }
        #expect(stage?["restrictedPicklist"]?.bool == true)
        #expect(stage?["picklistValues"]?.elements.count == 10)
        let account = fields.first { $0["name"]?.text == "AccountId" }
        #expect(account?["referenceTo"] == ["Account"])
    }

    @Test func `a new field that the user may not see does not exist for it`() async throws {
        let client = try SalesforceClient { $0.showsNewFields = false }
        await client.addKey(to: "Account")
        let fields = await client.send(.get, "sobjects/Account/describe").json["fields"]?.elements ?? []
        #expect(!fields.contains { $0["name"]?.text == "Key__c" })
        #expect(
            await client.send(.post, "sobjects/Account", #"{"Name":"A","Key__c":"k"}"#).errorCode == "INVALID_FIELD")
    }

    @Test(arguments: [
        (#"{"FullName":"Account.Key","Metadata":{"type":"Text","label":"L","length":9}}"#, "INVALID_FIELD_NAME"),
        (#"{"FullName":"Account.Key__c","Metadata":{"type":"Text","length":9}}"#, "REQUIRED_FIELD_MISSING"),
        (
            #"{"FullName":"Account.Key__c","Metadata":{"type":"Text","label":"L","length":256}}"#,
            "FIELD_INTEGRITY_EXCEPTION"
        ),
        (
            #"{"FullName":"ContentNote.Key__c","Metadata":{"type":"Text","label":"L","length":9}}"#,
            "FIELD_INTEGRITY_EXCEPTION"
        ),
        (
            #"{"FullName":"Nothing.Key__c","Metadata":{"type":"Text","label":"L","length":9}}"#,
            "FIELD_INTEGRITY_EXCEPTION"
        ),
        (
            #"{"FullName":"Account.K__c","Metadata":{"type":"Date","label":"L","externalId":true}}"#,
            "FIELD_INTEGRITY_EXCEPTION"
        ),
    ])
    func `a field that cannot be made is refused`(_ body: String, _ code: String) async throws {
        let client = try SalesforceClient()
        #expect(await client.send(.post, "tooling/sobjects/CustomField", body).errorCode == code)
    }
}
