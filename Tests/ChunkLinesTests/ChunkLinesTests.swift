// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezJSON
import MigratezModel
import Testing

@Suite struct ChunkLinesTests {
    private let contact = StreamName("contact").unsafelyUnwrapped
    private let texts = ["", "1", "a\"b\\c\n\r\t\u{0}", "ünï 🦉", "{\"n\":1}"]

    /// The line, which must be one, without its line end.
    private func line(_ append: (inout [UInt8]) -> Void) throws -> [UInt8] {
        var bytes = Array("before\n".utf8)
        append(&bytes)
        let line = bytes.dropFirst(7).dropLast()
        #expect(bytes.last == UInt8(ascii: "\n"))
        #expect(!line.contains(UInt8(ascii: "\n")))
        try line.withUnsafeBufferPointer { try JSONScanner.validate($0) }
        return Array(line)
    }

    @Test func `links come back as they were`() throws {
        for text in texts {
            for label in [nil, text] {
                let edge = Edge(from: text, to: "t", isPrimary: label == nil, label: label)
                var writer = JSONWriter()
                EdgeLine.write(edge, to: &writer)
                let parsed = try line { $0 += writer.bytes }.withUnsafeBufferPointer { line in
                    let slices = try EdgeLine.parse(line)
                    return Edge(
                        from: JSONText.string(slices.from, of: line), to: JSONText.string(slices.to, of: line),
                        isPrimary: slices.isPrimary, label: slices.label.map { JSONText.string($0, of: line) })
                }
                #expect(parsed == edge)
            }
        }
    }

    @Test func `a link without fields is written as any ready record`() throws {
        for text in texts {
            let from = ReferenceRole(field: text, stream: contact, onMissing: "skip")
            let to = ReferenceRole(field: "b", stream: contact, onMissing: "empty")
            let lines = LinkLineWriter(from: from, to: to)
            var (prepared, ordinary) = (JSONWriter(), JSONWriter())
            for (number, ends) in [(0, (0, 1)), (7, (.max, 20)), (8, (3, 3)), (.max, (9, 10)), (99, (100, .max))] {
                lines.write(number, from: ends.0, to: ends.1, into: &prepared)
                let references = [
                    ReadyLine.Reference(from, ordinal: ends.0), ReadyLine.Reference(to, ordinal: ends.1),
                ]
                ReadyLine(ordinal: number, sourceID: "", fields: Array("{}".utf8), references: references)
                    .write(to: &ordinary)
            }
            #expect(prepared.bytes == ordinary.bytes)
        }
    }

