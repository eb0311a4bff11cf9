// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel
import MigratezTestKit
import Testing

struct PrimitiveTests {
    @Test(arguments: [
        // FIPS 180-4 examples.
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func `SHA-256 of known texts`(text: String, digest: String) {
        #expect(Hex.encode(SHA256.digest(of: Array(text.utf8))) == digest)
    }

    @Test(arguments: [0, 1, 55, 56, 63, 64, 65, 127, 128, 1000])
    func `SHA-256 in pieces is SHA-256 in one`(length: Int) throws {
        let bytes = try randomBytes(length)
        for piece in [1, 7, 64] {
            var hash = SHA256()
            var rest = bytes[...]
            while !rest.isEmpty {
                hash.update(Array(rest.prefix(piece)))
                rest = rest.dropFirst(piece)
            }
            #expect(hash.finish() == SHA256.digest(of: bytes))
        }
    }

    @Test func `scrypt of RFC 7914`() throws {
        let key = try Scrypt.derive(
            from: Secret("pleaseletmein"), salt: Array("SodiumChloride".utf8), workFactor: 14, outputBytes: 64)
        let expected =
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
            + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        #expect(key.withUnsafeBytes { Hex.encode(Array($0)) } == expected)
    }

    @Test(arguments: [
        // Digits of `openssl mac -macopt hexkey:000102…0f -macopt size:16 SIPHASH` over the bytes 0, 1, 2 …
        (0, "a3817f04ba25a8e66df67214c7550293"), (1, "da87c1d86b99af44347659119b22fc45"),
        (7, "a1f1ebbed8dbc153c0b84aa61ff08239"), (8, "3b62a9ba6258f5610f83e264f31497b4"),
        (15, "5493e99933b0a8117e08ec0f97cfc3d9"), (63, "5150d1772f50834a503e069a973fbd7c"),
    ])
    func `pseudonyms are SipHash-2-4-128`(length: Int, expected: String) {
        let key = PseudonymKey(sipHashKey: SymmetricKey(copying: Array(0..<16)))
        let pseudonym = key.pseudonym(of: (0..<UInt8(length)).map { $0 })
        #expect(pseudonym.description == expected)
        #expect(Hex.encode(pseudonym.bytes) == expected)
    }

    @Test func `pseudonyms are ordered as their bytes`() throws {
        let key = PseudonymKey(derivedFrom: try SymmetricKey())
        let pseudonyms = (0..<500).map { key.pseudonym(of: "person \($0)") }
        let byBytes = pseudonyms.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        #expect(pseudonyms.sorted() == byBytes)
        #expect(Set(pseudonyms).count == 500)
    }

    @Test func `another key gives other pseudonyms`() throws {
        let (a, b) = (PseudonymKey(derivedFrom: try SymmetricKey()), PseudonymKey(derivedFrom: try SymmetricKey()))
        #expect(a.pseudonym(of: "anna@example.com") != b.pseudonym(of: "anna@example.com"))
        #expect(a.pseudonym(of: "anna@example.com") == a.pseudonym(of: Array("anna@example.com".utf8)))
    }

    @Test func `a cipher that is used again gives the same as a fresh one`() throws {
        let key = try SymmetricKey()
        var used = try ChaCha20Poly1305(key: key)
        for i in 0..<20 as Range<UInt8> {
            let nonce = [UInt8](repeating: i, count: 12)
            let secret = try SymmetricKey(randomBytes: Int(i) * 7)
            var fresh = try ChaCha20Poly1305(key: key)
            let sealed = try used.seal(secret, nonce: nonce, authenticating: [i])
            let freshlySealed = try fresh.seal(secret, nonce: nonce, authenticating: [i])
            #expect(freshlySealed == sealed)
            let refused = try used.openKey(sealed, nonce: nonce, authenticating: [i &+ 1])
            #expect(refused == nil)
            let opened = try used.openKey(sealed, nonce: nonce, authenticating: [i])
            #expect(opened?.isEqual(to: secret) == true)
        }
    }

    @Test func `what is not authentic leaves zeros behind`() throws {
        let key = try SymmetricKey()
        var cipher = try ChaCha20Poly1305(key: key)
        let nonce = [UInt8](repeating: 0, count: 12)
        var sealed = try cipher.seal(SymmetricKey(copying: Array("canary".utf8)), nonce: nonce)
        sealed[sealed.count - 1] ^= 1
        var output = [UInt8](repeating: 0xAA, count: 6)
        let isAuthentic = try sealed.withUnsafeBytes { sealed in
            try nonce.withUnsafeBytes { nonce in
                try output.withUnsafeMutableBytes { try cipher.open(sealed, nonce: nonce, into: $0) }
            }
        }
        #expect(!isAuthentic)
        #expect(output == [0, 0, 0, 0, 0, 0])
    }

    @Test func `a key is not printed`() {
        let key = SymmetricKey(copying: Array("secret bytes".utf8))
        #expect("\(key)" == "«key»")
        var dumped = ""
        dump(key, to: &dumped)
        #expect(!dumped.contains("115"))
    }

    @Test func `equal in constant time means equal`() {
        #expect(equalInConstantTime([], []))
        #expect(equalInConstantTime([1, 2], [1, 2]))
        #expect(!equalInConstantTime([1, 2], [1, 3]))
        #expect(!equalInConstantTime([1, 2], [1, 2, 3]))
    }
}

struct SignatureTests {
    @Test func `an edited message or signature is not valid`() throws {
        let key = try Ed25519.PrivateKey()
        let message = Array("the certificate".utf8)
        let signature = try key.signature(of: message)
        #expect(key.publicKey.isValid(signature, of: message))
        #expect(!key.publicKey.isValid(signature, of: message + [0x20]))
        #expect(!key.publicKey.isValid(Array(signature.dropLast()), of: message))
        let other = try Ed25519.PrivateKey()
        #expect(!other.publicKey.isValid(signature, of: message))
    }

    @Test(.enabled(if: isInstalled("openssl"), "openssl is not installed"))
    func `openssl checks our certificates' signatures`() async throws {
        let key = try Ed25519.PrivateKey()
        let message = Array("the certificate".utf8)
        try await withTemporaryFolder { folder in
            try write(Array(key.publicKey.pem.utf8), to: "\(folder)/key.pem")
            try write(message, to: "\(folder)/message")
            try write(try key.signature(of: message), to: "\(folder)/signature")
            let command =
                "openssl pkeyutl -verify -rawin -pubin -inkey \(folder)/key.pem -in \(folder)/message"
                + " -sigfile \(folder)/signature 2>&1"
            #expect(shell(command).status == 0)
            try write(message + [0x20], to: "\(folder)/message")
            #expect(shell(command).status != 0)
        }
    }

    @Test(.enabled(if: isInstalled("openssl"), "openssl is not installed"), arguments: ["-traditional", ""])
    func `openssl checks our RS256 signatures`(form: String) async throws {
        try await withTemporaryFolder { folder in
            let pem = shell("openssl genrsa \(form) 2048 2>/dev/null | tee \(folder)/private.pem").output
            let message = Array("header.claims".utf8)
            let key = try RS256PrivateKey(pem: Secret(String(decoding: pem, as: UTF8.self)))
            try write(message, to: "\(folder)/message")
            try write(try key.signature(of: message), to: "\(folder)/signature")
            let check = shell(
                "openssl rsa -in \(folder)/private.pem -pubout -out \(folder)/public.pem 2>/dev/null && "
                    + "openssl dgst -sha256 -verify \(folder)/public.pem -signature \(folder)/signature \(folder)/message"
            )
            #expect(check.status == 0)
        }
    }

    @Test(
        .enabled(if: isInstalled("openssl"), "openssl is not installed"),
        arguments: [
            "openssl genrsa 1024 2>/dev/null", "openssl genpkey -algorithm ed25519 2>/dev/null",
            "openssl genrsa -aes256 -passout pass:x 2048 2>/dev/null", "echo no key",
        ])
    func `a key that RS256 must not use is a setting to mend`(command: String) {
        let pem = String(decoding: shell(command).output, as: UTF8.self)
        let error = #expect(throws: MigratezError.self) { _ = try RS256PrivateKey(pem: Secret(pem)) }
        #expect(error?.code == .invalidSetting)
        #expect(error?.remedy == .fixConfiguration)
    }
}
