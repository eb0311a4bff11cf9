// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezFileConnector
import MigratezJSON
import MigratezModel
import MigratezTestKit
import Testing

struct FileSourceTests {
    private let person = StreamName("person")!
    private let company = StreamName("company")!

    private func source(
        _ format: FileFormat, _ bytes: some Collection<UInt8>, in folder: String, _ settings: [String: String] = [:]
    ) throws -> FileSource {
        try Data(Array(bytes)).write(to: URL(filePath: "\(folder)/people"))
        var texts = ["dir": folder, "objects.person.file": "people"]
        for (key, value) in settings { texts["objects.person.\(key)"] = value }
        return try FileSource(format, settings: ConnectorSettings(texts: texts))
    }

    @Test func `rows become objects of texts, and empty cells null`() async throws {
        try await withTemporaryFolder { folder in
            let source = try source(
                .csv, "id,näme,note\r\n1,\"a \"\"b\"\"\",\r\n2,😀,\"x\ny\"\n".utf8, in: folder, ["id": "id"])
            let page = try await source.readPage(of: person, fields: [], after: nil)
            #expect(page.next == nil)
            #expect(
                texts(page) == [#"{"id":"1","näme":"a \"b\"","note":null}"#, #"{"id":"2","näme":"😀","note":"x\ny"}"#])
            #expect(source.layout(of: person) == RecordLayout(id: "id"))
            #expect(try await source.discover([person])[0].fields.map(\.name) == ["id", "näme", "note"])
            #expect(try await source.count(of: person) == 2)
        }
    }

    @Test func `without an id column the number of the row is the id`() async throws {
        try await withTemporaryFolder { folder in
            let csv = try source(.csv, "a,b\n1,2\n3,4".utf8, in: folder, ["empty": "text"])
            #expect(
                try await texts(csv.readPage(of: person, fields: [], after: nil))
                    == [#"{"a":"1","b":"2","_row":"1"}"#, #"{"a":"3","b":"4","_row":"2"}"#])
            #expect(csv.layout(of: person).id == "_row")
            let bare = try source(.csv, "1,\n3,4".utf8, in: folder, ["empty": "text", "header": "false"])
            #expect(
                try await texts(bare.readPage(of: person, fields: [], after: nil))
                    == [#"{"column_1":"1","column_2":"","_row":"1"}"#, #"{"column_1":"3","column_2":"4","_row":"2"}"#])
            let lines = try source(.ndjson, "{\"a\":1}\n\n{ }\n".utf8, in: folder)
            #expect(
                try await texts(lines.readPage(of: person, fields: [], after: nil))
                    == [#"{"a":1,"_row":"1"}"#, #"{ "_row":"3"}"#])
        }
    }

    @Test func `a bad row is kept with its line and its bytes, and those around it are read`() async throws {
        try await withTemporaryFolder { folder in
            let bytes =
                Array("id,b\n1,\"x\ny\"\n2\n".utf8) + [0x33, 0x2C, 0xFF, 0x0A] + Array("4,d,e\n,f\n5,g\n\n".utf8)
            let source = try source(.csv, bytes, in: folder, ["id": "id"])
            let page = try await source.readPage(of: person, fields: [], after: nil)
            #expect(texts(page) == [#"{"id":"1","b":"x\ny"}"#, #"{"id":"5","b":"g"}"#])
            #expect(
                page.malformed.map(\.locator) == [
                    "people, line 4", "people, line 5", "people, line 6", "people, line 7",
                ])
            #expect(page.malformed.map(\.bytes)[1] == [0x33, 0x2C, 0xFF, 0x0A])
            #expect(page.malformed.allSatisfy { !$0.reason.isEmpty })
            #expect(try await source.count(of: person) == 6)
        }
    }

    @Test func `a bad line is kept with its number, and those around it are read as they are`() async throws {
        try await withTemporaryFolder { folder in
            let lines =
                "\u{FEFF}{\"id\":\"1\", \"a\":1.0}\r\n{\"id\":2,}\n[1]\n{\"a\":1}\n{\"id\":{}}\n  {\"id\":6}\n{\"id\":7"
            let source = try source(.ndjson, lines.utf8, in: folder, ["id": "id"])
            let page = try await source.readPage(of: person, fields: [], after: nil)
            #expect(texts(page) == [#"{"id":"1", "a":1.0}"#, #"{"id":6}"#])
            #expect(
                page.malformed.map(\.locator) == [
                    "people, line 2", "people, line 3", "people, line 4", "people, line 5", "people, line 7",
                ])
        }
    }

    @Test(arguments: FileFormat.allCases)
    func `reading goes on at every cursor and gives every record once`(format: FileFormat) async throws {
        try await withTemporaryFolder { folder in
            let filler = String(repeating: "x", count: 900)
            let count = 12_345
            var text = format == .csv ? "id,text\n" : ""
            for number in 1...count {
                text +=
                    format == .csv ? "\(number),\"\(filler)\n\"\n" : "{\"id\":\"\(number)\",\"text\":\"\(filler)\"}\n"
            }
            let source = try source(format, text.utf8, in: folder, ["id": "id"])
            var ids: [String] = []
            var cursor: Cursor?
            var pages = 0
            repeat {
                // A new source each time, as after a crash.
                let page = try await FileSource(
                    format,
                    settings: ConnectorSettings(texts: [
                        "objects.person.file": "\(folder)/people", "objects.person.id": "id",
                    ])
                ).readPage(of: person, fields: [], after: cursor)
                #expect(page.malformed.isEmpty)
                ids += try texts(page).compactMap { try JSONValue(parsing: Array($0.utf8))["id"]?.text }
                cursor = page.next
                pages += 1
            } while cursor != nil
            #expect(pages > 5)
            #expect(ids == (1...count).map(String.init))
            #expect(try await source.count(of: person) == count)
            // Lines of other lengths behind the first page: the estimate is near.
            let estimate = try #require(try await source.estimatedCount(of: person))
            #expect(abs(estimate - count) < count / 10)
        }
    }

    @Test func `a file that has changed since is not gone on with`() async throws {
        try await withTemporaryFolder { folder in
            let rows = (1...6_000).map { "\($0)\n" }.joined()
            let source = try source(.csv, ("id\n" + rows).utf8, in: folder, ["id": "id"])
            let cursor = try #require(await source.readPage(of: person, fields: [], after: nil).next)
            try Data(("id\n0\n" + rows).utf8).write(to: URL(filePath: "\(folder)/people"))
            await #expect(throws: MigratezError.self) {
                try await source.readPage(of: person, fields: [], after: cursor)
            }
        }
    }

    @Test func `links are found in a column or a member`() async throws {
        try await withTemporaryFolder { folder in
            let csv = try source(
                .csv, "id,firms\n1,7; 8 ;\n2,\n3,9".utf8, in: folder,
                ["id": "id", "links.company.column": "firms", "links.company.separator": ";"])
            #expect(try await edges(csv) == ["1>7", "1>8", "3>9"])
            #expect(csv.linkBatchSize(from: person, to: company) != nil)
            #expect(csv.linkBatchSize(from: company, to: person) == nil)
            let lines =
                #"{"id":1,"f":{"c":"7"}}"# + "\n" + #"{"id":2,"f":{"c":[8,"9",null]}}"# + "\n" + #"{"id":3,"f":{}}"#
            let ndjson = try source(
                .ndjson, lines.utf8, in: folder, ["id": "id", "fields": "f", "links.company.member": "c"])
            #expect(try await edges(ndjson) == ["1>7", "2>8", "2>9"])
        }
    }

    private func edges(_ source: FileSource) async throws -> [String] {
        let page = try await source.readPage(of: person, fields: [], after: nil)
        let records = try page.records.map { range in
            (id: try JSONValue(parsing: Array(page.bytes[range]))["id"]?.text ?? "", bytes: page.bytes[range])
        }
        return try await source.readLinks(from: person, to: company, of: records).map { "\($0.from)>\($0.to)" }
    }

    @Test(
        arguments: [
            ("a,a\n1,2", [:], "twice"), ("a,b\n1,2", ["id": "c"], "no such column"), ("", ["id": "a"], "empty"),
            ("a\n1", ["encoding": "utf-16"], "no mark"), ("a\n1", ["delimiter": "ab"], "delimiter"),
            ("a\n1", ["delimiter": "\""], "delimiter is the quote"), ("\"a\n1", [:], "broken header"),
        ] as [(String, [String: String], String)])
    func `a file or a setting that cannot work is refused`(
        text: String, settings: [String: String], why: String
    ) async throws {
        try await withTemporaryFolder { folder in
            _ = await #expect(throws: MigratezError.self, "\(why)") {
                let source = try self.source(.csv, text.utf8, in: folder, settings)
                _ = try await source.readPage(of: person, fields: [], after: nil)
            }
        }
    }

