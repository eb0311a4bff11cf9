// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import Testing

struct JSONScannerTests {
    private func failure(_ text: String, limits: JSONLimits = .record) -> JSONFailure? {
        failure(Array(text.utf8), limits: limits)
    }

    private func failure(_ bytes: [UInt8], limits: JSONLimits = .record) -> JSONFailure? {
        do throws(JSONFailure) {
            try JSONScanner.validate(bytes, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("", 0, JSONFailure.Reason.empty), (" \n", 2, .empty), ("{", 1, .truncated), ("[1", 2, .truncated),
        ("[1,]", 3, .unexpectedByte), ("{\"a\" 1}", 5, .unexpectedByte), ("{1:2}", 1, .unexpectedByte),
        ("[01]", 2, .unexpectedByte), ("[-]", 1, .invalidNumber), ("[1.]", 1, .invalidNumber),
        ("[1e+]", 1, .invalidNumber), ("[nul]", 1, .invalidLiteral), ("tru", 0, .truncated),
        ("[\"\\x\"]", 2, .invalidEscape), ("[\"\\u12g4\"]", 2, .invalidEscape), ("[\"a\u{01}\"]", 3, .controlCharacter),
        ("[\"a\nb\"]", 3, .controlCharacter), ("{} {}", 3, .trailingBytes), ("[1}", 2, .unexpectedByte),
        ("\"abc", 4, .truncated), ("\"\\", 1, .truncated), ("\"\\u12", 1, .truncated),
        ("\u{FEFF}{}", 0, .unexpectedByte),
    ])
    func `a refusal names its place and its reason`(text: String, offset: Int, reason: JSONFailure.Reason) {
        #expect(failure(text) == JSONFailure(offset: offset, reason: reason))
    }

    @Test(arguments: [1, 2, 64, 127, 128])
    func `nesting is allowed up to the limit and not one deeper`(depthMax: Int) {
        let limits = JSONLimits(depthMax: depthMax)
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = String(repeating: open, count: depthMax) + "1" + String(repeating: close, count: depthMax)
            #expect(failure(text, limits: limits) == nil)
            #expect(failure(open + text + close, limits: limits)?.reason == .tooDeep)
        }
    }

    @Test func `a document is allowed up to the byte limit and not one longer`() {
        let limits = JSONLimits(recordBytesMax: ByteCount(10))
        #expect(failure("\"12345678\"", limits: limits) == nil)
        #expect(failure("\"123456789\"", limits: limits)?.reason == .tooLarge)
    }

    /// Every place within a word of eight bytes, and strings around its length.
    @Test func `a bad byte is found at every place of a string`() {
        for length in 0...40 {
            let text = [UInt8](repeating: UInt8(ascii: "x"), count: length)
            #expect(failure([0x22] + text + [0x22]) == nil)
            for place in 0..<length {
                for bad: UInt8 in [0x00, 0x1F, 0x0A, 0x80, 0xBF, 0xC0, 0xFF] {
                    var bytes = text
                    bytes[place] = bad
                    let expected: JSONFailure.Reason = bad < 0x20 ? .controlCharacter : .invalidUTF8
                    #expect(failure([0x22] + bytes + [0x22]) == JSONFailure(offset: place + 1, reason: expected))
                }
            }
        }
    }

    /// The borders of table 3-7 of the Unicode Standard.
    @Test(
        arguments: [
            ([0xC2, 0x80], true), ([0xC1, 0xBF], false), ([0xE0, 0xA0, 0x80], true), ([0xE0, 0x9F, 0xBF], false),
            ([0xED, 0x9F, 0xBF], true), ([0xED, 0xA0, 0x80], false), ([0xEE, 0x80, 0x80], true),
            ([0xF0, 0x90, 0x80, 0x80], true), ([0xF0, 0x8F, 0xBF, 0xBF], false), ([0xF4, 0x8F, 0xBF, 0xBF], true),
            ([0xF4, 0x90, 0x80, 0x80], false), ([0xF5, 0x80, 0x80, 0x80], false), ([0xE2, 0x82], false),
            ([0xF0, 0x9F, 0x98], false), ([0xC3, 0x28], false),
        ] as [([UInt8], Bool)])
    func `UTF-8 is accepted in its well-formed sequences only`(bytes: [UInt8], isValid: Bool) {
        #expect((failure([0x22] + bytes + [0x22]) == nil) == isValid)
        #expect((failure([0x22] + Array("1234567".utf8) + bytes + Array("abc".utf8) + [0x22]) == nil) == isValid)
    }

    @Test func `a value is skipped to its exact end`() {
        let values = [
            "1", "-1.5e10", "true", "null", "\"\"", "\"a\\\"b\"", "\"\\\\\"", "[]", "{}", "[[1,\"]\"],{\"a\":\"}\"}]",
            "{\"results\":[\"\\\"]\"]}", "\"12345678\\\\\"", "\"1234567\\\"8\"",
        ]
        for value in values {
            for (before, after) in [("", ""), ("[", "]"), ("[1, ", " , 2]"), ("{\"a\":", "}")] {
                let bytes = Array((before + value + after).utf8)
                let end = bytes.withUnsafeBufferPointer { JSONScanner.skipValue($0, from: before.utf8.count) }
                #expect(end == before.utf8.count + value.utf8.count, "\(value)")
            }
        }
    }
}
