// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import Testing

@Suite struct ByteCountTests {
    @Test(arguments: [
        (0, "0 B"), (1, "1 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (43_201_331, "41.2 MiB"),
        (1 << 30, "1.0 GiB"), (1 << 40, "1.0 TiB"), (1 << 50, "1024.0 TiB"),
    ]) func `a size is written in binary units`(bytes: Int, text: String) {
        #expect(ByteCount(bytes).description == text)
    }

    @Test func `units multiply`() {
        #expect(ByteCount.KiB(2).bytes == 2048)
        #expect(ByteCount.MiB(16) < ByteCount.GiB(1))
    }
}

@Suite struct StreamNameTests {
    @Test(arguments: ["a", "contact", "Contact_2", "contact-to-company", "_x", "0", String(repeating: "x", count: 64)])
    func `letters, digits, underscore and hyphen make a name`(text: String) {
        #expect(StreamName(text)?.text == text)
    }

    @Test(arguments: [
        "", "-a", "a/b", "..", ".", "a b", "a.b", "é", "a\u{0}", "a\n", "[", "`", "{", "@",
        String(repeating: "x", count: 65),
    ]) func `nothing else does, since it becomes a file's name`(text: String) {
        #expect(StreamName(text) == nil)
    }

    @Test func `links are named by both ends`() throws {
        let contact = try #require(StreamName("contact"))
        let company = try #require(StreamName("company"))
        #expect(StreamName.link(from: contact, to: company)?.text == "contact-to-company")
        let long = try #require(StreamName(String(repeating: "x", count: 40)))
        #expect(StreamName.link(from: long, to: long) == nil)
    }
}

@Suite struct AddressTests {
    @Test(arguments: [
        (1, "contact-raw-000001"), (31, "contact-raw-000031"), (999_999, "contact-raw-999999"),
        (1_000_000, "contact-raw-1000000"),
    ])
    func `a chunk's address is the stem of its file name`(sequence: Int, text: String) throws {
        let stream = try #require(StreamName("contact"))
        #expect(ChunkAddress(stream: stream, kind: .raw, sequence: sequence).description == text)
    }

    @Test func `a run's name is eight hexadecimal digits`() {
        #expect(RunID("0123abcd")?.text == "0123abcd")
        for text in ["", "0123abc", "0123abcde", "0123ABCD", "0123abcg", "../../ab", "０123abcd"] {
            #expect(RunID(text) == nil)
        }
        for (number, text) in [(0, "00000000"), (0x1F, "0000001f"), (.max, "ffffffff")] as [(UInt32, String)] {
            #expect(RunID(number).text == text && RunID(text) == RunID(number))
        }
    }
}

@Suite struct SecretTests {
    @Test func `a secret never prints`() {
        struct Settings { var token: Secret }
        let secret = Secret("canary")
        var dumped = ""
        dump(Settings(token: secret), to: &dumped)
        let texts = [
            "\(secret)", String(reflecting: secret), String(describing: [secret]), "\(Settings(token: secret))", dumped,
            "\(Optional(secret) as Any)", "\(["token": secret])", String(reflecting: Optional(secret)),
            secret.debugDescription,
        ]
        for text in texts { #expect(!text.contains("canary")) }
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect(Mirror(reflecting: secret).superclassMirror == nil)
        let any: Any = secret
        #expect(!(any is any Encodable), "no encoder takes it, JSON's neither")
        #expect(!(any is any LosslessStringConvertible) && !(any is any TextOutputStreamable))
    }

    @Test func `it is there for those who ask for it`() {
        #expect(Secret("canary").withExposed { $0 } == "canary")
        #expect(Secret("").isEmpty)
        #expect(Secret("a") == Secret("a"))
        #expect(Secret("a") != Secret("b"))
    }
}

@Suite struct OutcomeTests {
    @Test func `the numbers are the manifest's and stay`() {
        #expect(Outcome.allCases.map(\.rawValue) == [1, 2, 3, 4, 5, 6])
        #expect(Outcome.allCases.map(\.name) == ["created", "updated", "merged", "filtered", "skipped", "rejected"])
    }
}
