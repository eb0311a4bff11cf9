// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezTestKit
import Testing

struct JSONWriterTests {
    @Test func `members and elements appear in the order of the calls, with their commas`() {
        var writer = JSONWriter()
        for _ in 0..<2 {
            writer.removeAll()
            writer.beginObject()
            writer.key("a")
            writer.int(-1)
            writer.key("b")
            writer.beginArray()
            writer.bool(true)
            writer.null()
            writer.beginObject()
            writer.endObject()
            writer.endArray()
            writer.key("c")
            writer.raw("1.0".utf8)
            writer.endObject()
        }
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"{"a":-1,"b":[true,null,{}],"c":1.0}"#)
    }

    @Test func `every control character, and nothing else without need, is escaped`() throws {
        var writer = JSONWriter()
        writer.string(String(String.UnicodeScalarView((0...0x7F).map { Unicode.Scalar($0)! })) + "é😀\u{2028}/")
        let text = String(decoding: writer.bytes, as: UTF8.self)
        #expect(text.hasPrefix(#""\u0000\u0001"#))
        #expect(text.hasSuffix("~\u{7F}é😀\u{2028}/\""))
        #expect(text.contains(#"\b\t\n\u000b\f\r"#))
        #expect(try JSONValue(parsing: writer.bytes).text?.unicodeScalars.count == 0x80 + 4)
    }

    @Test(.enabled(if: corpus("strings") != nil, "../shared/corpora/strings is not here"))
    func `naughty strings survive writing and reading, as values and as names`() throws {
        let path = try #require(corpus("strings")) + "/blns.json"
        let strings = try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: path))), limits: .page)
        #expect(strings.elements.count > 400)
        for case .string(let text) in strings.elements {
            let object = JSONValue.object([.init(text, .string(text)), .init("other", 1)])
            let bytes = object.serialized()
            #expect(try JSONValue(parsing: bytes) == object)
            #expect(try JSONValue(parsing: bytes)[text]?.text.map { Array($0.utf8) } == Array(text.utf8))
            var index = RecordIndex(fields: nil)
            try bytes.withUnsafeBufferPointer { record in
                try index.index(record)
                #expect(index.slice(text).map { Array(index.string($0, in: record).utf8) } == Array(text.utf8))
            }
        }
    }

    @Test func `whole numbers of every length come back, and larger ones are none`() throws {
        for value in [0, 7, -1, 10, 99, 100, -1_000, 123_456_789_012_345_678, .max, .min, .min + 1] {
            var writer = JSONWriter()
            writer.beginArray()
            writer.int(value)
            writer.int(value)
            writer.endArray()
            #expect(String(decoding: writer.bytes, as: UTF8.self) == "[\(value),\(value)]")
            writer.bytes.withUnsafeBufferPointer { bytes in
                let read = JSONSlice(range: 0..<bytes.count, kind: .array).elements(in: bytes).map {
                    $0.integer(in: bytes)
                }
                #expect(read == [value, value])
            }
        }
        for text in ["9223372036854775808", "-9223372036854775809", "1.0", "1e3", "-", #""""#, "true"] {
            Array(text.utf8).withUnsafeBufferPointer { bytes in
                #expect(
                    JSONSlice(range: 0..<bytes.count, kind: text == #""""# ? .string : .number).integer(in: bytes)
                        == nil)
            }
        }
    }

    @Test func `what must be escaped is found at every place, beside letters of every length`() throws {
        for filler in ["a", "é", "語", "😀"] {
            for special in ["\"", "\\", "\u{0}", "\u{1F}", "\u{7F}", "\u{80}", " "] {
                for place in 0..<20 {
                    let text =
                        String(repeating: filler, count: place) + special + String(repeating: filler, count: 19 - place)
                    var writer = JSONWriter()
                    writer.string(text)
                    #expect(try JSONValue(parsing: writer.bytes).text == text)
                }
            }
        }
    }
}
