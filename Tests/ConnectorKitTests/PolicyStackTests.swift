// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTestKit
import MigratezTransport
import Synchronization
import Testing

@Suite struct PolicyStackTests {
    @Test func `the policies work together over a real connection`() async throws {
        let server = try ScriptedServer { request in
            switch request.number {
            case 1: .text(503, "", headers: [("Retry-After", "2")])
            case 2: .text(429, "", headers: [("Retry-After", "3")])
            default: .text(200, request.header("Authorization") ?? "none")
            }
        }
        defer { server.stop() }
        let clock = ManualClock(advancesBySleeping: true)
        let log = Log()
        let logged = LoggedClient(try CurlClient(), clock: clock) { log.append($0) }
        let settings = ConnectorSettings(texts: [
            "rate.requests": "100/10s", "rate.daily_share": "50%", "rate.concurrency": "4",
        ])
        let stack = try PolicyStack.make(
            http: logged, clock: clock, settings: settings, tokens: FixedToken(Secret("canary-token")))
        let response = try await stack.client.send(HTTPRequest(.get, server.url + "/things?email=canary-query"))
        #expect(response.body == Array("Bearer canary-token".utf8))
        #expect(stack.concurrencyMax == 4)
        #expect(clock.now.duration(since: ManualClock().now) >= .seconds(5))
        let entries = log.entries
        #expect(entries.map(\.status) == [503, 429, 200])
        #expect(entries.map(\.path) == ["/things", "/things", "/things"])
        for entry in entries { #expect(!"\(entry)".contains("canary")) }
        #expect("\(entries[2])".hasPrefix("GET 127.0.0.1/things 200 19 B "))
    }

    @Test(.timeLimit(.minutes(1))) func `fifty requests that race for a new token get one`() async throws {
        let allRefused = ScriptedServer.Gate()
        let (refused, renewals) = (Tally(), Tally())
        let server = try ScriptedServer { request in
            if request.target == "/token" { return .text(200, "token-\(renewals.add())") }
            guard request.header("Authorization") == "Bearer token-1" else { return .status(204) }
            if refused.add() == 50 { allRefused.open() }
            let head = ScriptedServer.head(401, headers: [("Content-Length", "0")])
            return [.wait(allRefused), .bytes(head)]
        }
        defer { server.stop() }
        let http = try CurlClient()
        let stack = try PolicyStack.make(
            http: http, clock: ManualClock(advancesBySleeping: true),
            settings: ConnectorSettings(texts: ["rate.requests": "1000/1s", "rate.concurrency": "64"]),
            tokens: ServedToken(http: http, address: server.url + "/token"))
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<50 {
                group.addTask { try await stack.client.send(HTTPRequest(.post, server.url + "/\(number)")).status }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses == [Int](repeating: 204, count: 50))
        #expect(renewals.value == 2 && refused.value == 50)
        #expect(server.requests.count == 102)
    }

    @Test(arguments: [nil: NetworkReach.publicInternet, "false": .publicInternet, "true": .everywhere])
    func `every request reaches as far as the connection allows`(_ text: String?, _ reach: NetworkReach) async throws {
        let stub = StubHTTPClient { _, _ in HTTPResponse(status: 200) }
        let settings = ConnectorSettings(texts: text.map { ["allow_private_network": $0] } ?? [:])
        let client = try PolicyStack.make(http: stub, clock: ManualClock(), settings: settings, tokens: nil).client
        _ = try await client.send(HTTPRequest(.get, "https://api.test/", reach: .everywhere))
        try await client.stream(HTTPRequest(.get, "https://api.test/")) { _ in
        } chunk: { _ in
        }
        #expect(stub.requests.map(\.reach) == [reach, reach])
    }

    @Test func `a base address is screened, and the error names the setting`() throws {
        let settings = ConnectorSettings(texts: ["base_url": "https://10.0.0.1/", "other_url": "https://api.test/crm/"])
        let error = #expect(throws: MigratezError.self) { try settings.baseURL("base_url") }
        #expect(error?.code == .addressOutOfReach)
        #expect(error?.message.hasPrefix("base_url: 10.0.0.1 is not") == true)
        #expect(try settings.baseURL("other_url")?.text == "https://api.test/crm")
        #expect(try settings.baseURL("no_url") == nil)
    }

    @Test func `a failure is logged by its code`() async throws {
        let server = try ScriptedServer { _ in [.reset] }
        defer { server.stop() }
        let log = Log()
        let client = LoggedClient(try CurlClient(), clock: ManualClock()) { log.append($0) }
        _ = try? await client.send(HTTPRequest(.get, server.url + "/x?canary"))
        let entry = try #require(log.entries.first)
        #expect(entry.failure == .brokenResponse)
        #expect("\(entry)" == "GET 127.0.0.1/x MZ-NET-03 0 B 0 ms")
    }

    @Test(arguments: [
        ("rate.requests", "fast"), ("rate.daily_share", "70"), ("rate.concurrency", "0"), ("rate.concurrency", "many"),
    ])
    func `settings that make no sense are refused`(path: String, text: String) {
        let error = #expect(throws: MigratezError.self) {
            try PolicyStack.make(
                http: StubHTTPClient { _, _ in HTTPResponse(status: 200) }, clock: ManualClock(),
                settings: ConnectorSettings(texts: [path: text]), tokens: nil)
        }
        #expect(error?.code == .invalidSetting)
        #expect(error?.remedy == .fixConfiguration)
    }

    @Test(arguments: [
        (401, ErrorCode.credentialsRejected), (403, .permissionMissing), (404, .requestRefused), (429, .throttled),
        (500, .serverFailed),
        (503, .serverFailed), (418, .requestRefused),
    ]) func `a refusal that nobody knows better about has an error`(status: Int, code: ErrorCode) {
        let request = HTTPRequest(.get, "https://crm.test/things?email=canary")
        let error = MigratezError.refusal(
            of: request, HTTPResponse(status: status, body: Array("canary".utf8)), vendorCode: "BAD_THING")
        #expect(error.code == code)
        #expect(error.description.contains("BAD_THING"))
        #expect(!error.description.contains("canary"))
    }
}

private final class Log: Sendable {
    private let state = Mutex<[RequestLogEntry]>([])
    var entries: [RequestLogEntry] { state.withLock { $0 } }
    func append(_ entry: RequestLogEntry) { state.withLock { $0.append(entry) } }
}

/// A token that a server hands out.
private struct ServedToken: TokenProvider {
    let http: CurlClient
    let address: String
    let isRenewable = true

    func fetch() async throws -> AccessToken {
        let answer = try await http.send(HTTPRequest(.post, address))
        return AccessToken(Secret(String(decoding: answer.body, as: UTF8.self)), expiresAt: nil)
    }
}