    @Test func `a byte order mark wins over the setting`() async throws {
        try await withTemporaryFolder { folder in
            let utf16: [UInt8] = [0xFF, 0xFE] + "id,ä\n1,😀\n".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
            for encoding in ["utf-8", "utf-16", "utf-16be"] {
                let source = try source(.csv, utf16, in: folder, ["id": "id", "encoding": encoding])
                #expect(
                    try await texts(source.readPage(of: person, fields: [], after: nil)) == [#"{"id":"1","ä":"😀"}"#])
            }
        }
    }

    @Test(.enabled(if: corpus("dedupe") != nil, "../shared/corpora/dedupe is not here"))
    func `the thousand people of FEBRL 1 are read`() async throws {
        let settings = [
            "dir": try #require(corpus("dedupe")), "objects.person.file": "febrl1.csv", "objects.person.id": "rec_id",
            "objects.person.trim": "true",
        ]
        let source = try FileSource(.csv, settings: ConnectorSettings(texts: settings))
        let page = try await source.readPage(of: person, fields: [], after: nil)
        #expect(page.records.count == 1_000)
        #expect(page.malformed.isEmpty && page.next == nil)
        let records = try page.records.map { try JSONValue(parsing: Array(page.bytes[$0])) }
        #expect(Set(records.compactMap { $0["rec_id"]?.text }).count == 1_000)
        #expect(records.allSatisfy { $0.members.count == 11 && $0["soc_sec_id"]?.text?.utf8.count == 7 })
    }
}

func texts(_ page: Page) -> [String] { page.records.map { String(decoding: page.bytes[$0], as: UTF8.self) } }
