// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezTestKit
import Testing

struct RecordIndexTests {
    private func texts(_ record: String, fields: String?, _ names: [String]) throws -> [String?] {
        var index = RecordIndex(fields: fields)
        return try Array(record.utf8).withUnsafeBufferPointer { bytes in
            try index.index(bytes)
            return names.map { name in index.slice(name).map { index.string($0, in: bytes) } }
        }
    }

    @Test func `a field is found in the nested object first and in the record after that`() throws {
        let record = #"{"id":"7","properties":{"id":"inner","name":"Ann"},"archived":false}"#
        #expect(
            try texts(record, fields: "properties", ["id", "name", "archived", "none"]) == [
                "inner", "Ann", "false", nil,
            ])
        #expect(try texts(record, fields: nil, ["id", "name"]) == ["7", nil])
    }

    @Test func `of duplicate keys the last one wins, whether in the record or among its fields`() throws {
        #expect(try texts(#"{"a":1,"a":2,"b":3,"a":"last"}"#, fields: nil, ["a", "b"]) == ["last", "3"])
        let twice = #"{"p":{"a":1,"c":5},"p":{"a":2,"b":3}}"#
        #expect(try texts(twice, fields: "p", ["a", "b", "c"]) == ["2", "3", nil])
        #expect(try texts(#"{"p":{"a":1},"p":null}"#, fields: "p", ["a"]) == [nil])
    }

    @Test func `keys are compared as decoded text`() throws {
        #expect(
            try texts(#"{"n\u0061me":"x","a\"b":"y","\u00e9":"z"}"#, fields: nil, ["name", "a\"b", "é"]) == [
                "x", "y", "z",
            ])
        #expect(try texts(#"{"p\u0072":{"a":1}}"#, fields: "pr", ["a"]) == ["1"])
    }

    @Test func `text is decoded, anything else stands for itself`() throws {
        let record =
            #"{"a":"\u00e9\ud83d\ude00\n\/","b":-1.50e3,"c":true,"d":null,"e":[1, 2],"f":"\ud800x","g":"\udc00\ud83d","h":""}"#
        #expect(
            try texts(record, fields: nil, ["a", "b", "c", "d", "e", "f", "g", "h"])
                == ["é😀\n/", "-1.50e3", "true", "null", "[1, 2]", "\u{FFFD}x", "\u{FFFD}\u{FFFD}", ""])
    }

    @Test(arguments: [0, 1, 31, 32, 33, 64, 1_000])
    func `records of every width are indexed, also one after another in the same index`(width: Int) throws {
        var index = RecordIndex(fields: "properties")
        for round in 0..<3 {
            let members = (0..<width).map { "\"field_\($0)\" : \"value \($0 * round)\"" }.joined(separator: ", ")
            try Array("{\"id\": \(round), \"properties\" :{\(members)} }".utf8).withUnsafeBufferPointer { record in
                try index.index(record)
                #expect(index.fieldNames.count == width)
                for number in 0..<width {
                    let text = index.slice("field_\(number)").map { index.string($0, in: record) }
                    #expect(text == "value \(number * round)")
                }
                #expect(index.slice("field_\(width)") == nil)
                #expect(index.topLevel("id").map { index.string($0, in: record) } == "\(round)")
            }
        }
    }

    /// What an index keeps from one record to the next must never show.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `an index that has seen other records says of each what a new one says`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let names = ["id", "p", "a", "b", "ab", "", "a\\u0062", "updatedAt"]
        let decoded = ["id", "p", "a", "b", "ab", "", "updatedAt", "none"]
        func object(depth: Int) -> String {
            // Mostly the same names in the same order, as records have them.
            var chosen = names.filter { _ in Int.random(in: 0..<8, using: &generator) > 0 }
            if Int.random(in: 0..<4, using: &generator) == 0 { chosen.shuffle(using: &generator) }
            if Int.random(in: 0..<6, using: &generator) == 0, let first = chosen.first { chosen.append(first) }
            let members = chosen.map { name in
                let isNested = name == "p" && depth == 0 && Int.random(in: 0..<6, using: &generator) > 0
                return "\"\(name)\":" + (isNested ? object(depth: 1) : "\(Int.random(in: 0..<100, using: &generator))")
            }
            return "{" + members.joined(separator: ",") + "}"
        }
        var used = RecordIndex(fields: "p")
        for round in 0..<300 {
            let text = round % 50 == 49 ? "[1]" : object(depth: 0)
            try Array(text.utf8).withUnsafeBufferPointer { record in
                var new = RecordIndex(fields: "p")
                guard text.hasPrefix("{") else {
                    #expect(throws: JSONFailure.self) { try used.index(record) }
                    #expect(decoded.allSatisfy { used.slice($0) == nil })
                    return
                }
                try used.index(record)
                try new.index(record)
                #expect(used.fieldNames == new.fieldNames, "\(text)")
                for name in decoded {
                    #expect(used.slice(name) == new.slice(name), "\(name) of \(text)")
                    #expect(used.topLevel(name) == new.topLevel(name), "\(name) of \(text)")
                }
            }
        }
    }

    @Test func `a value that is no object is refused`() {
        var index = RecordIndex(fields: nil)
        for text in ["[]", "1", "\"a\"", " ", ""] {
            #expect(throws: JSONFailure.self) { try Array(text.utf8).withUnsafeBufferPointer { try index.index($0) } }
        }
    }
}
