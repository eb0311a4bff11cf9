// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezCrypto
import MigratezModel
import MigratezTestKit
import Testing

/// The edge cases of C2SP/wycheproof for every primitive that is used.
@Suite(.enabled(if: corpus("wycheproof") != nil, "the corpora are not beside the repository"))
struct WycheproofTests {
    /// A file of the set: groups with their parameters, and in each the cases.
    private struct Vectors<Group: Decodable>: Decodable { var testGroups: [Group] }

    private func groups<Group: Decodable>(_ name: String, of type: Group.Type) throws -> [Group] {
        let folder = try #require(corpus("wycheproof"))
        let bytes = try Data(contentsOf: URL(filePath: "\(folder)/\(name)_test.json"))
        return try JSONDecoder().decode(Vectors<Group>.self, from: bytes).testGroups
    }

    private func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }
    private func key(_ hex: String) throws -> SymmetricKey { SymmetricKey(copying: try bytes(hex)) }

    private struct SealGroup: Decodable {
        struct Case: Decodable { var tcId: Int, key, iv, aad, msg, ct, tag, result: String }
        var ivSize: Int, tests: [Case]
    }

    @Test func `ChaCha20-Poly1305 seals and opens what is valid and refuses the rest`() throws {
        var checked = 0
        for group in try groups("chacha20_poly1305", of: SealGroup.self) {
            for test in group.tests {
                // Nonces of other lengths are ruled out by a precondition.
                guard group.ivSize == 96 else { continue }
                checked += 1
                let sealed = try bytes(test.ct) + bytes(test.tag)
                var cipher = try ChaCha20Poly1305(key: key(test.key))
                let (nonce, data) = (try bytes(test.iv), try bytes(test.aad))
                let opened = try cipher.openKey(sealed, nonce: nonce, authenticating: data)
                #expect((opened != nil) == (test.result == "valid"), "case \(test.tcId)")
                guard let opened else { continue }
                #expect(opened.isEqual(to: try key(test.msg)), "case \(test.tcId)")
                let again = try cipher.seal(opened, nonce: nonce, authenticating: data)
                #expect(again == sealed, "case \(test.tcId)")
            }
        }
        #expect(checked > 250)
    }

    private struct ExchangeGroup: Decodable {
        struct Case: Decodable { var tcId: Int, `public`, `private`, shared, result: String }
        var tests: [Case]
    }

    @Test func `X25519 agrees on every secret but the zero one`() throws {
        let tests = try groups("x25519", of: ExchangeGroup.self).flatMap(\.tests)
        #expect(tests.count > 500)
        for test in tests {
            let secret = try X25519.sharedSecret(key(test.private), with: bytes(test.public))
            let expected = try bytes(test.shared)
            if expected.allSatisfy({ $0 == 0 }) {
                #expect(secret == nil, "case \(test.tcId)")
            } else {
                #expect(try #require(secret).isEqual(to: SymmetricKey(copying: expected)), "case \(test.tcId)")
            }
        }
    }

    private struct DerivationGroup: Decodable {
        struct Case: Decodable { var tcId: Int, ikm, salt, info: String, size: Int, okm, result: String }
        var tests: [Case]
    }

    @Test func `HKDF-SHA256 derives what it should`() throws {
        let tests = try groups("hkdf_sha256", of: DerivationGroup.self).flatMap(\.tests)
        #expect(tests.count > 80)
        for test in tests {
            // The invalid cases ask for too much, which a precondition rules out.
            guard test.result == "valid" else {
                #expect(test.size > HKDFSHA256.outputBytesMax)
                continue
            }
            let derived = try key(test.ikm).withUnsafeBytes { ikm in
                try HKDFSHA256.derive(
                    from: ikm, salt: bytes(test.salt), info: bytes(test.info), outputBytes: test.size)
            }
            #expect(derived.isEqual(to: try key(test.okm)), "case \(test.tcId)")
        }
    }

    private struct CodeGroup: Decodable {
        struct Case: Decodable { var tcId: Int, key, msg, tag, result: String }
        var tagSize: Int, tests: [Case]
    }

    @Test func `HMAC-SHA256 gives the code of the valid cases only`() throws {
        let groups = try groups("hmac_sha256", of: CodeGroup.self)
        for group in groups {
            for test in group.tests {
                let code = HMACSHA256.code(for: try bytes(test.msg), key: try key(test.key))
                let isEqual = equalInConstantTime(Array(code.prefix(group.tagSize / 8)), try bytes(test.tag))
                #expect(isEqual == (test.result == "valid"), "case \(test.tcId)")
            }
        }
    }

    private struct SignatureGroup: Decodable {
        struct Case: Decodable { var tcId: Int, msg, sig, result: String }
        struct Key: Decodable { var pk: String }
        var publicKey: Key, publicKeyPem: String, tests: [Case]
    }

    @Test func `Ed25519 accepts the valid signatures only, and writes keys as PEM`() throws {
        let groups = try groups("ed25519", of: SignatureGroup.self)
        #expect(groups.flatMap(\.tests).count > 140)
        for group in groups {
            let key = try #require(Ed25519.PublicKey(raw: bytes(group.publicKey.pk)))
            #expect(key.pem == group.publicKeyPem)
            #expect(Ed25519.PublicKey(pem: key.pem) == key)
            for test in group.tests {
                let isValid = key.isValid(try bytes(test.sig), of: try bytes(test.msg))
                #expect(isValid == (test.result == "valid"), "case \(test.tcId)")
            }
        }
    }
}