    @Test func `ready records come back as they were, their fields byte for byte`() throws {
        for text in texts {
            let references = [
                ReadyLine.Reference(field: text, stream: contact, ordinal: 0, onMissing: "skip"),
                ReadyLine.Reference(
                    field: "b", stream: contact, ordinal: .max, link: contact, edge: 7, onMissing: "empty"),
            ]
            let record = ReadyLine(
                ordinal: 5, sourceID: text, tag: text, fields: Array(#"{ "n" : 1.0, "id":[{}] }"#.utf8),
                references: references)
            var reader = ReadyLineReader()
            // The second time the roles of the references are known, and read in another way.
            for _ in 0..<2 {
                let parsed = try line { record.append(to: &$0) }.withUnsafeBufferPointer { try reader.read($0) }
                #expect(parsed.ordinal == 5)
                #expect(parsed.sourceID == text)
                #expect(parsed.tag == text)
                #expect(parsed.fields == record.fields)
                #expect(parsed.references == references)
            }
            let head = try line { record.append(to: &$0) }.withUnsafeBufferPointer { line in
                let head = try ReadyLine.head(line)
                return (head.ordinal, JSONText.string(head.id, of: line))
            }
            #expect(head == (5, text))
        }
    }

    @Test(arguments: [
        #"{"from":"1","to":"2"}"#, #"{ "from":"1","to":"2"}"#, #"{"to":"2","from":"1"}"#, #"{"from":"1" ,"to":"2"}"#,
        #"{"from":"1","to":"2","other":[1]}"#, #"{"from":"\u0031","to":"2"}"#, #"{"from":"1","to":"\u0032"}"#,
        #"{"from":"0","from":"1","to":"2"}"#, #"{"from":"1","to":"3","to":"2"}"#, #"{"from":"1","to":"2" }"#,
    ]) func `a link is read whatever the form of its line`(text: String) throws {
        try Array(text.utf8).withUnsafeBufferPointer { line in
            let edge = try EdgeLine.parse(line)
            #expect(JSONText.string(edge.from, of: line) == "1")
            #expect(JSONText.string(edge.to, of: line) == "2")
            #expect(!edge.isPrimary && edge.label == nil)
        }
    }

    @Test(arguments: [#"{"from":"1"}"#, #"{"to":"1"}"#, "{}"])
    func `a link without two ends is damage`(text: String) {
        #expect(throws: MigratezError.self) {
            try Array(text.utf8).withUnsafeBufferPointer { _ = try EdgeLine.parse($0) }
        }
    }

    @Test(arguments: [
        #"{"n":12,"id":"a","fields":{}}"#, #"{"n": 12,"id":"a"}"#, #"{"n":12,"tag":"b","id":"a"}"#,
        #"{"n":12,"id":"\u0061"}"#,
    ]) func `the head of a ready line is read whatever its form`(text: String) throws {
        try Array(text.utf8).withUnsafeBufferPointer { line in
            let head = try ReadyLine.head(line)
            #expect(head.ordinal == 12)
            #expect(JSONText.string(head.id, of: line) == "a")
        }
    }

    @Test func `references in another order, or with others between them, are read alike`() throws {
        let usual = #"{"field":"A","to":"contact","missing":"skip","n":3}"#
        let other = #"{ "n":4, "edge":5, "to":"contact", "link":"contact", "field":"B", "missing":"empty" }"#
        var reader = ReadyLineReader()
        for references in [[usual], [other], [usual, other], [other, usual], [usual, usual]] {
            let text = #"{"n":1,"id":"1","fields":{},"refs":[\#(references.joined(separator: ","))]}"#
            let parsed = try Array(text.utf8).withUnsafeBufferPointer { try reader.read($0) }
            #expect(
                parsed.references
                    == references.map {
                        $0 == usual
                            ? .init(field: "A", stream: contact, ordinal: 3, onMissing: "skip")
                            : .init(
                                field: "B", stream: contact, ordinal: 4, link: contact, edge: 5, onMissing: "empty")
                    })
        }
    }

    @Test func `rejects come back with their reason and their record`() throws {
        for text in texts {
            let reject = RejectLine(
                stage: .load, ordinal: 3, sourceID: text,
                rejection: Rejection(
                    .notInPicklist, fields: ["a", text], reason: text, vendorCode: text, vendorText: text),
                record: Array(#"{"stage":"other"}"#.utf8))
            var index = RecordIndex(fields: nil)
            let parsed = try line { reject.append(to: &$0) }.withUnsafeBufferPointer {
                try RejectLine.parse($0, with: &index)
            }
            #expect(parsed.stage == .load)
            #expect(parsed.ordinal == 3)
            #expect(parsed.sourceID == text)
            #expect(parsed.code == "MZ-PICK-01")
            #expect(parsed.fields == ["a", text])
            #expect(parsed.reason == text)
            #expect(parsed.vendorCode == text)
            #expect(parsed.vendorText == text)
            #expect(parsed.record == reject.record)
        }
    }

    @Test(arguments: [0, 1, MalformedLine.bytesMax, MalformedLine.bytesMax + 1])
    func `records that cannot be read keep their place, and of long ones the beginning`(count: Int) throws {
        let record = MalformedRecord(
            locator: "line 17", reason: "cut", bytes: [UInt8](repeating: 0xAB, count: count))
        let line = try line { MalformedLine.append(record, to: &$0) }
        #expect(line.count < MalformedLine.bytesMax * 2 + 200)
        var index = RecordIndex(fields: nil)
        let locator = try line.withUnsafeBufferPointer { bytes in
            try index.indexLine(bytes)
            return MalformedLine.locator(bytes, index)
        }
        #expect(locator == "line 17")
    }

    @Test(arguments: ["", "{", "[]", "{}", #"{"n":"x","id":"1","fields":{}}"#, #"{"n":1,"id":"1","fields":[]}"#])
    func `a line that this program did not write is damage`(text: String) {
        var reader = ReadyLineReader()
        let failure = #expect(throws: MigratezError.self) {
            try Array(text.utf8).withUnsafeBufferPointer { _ = try reader.read($0) }
        }
        #expect(failure?.code == .chunkCorrupt)
    }
}
