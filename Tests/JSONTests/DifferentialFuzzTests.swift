// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezTestKit
import Testing

/// Against JSONSerialization, which shares no code with this scanner.
struct DifferentialFuzzTests {
    static let seed: UInt64 = 0x6A73_6F6E

    private static let samples: [String] = [
        #"{"results":[{"id":"1","properties":{"a":"x","b":null,"c":"é😀"},"archived":false}],"paging":{"next":{"after":"1"}}}"#,
        #"[1,-2.5e+10,0,true,false,null,"a\u00e9\n\"\\",[],{},[[[]]]]"#,
        "{\n  \"a\" : [ 1 , 2 ] ,\r\n\t\"b\" : { \"c\" : \"long text of more than sixteen bytes\" }\n}",
        #"{"a":"\ud83d\ude00","b":"日本語のテキスト","c":1234567890123456789}"#,
    ]

    @Test func `twenty thousand mutants are judged as Foundation judges them`() {
        var random = SeededGenerator(seed: Self.seed)
        let alphabet =
            Array("{}[]\":,\\ \n0123456789eE+-.truefalsnbu\u{1}\u{7f}".utf8) + [0x80, 0xC3, 0xE2, 0xF0, 0xFF]
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = Array(Self.samples.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = alphabet.randomElement(using: &random)!
                case 1: bytes.insert(alphabet.randomElement(using: &random)!, at: place)
                case 2: bytes.remove(at: place)
                default: bytes.removeLast(min(3, bytes.count - 1))
                }
            }
            let ours = (try? JSONScanner.validate(bytes)) != nil
            let theirs = (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
            if ours { accepted += 1 }
            if ours != theirs {
                #expect(isKnownDifference(bytes), "seed \(Self.seed): \(String(decoding: bytes, as: UTF8.self))")
            }
            // Whatever the bytes are, nothing here reads beyond them.
            bytes.withUnsafeBufferPointer { buffer in
                _ = elementRanges(at: ["results"], in: buffer)
                for i in stride(from: 0, to: buffer.count, by: 5) {
                    #expect(JSONScanner.skipValue(buffer, from: i) <= buffer.count)
                }
                var index = RecordIndex(fields: "properties")
                try? index.index(buffer)
            }
        }
        #expect(accepted > 4_000)
    }

    /// Foundation refuses numbers that overflow a Double and half surrogate pairs, which the grammar of RFC 8259 allows,
    /// and accepts a comma after the last element, which it does not.
    private func isKnownDifference(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        let hasSurrogateEscape = text.lowercased().contains("\\ud")
        let hasHugeNumber = text.wholeMatch(of: /(?s).*(\d{19,}|\d[eE]\+?\d{3,}).*/) != nil
        let hasTrailingComma = text.contains(/,\s*[\]}]/)
        return hasSurrogateEscape || hasHugeNumber || hasTrailingComma
    }
}
