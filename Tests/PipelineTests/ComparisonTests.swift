// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezPipeline
import MigratezTestKit
import Testing

/// What counts as the same, and sums that lose nothing.
@Suite struct ComparisonTests {
    @Test(arguments: [
        ([], "0"), (["0.1", "0.2"], "0.3"), (["1.0", "2.50"], "3.5"), (["1e2", "1E-2"], "100.01"),
        (["-5", "2"], "-3"), (["-1.5", "1.5"], "0"), (["999999999", "1"], "1000000000"),
        (["0.999999999", "0.000000001"], "1"), (["-0.0", "0"], "0"),
        (["123456789012345678901234567890.123456789", "-0.000000009"], "123456789012345678901234567890.12345678"),
    ])
    func `decimals are added exactly`(_ numbers: [String], _ sum: String) {
        var total = DecimalSum()
        for number in numbers {
            let isAdded = total.add(number)
            #expect(isAdded, "\(number)")
        }
        #expect(total.text == sum)
    }

    @Test(arguments: ["", "007", "1,5", "abc", "0x10", "1e", "--1", ".5", "5.", "1e999999", "NaN", "1e-999", "1e+-2"])
    func `what is no number, or one beyond all measure, is not added`(_ text: String) {
        var total = DecimalSum()
        let isAdded = total.add(text)
        #expect(!isAdded)
        #expect(total.text == "0")
    }

    @Test func `a million cents are ten thousand, in any order and sign`() {
        var generator = SeededGenerator(seed: 11)
        var total = DecimalSum()
        var cents = 0
        for _ in 0..<20_000 {
            let value = Int.random(in: -10_000_000...10_000_000, using: &generator)
            cents += value
            let digits = String(abs(value))
            let padded = String(repeating: "0", count: max(0, 3 - digits.count)) + digits
            _ = total.add((value < 0 ? "-" : "") + padded.dropLast(2) + "." + padded.suffix(2))
        }
        var expected = DecimalSum()
        _ = expected.add("\(cents)e-2")
        #expect(total.text == expected.text)
    }

    @Test(arguments: [
        (#""1250.50""#, "1250.5"), ("1.0", "1"), (#""2021-05-01T10:00:00Z""#, #""2021-05-01T12:00:00.000+0200""#),
        (#""""#, "null"), (#"" Ada\r\nB ""#, #""Ada\nB""#), ("true", #""true""#),
    ])
    func `destinations may write the same in their own way`(_ sent: String, _ held: String) throws {
        let (sent, held) = (try JSONValue(parsing: Array(sent.utf8)), try JSONValue(parsing: Array(held.utf8)))
        #expect(FieldComparison.agree(sent, held))
        #expect(FieldComparison.canonical(sent) == FieldComparison.canonical(held))
    }

    @Test(arguments: [
        (#""01234""#, #""1234""#), ("12345678901234567890", "12345678901234567891"), ("0.1", "0.10000000000000001"),
        (#""infinity""#, #""inf""#), (#""a b""#, #""ab""#), (#""x""#, "null"), (#""2021-05-01""#, #""2021-05-02""#),
        (#""0x10""#, "16"), (#""Ada Lovelace""#, #""Ada Lovelacf""#),
    ])
    func `a changed value is found, however small the change`(_ sent: String, _ held: String) throws {
        let (sent, held) = (try JSONValue(parsing: Array(sent.utf8)), try JSONValue(parsing: Array(held.utf8)))
        #expect(!FieldComparison.agree(sent, held))
        #expect(FieldComparison.canonical(sent) != FieldComparison.canonical(held))
    }
}
