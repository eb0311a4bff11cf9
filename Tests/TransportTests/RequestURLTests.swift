// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransport
import Testing

struct RequestURLTests {
    @Test func `an address is taken apart`() throws {
        let url = try RequestURL("HTTPS://Api.Example.com:8443/crm/v3?after=1&x=/?y")
        #expect(url.isSecure && url.host == "api.example.com" && url.port == 8443 && url.path == "/crm/v3")
        #expect(!url.isLoopback && "\(url)" == "api.example.com:8443/crm/v3")
        let bare = try RequestURL("https://a.test?x=1")
        #expect(bare.host == "a.test" && bare.port == nil && bare.path == "/")
    }

    @Test(arguments: ["http://127.0.0.1:80/x", "http://[::1]/", "http://localhost"])
    func `plain http goes to this machine`(_ text: String) throws {
        let url = try RequestURL(text)
        #expect(url.isLoopback && !url.isSecure)
    }

    @Test(arguments: [
        "", "ftp://a.test/", "https:/a.test", "https://", "https://a b.test/", "https://a.test/#x", "https://é.test/",
        "https://user@a.test/", "https://a\\b.test/", "https://a.test:0/", "https://a.test:70000/",
        "https://a.test:8x/",
        "https://[::1/", "https://[x::1]/", "https://a_b$.test/", "https://a.test\n/", "httpsX//a.test/",
    ])
    func `anything else is no address`(_ text: String) {
        let error = #expect(throws: MigratezError.self) { try RequestURL(text) }
        #expect(error?.code == .invalidSetting)
        #expect(text.isEmpty || error?.message.contains(text) == false, "the address is not quoted")
    }

    @Test(arguments: [
        "http://a.test/", "http://127.1/", "http://0177.0.0.1/", "http://127.0.0.01/", "http://128.0.0.1/",
    ])
    func `plain http goes nowhere else`(_ text: String) {
        #expect(#expect(throws: MigratezError.self) { try RequestURL(text) }?.code == .insecureURL)
    }
}
