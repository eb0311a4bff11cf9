// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import Testing

struct TextEncodingTests {
    @Test(arguments: [
        // RFC 4648, section 10.
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `base64 of RFC 4648`(plain: String, encoded: String) {
        let bytes = Array(plain.utf8)
        let unpadded = encoded.filter { $0 != "=" }
        #expect(Base64.standard.encode(bytes) == encoded)
        #expect(Base64.standard.decode(encoded) == bytes)
        #expect(Base64.standardUnpadded.encode(bytes) == unpadded)
        #expect(Base64.urlUnpadded.decode(unpadded) == bytes)
        if encoded != unpadded {
            #expect(Base64.standard.decode(unpadded) == nil)
            #expect(Base64.standardUnpadded.decode(encoded) == nil)
        }
    }

    @Test(arguments: ["Zh==", "Zm9=", "Zg=", "Zg===", "====", "Zm9v\n", " Zm9v", "Zm9-", "Z", "Zm9vY", "Zg==Zg=="])
    func `base64 has one spelling`(text: String) { #expect(Base64.standard.decode(text) == nil) }

    @Test func `both alphabets reach their last letters`() {
        #expect(Base64.standard.encode([0xFB, 0xEF, 0xFF]) == "++//")
        #expect(Base64.url.encode([0xFB, 0xEF, 0xFF]) == "--__")
        #expect(Base64.url.decode("++//") == nil)
    }

    @Test(arguments: 0..<70) func `base64 comes back`(length: Int) throws {
        let bytes = try randomBytes(length)
        for variant in [Base64.standard, .standardUnpadded, .url, .urlUnpadded] {
            #expect(variant.decode(variant.encode(bytes)) == bytes)
        }
    }

    @Test func `hexadecimal comes back, in both cases`() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        #expect(Hex.decode("0AfF") == [0x0A, 0xFF])
        #expect(Hex.decode("0a0") == nil)
        #expect(Hex.decode("0g") == nil)
    }
}
