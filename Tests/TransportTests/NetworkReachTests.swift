// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTestKit
import MigratezTransport
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite(.serialized) struct NetworkReachTests {
    @Test(arguments: [
        "https://10.1.2.3/", "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://[::1]/",
        "https://[fe80::1]/", "https://[::ffff:192.168.0.1]/", "https://[64:ff9b::7f00:1]/", "https://localhost/",
        "https://LOCALHOST:8443/", "https://api.localhost/", "https://0.0.0.0/",
    ])
    func `an address that is not public is refused unless it is allowed`(_ text: String) async throws {
        #expect(#expect(throws: MigratezError.self) { try BaseURL(text, .publicInternet) }?.code == .addressOutOfReach)
        #expect(throws: Never.self) { try BaseURL(text, .everywhere) }
        let error = await failure { try await CurlClient().send(HTTPRequest(.get, text)) }
        #expect(error?.code == .addressOutOfReach)
        #expect(error?.hint?.contains("allow_private_network") == true)
    }

    @Test(arguments: [
        "https://2130706433/", "https://0x7f000001/", "https://127.1/", "https://017700000001/", "https://0x7f.0.0.1/",
        "https://0177.0.0.1/", "https://127.0.0.1./", "https://127.0.0.01/", "https://1.2.3.256/",
        "https://api.test.1/",
        "https://[1::2::3]/",
    ])
    func `a number in another form is no host, allowed or not`(_ text: String) {
        for reach in [NetworkReach.publicInternet, .everywhere] {
            #expect(#expect(throws: MigratezError.self) { try BaseURL(text, reach) }?.code == .invalidSetting)
        }
    }

    @Test(arguments: ["https://api.test/?key=canary", "https://user:canary@api.test", "https://api.test/#canary"])
    func `a base address has nothing but a host and a path`(_ text: String) {
        let error = #expect(throws: MigratezError.self) { try BaseURL(text, .publicInternet) }
        #expect(error?.code == .invalidSetting)
        #expect(error?.description.contains("canary") == false)
    }

    @Test(arguments: [
        ("https://api.test", "https://api.test"), ("https://api.test//", "https://api.test"),
        ("https://api.test/crm/", "https://api.test/crm"), ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("https://1.1.1.1", "https://1.1.1.1"),
    ])
    func `a base address has no slash at its end`(_ text: String, _ expected: String) throws {
        #expect(try BaseURL(text, .publicInternet).text == expected)
    }

    /// The machine's own name stands for an address of a private network or of the machine itself.
    @Test(.enabled(if: ownName != nil, "the machine's own name stands for no private address"))
    func `a name that stands for such an address is refused before a byte is sent`() async throws {
        let server = try ScriptedServer(reading: .resetAtOnce)
        defer { server.stop() }
        let url = "https://\(try #require(Self.ownName)):\(server.port)/?canary"
        let error = await failure { try await CurlClient().send(HTTPRequest(.get, url)) }
        #expect(error?.code == .addressOutOfReach)
        #expect(error?.isSurelyNotSent == true)
        #expect(error?.remedy == .fixConfiguration)
        #expect(error?.description.contains("canary") == false)
        #expect(server.connectionCount == 0)
        // Allowed, it is tried: nobody listens, or this server hangs up.
        let allowed = await failure { try await CurlClient().send(HTTPRequest(.get, url, reach: .everywhere)) }
        #expect(allowed?.code == .unreachable)
    }

    /// What is behind a proxy the proxy decides; the proxy itself may be anywhere, as its operator chose it.
    @Test func `a proxy may be on this machine`() async throws {
        let proxy = try ScriptedServer { _ in .status(502) }
        defer { proxy.stop() }
        setenv("https_proxy", proxy.url, 1)
        defer { unsetenv("https_proxy") }
        _ = await failure { try await CurlClient().send(HTTPRequest(.get, "https://crm.test/")) }
        #expect(proxy.connectionCount == 1)
        let refused = await failure { try await CurlClient().send(HTTPRequest(.get, "https://10.0.0.1/")) }
        #expect(refused?.code == .addressOutOfReach)
        #expect(proxy.connectionCount == 1)
    }

    @Test func `plain http to this machine needs no permission`() async throws {
        let server = try ScriptedServer { _ in .text(200, "x") }
        defer { server.stop() }
        let response = try await CurlClient().send(HTTPRequest(.get, "http://localhost:\(server.port)/"))
        #expect(response.status == 200)
    }

    private static let ownName: String? = {
        func string(_ text: [CChar]) -> String {
            String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        var name = [CChar](repeating: 0, count: 256)
        var found: UnsafeMutablePointer<addrinfo>?
        guard gethostname(&name, name.count - 1) == 0, getaddrinfo(name, nil, nil, &found) == 0 else { return nil }
        defer { freeaddrinfo(found) }
        var addresses: [IPAddress?] = []
        var next = found
        while let info = next?.pointee {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            getnameinfo(info.ai_addr, info.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
            addresses.append(IPAddress(string(text)))
            next = info.ai_next
        }
        return addresses.contains { $0?.isPublic == true } ? nil : string(name)
    }()
}
