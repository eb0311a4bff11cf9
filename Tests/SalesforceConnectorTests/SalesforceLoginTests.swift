// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezTestKit
import MigratezTransport
import Synchronization
import Testing

@Suite struct SalesforceLoginTests {
    private func form(_ body: [UInt8]) -> [String: String] {
        Dictionary(
            String(decoding: body, as: UTF8.self).split(separator: "&").map { pair in
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), String(parts[1]))
            }, uniquingKeysWith: { first, _ in first })
    }

    private func settings(
        _ url: String, _ texts: [String: String], _ secrets: [String: String]
    ) throws -> SalesforceAccess {
        try SalesforceAccess(
            ConnectorSettings(
                texts: texts.merging(["base_url": url, "auth.client_id": "client+1"]) { first, _ in first },
                secrets: secrets.mapValues(Secret.init)))
    }

    private func server(_ status: Int = 200, _ body: String? = nil) throws -> ScriptedServer {
        try ScriptedServer { _ in
            .text(status, body ?? #"{"access_token":"t-1","instance_url":"https://acme.my.salesforce.com/"}"#)
        }
    }

    @Test func `a refresh token is exchanged and the org's own address is kept`() async throws {
        let server = try server()
        let login = SalesforceLogin(
            settings: try settings(
                server.url, ["auth.kind": "refresh"],
                ["auth.refresh_token": "r+/=1", "auth.client_secret": "s&1"]),
            http: try sharedClient.get(), clock: ManualClock())
        #expect(login.instanceURL == server.url)
        #expect(try await login.accessToken() == Secret("t-1"))
        #expect(login.instanceURL == "https://acme.my.salesforce.com")
        let request = try #require(server.requests.first)
        #expect(request.target == "/services/oauth2/token")
        #expect(request.header("Authorization") == nil)
        #expect(
            form(request.body) == [
                "grant_type": "refresh_token", "refresh_token": "r%2B%2F%3D1", "client_id": "client%2B1",
                "client_secret": "s%261",
            ])
    }

    @Test func `an org's address on plain http is refused before the token goes there`() async throws {
        let server = try server(200, #"{"access_token":"t","instance_url":"http://evil.test"}"#)
        let login = SalesforceLogin(
            settings: try settings(server.url, ["auth.kind": "refresh"], ["auth.refresh_token": "r"]),
            http: try sharedClient.get(), clock: ManualClock())
        let error = await #expect(throws: MigratezError.self) { try await login.accessToken() }
        #expect(error?.code == .insecureURL)
    }

    /// A login service that is somebody else's could send the token, or requests, into the network that we are in.
    @Test(arguments: [
        "https://127.0.0.1", "https://10.0.0.1", "https://169.254.169.254", "https://[::1]", "https://localhost",
        "https://2130706433", "https://user:canary@acme.my.salesforce.com", "https://acme.my.salesforce.com/?canary",
        "file:///etc/passwd",
    ])
    func `an org's address that is not an address of the internet is refused`(_ instance: String) async throws {
        let server = try server(200, #"{"access_token":"t","instance_url":"\#(instance)"}"#)
        let login = SalesforceLogin(
            settings: try settings(server.url, ["auth.kind": "refresh"], ["auth.refresh_token": "r"]),
            http: try sharedClient.get(), clock: ManualClock())
        let error = await #expect(throws: MigratezError.self) { try await login.accessToken() }
        #expect(error?.code == .addressOutOfReach || error?.code == .invalidSetting)
        #expect(error?.message.contains("instance_url") == true)
        #expect(error?.description.contains("canary") == false)
        #expect(login.instanceURL == server.url, "the token goes nowhere")
    }

    @Test func `a login service elsewhere cannot name this machine`() async throws {
        let stub = StubHTTPClient { _, _ in
            HTTPResponse(
                status: 200, body: Array(#"{"access_token":"t","instance_url":"http://127.0.0.1:8080"}"#.utf8))
        }
        for texts in [["auth.kind": "refresh"], ["auth.kind": "refresh", "allow_private_network": "true"]] {
            let login = SalesforceLogin(
                settings: try settings("https://login.test", texts, ["auth.refresh_token": "r"]), http: stub,
                clock: ManualClock())
            let error = await #expect(throws: MigratezError.self) { try await login.accessToken() }
            #expect(error?.code == .addressOutOfReach)
        }
    }

    @Test(arguments: ["base_url", "login_url"]) func `addresses in the settings are screened`(_ path: String) throws {
        let given = { (texts: [String: String]) in
            try SalesforceAccess(
                ConnectorSettings(
                    texts: ["auth.kind": "refresh", "auth.client_id": "c"].merging(texts) { $1 },
                    secrets: ["auth.refresh_token": Secret("r")]))
        }
        let error = #expect(throws: MigratezError.self) { try given([path: "https://192.168.1.5"]) }
        #expect(error?.code == .addressOutOfReach)
        #expect(error?.message.hasPrefix("\(path): ") == true)
        #expect(try given([path: "https://192.168.1.5", "allow_private_network": "true"]).reach == .everywhere)
        #expect(try given([path: "https://acme.my.salesforce.com"]).reach == .publicInternet)
    }

    @Test func `client credentials are sent as such`() async throws {
        let server = try server()
        let login = SalesforceLogin(
            settings: try settings(
                server.url, ["auth.kind": "client_credentials"], ["auth.client_secret": "secret"]),
            http: try sharedClient.get(), clock: ManualClock())
        _ = try await login.accessToken()
        #expect(
            form(try #require(server.requests.first).body) == [
                "grant_type": "client_credentials", "client_id": "client%2B1", "client_secret": "secret",
            ])
    }

    @Test(arguments: [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ])
    func `the audience of an assertion is a login host`(_ loginURL: String, _ audience: String) {
        #expect(SalesforceLogin.audience(loginURL) == audience)
    }

    @Test(arguments: [
        (#"{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}"#, "pre-authorise"),
        (#"{"error":"invalid_grant","error_description":"expired access/refresh token"}"#, "authorise again"),
        (#"{"error":"invalid_client_id","error_description":"client identifier invalid"}"#, "auth.client_id"),
        (#"{"error":"invalid_grant","error_description":"audience is invalid"}"#, "login_url"),
        (#"{"error":"SECRET r-CANARY","error_description":"r-CANARY"}"#, "below auth"),
        ("<html>r-CANARY</html>", "below auth"),
    ])
    func `a refused login says what to do and nothing that was sent`(_ body: String, _ hint: String) async throws {
        let server = try server(400, body)
        let login = SalesforceLogin(
            settings: try settings(server.url, ["auth.kind": "refresh"], ["auth.refresh_token": "r-CANARY"]),
            http: try sharedClient.get(), clock: ManualClock())
        let error = await #expect(throws: MigratezError.self) { try await login.accessToken() }
        #expect(error?.code == .credentialsRejected)
        #expect(error?.remedy == .fixConfiguration)
        #expect(error?.hint?.contains(hint) == true)
        #expect(error?.description.contains("CANARY") == false)
    }

    @Test func `fifty requests that find the session expired log in once`() async throws {
        let logins = Mutex(0)
        let url = Mutex("")
        let server = try ScriptedServer { request in
            if request.target.contains("/oauth2/") {
                let number = logins.withLock { logins in
                    logins += 1
                    return logins
                }
                return .text(200, #"{"access_token":"t-\#(number)","instance_url":"\#(url.withLock { $0 })"}"#)
            }
            guard request.header("Authorization") == "Bearer t-2" else {
                return .text(401, #"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#)
            }
            return .text(200, #"{"totalSize":1,"done":true,"records":[{"Id":"005000000000001AAA"}]}"#)
        }
        url.withLock { $0 = server.url }
        defer { server.stop() }
        let destination = try makeDestination(server.url)
        let found = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { try await destination.people().count } }
            return try await group.reduce(0, +)
        }
        #expect(found == 50)
        #expect(logins.withLock { $0 } == 2)
    }

    @Test func `a session that is refused twice is named`() async throws {
        let server = try ScriptedServer { request in
            request.target.contains("/oauth2/")
                ? .text(200, #"{"access_token":"t","instance_url":"http://127.0.0.1:\#(Self.port(request))"}"#)
                : .text(401, #"[{"message":"no","errorCode":"INVALID_SESSION_ID"}]"#)
        }
        defer { server.stop() }
        let destination = try makeDestination(server.url)
        let error = await #expect(throws: MigratezError.self) { try await destination.people() }
        #expect(error?.code == .credentialsRejected)
        #expect(error?.remedy == .fixConfiguration)
    }

    private static func port(_ request: ScriptedServer.Request) -> String {
        request.header("Host")?.split(separator: ":").last.map(String.init) ?? ""
    }
}

@Suite struct SalesforceSettingsTests {
    private func access(_ texts: [String: String]) throws -> SalesforceAccess {
        var all = ["auth.kind": "refresh", "auth.client_id": "c"]
        all.merge(texts) { $1 }
        return try SalesforceAccess(
            ConnectorSettings(texts: all, secrets: ["auth.refresh_token": Secret("r")]))
    }

    private func settings(_ texts: [String: String]) throws -> SalesforceSettings {
        try SalesforceSettings(ConnectorSettings(texts: texts))
    }

    @Test func `what is not said has a default`() throws {
        let access = try access([:])
        #expect(access.loginURL == "https://login.salesforce.com")
        #expect(access.apiVersion == "v67.0")
        let settings = try settings([:])
        #expect(settings.stampField == "Migratez_Id__c")
        #expect(settings.loadAPI == .auto)
        #expect(settings.sortsByParent && !settings.allowsDuplicates)
        #expect(settings.references == .externalID)
    }

    @Test func `what is said counts`() throws {
        let access = try access(["base_url": "https://acme.my.salesforce.com/", "api_version": "68.0"])
        #expect(access.loginURL == "https://acme.my.salesforce.com")
        #expect(access.apiVersion == "v68.0")
        let settings = try settings([
            "load.api": "bulk2",
            "load.external_id": "Legacy__c", "load.batch.records": "20k", "load.batch.bytes": "90MiB",
            "load.order": "as_read", "load.allow_duplicates": "true", "load.references": "id",
        ])
        #expect(settings.loadAPI == .bulk2)
        #expect(settings.stampField == "Legacy__c")
        #expect(settings.batchRecordsMax == 20_000)
        #expect(settings.batchBytesMax == .MiB(90))
        #expect(!settings.sortsByParent && settings.allowsDuplicates)
        #expect(settings.references == .id)
    }

    @Test(arguments: [
        ["api_version": "latest"], ["load.external_id": "a b"], ["load.batch.records": "0"],
        ["load.batch.records": "many"], ["auth.kind": "password"], ["auth.kind": "jwt"],
    ])
    func `what cannot be is refused`(_ texts: [String: String]) {
        let error = #expect(throws: MigratezError.self) {
            _ = try access(texts)
            _ = try settings(texts)
        }
        #expect(error?.code == .invalidSetting)
    }

    @Test func `every setting is described once`() {
        for specs in [SalesforceSource.settings, SalesforceDestination.settings] {
            let paths = specs.map(\.path)
            #expect(Set(paths).count == paths.count)
            #expect(specs.allSatisfy { !$0.summary.isEmpty })
        }
    }
}

@Suite struct SalesforceLimitsTests {
    private func hints(_ text: String?) -> RateHints? {
        SalesforceLimits.hints(
            HTTPResponseHead(
                status: 200, headers: HTTPHeaders(text.map { [HTTPHeader("sforce-limit-info", $0)] } ?? [])))
    }

    @Test func `the day's use is read from the answer`() {
        #expect(hints("api-usage=18/5000") == RateHints(dailyUsed: 18, dailyLimit: 5000))
        #expect(
            hints("api-usage=25/5000; per-app-api-usage=17/250(appName=sample)")
                == RateHints(dailyUsed: 25, dailyLimit: 5000))
        #expect(hints(nil) == nil)
        #expect(hints("api-usage=18") == nil)
        #expect(hints("other=1/2") == nil)
    }

    @Test func `few rows go by collections, many by bulk jobs, notes never`() throws {
        let destination = try makeDestination("https://acme.my.salesforce.com")
        #expect(destination.route(for: "Contact", expectedRows: 1999).name == "collections")
        #expect(destination.route(for: "Contact", expectedRows: 2000).name == "bulk2")
        #expect(destination.route(for: "ContentNote", expectedRows: 300_000).name == "collections")
        let bulk = try makeDestination("https://acme.my.salesforce.com", ["load.api": "bulk2"])
        #expect(bulk.route(for: "Contact", expectedRows: 1).name == "bulk2")
        let collections = try makeDestination(
            "https://acme.my.salesforce.com",
            ["load.api": "collections", "load.batch.records": "20k", "rate.concurrency": "3"])
        let route = collections.route(for: "Contact", expectedRows: 1_000_000)
        #expect(route.name == "collections" && route.recordsMax == 200 && route.concurrencyMax == 3)
    }

    @Test func `a plan knows about how many requests a load takes`() throws {
        let destination = try makeDestination("https://acme.my.salesforce.com")
        #expect(destination.estimatedCalls(object: "Contact", rows: 0) == 0)
        #expect(destination.estimatedCalls(object: "Contact", rows: 1) == 1)
        #expect(destination.estimatedCalls(object: "Contact", rows: 401) == 3)
        #expect(destination.estimatedCalls(object: "Contact", rows: 1_000_000) == 50 * 13)
        #expect(destination.estimatedCalls(object: "ContentNote", rows: 300_000) == 3000)
    }
}
