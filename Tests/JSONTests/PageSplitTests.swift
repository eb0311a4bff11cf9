// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import Testing

struct PageSplitTests {
    private func records(_ page: String, at path: [String] = ["results"]) throws -> [String]? {
        let bytes = Array(page.utf8)
        try JSONScanner.validate(bytes)
        let ranges = elementRanges(at: path, in: bytes)
        if path.count == 1 {
            // Split while it is validated, it has the same parts.
            let split = try bytes.withUnsafeBufferPointer {
                try PageSplit.validating($0, list: path[0], limits: .page)
            }
            #expect(split?.elements == ranges)
        }
        return ranges?.map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    @Test func `a page is split into the raw bytes of its records`() throws {
        let page = #"{"total":2,"results":[{"id":"1","a":[1,{"results":[9]}]}, {"id":"2" }],"paging":null}"#
        #expect(try records(page) == [#"{"id":"1","a":[1,{"results":[9]}]}"#, #"{"id":"2" }"#])
    }

    @Test func `an empty list is a page without records, a missing list is not a page`() throws {
        #expect(try records(#"{"results":[]}"#) == [])
        #expect(try records(#"{"results":[ ]}"#) == [])
        #expect(try records(#"{"status":"error"}"#) == nil)
        #expect(try records(#"{"results":{}}"#) == nil)
        #expect(try records(#"[1]"#) == nil)
    }

    @Test
    func `keys are compared decoded, nested ones are not taken for the one that is meant, the last duplicate counts`()
        throws
    {
        #expect(try records(#"{"r\u0065sults":[1]}"#) == ["1"])
        #expect(try records(#"{"x":{"results":[5]},"y":"\"results\":[7]"}"#) == nil)
        #expect(try records(#"{"results":[1],"results":[2,3]}"#) == ["2", "3"])
        #expect(try records(#"{"a":{"b":[1,2]},"c":3}"#, at: ["a", "b"]) == ["1", "2"])
        #expect(try records(#"[1,[2],"]"]"#, at: []) == ["1", "[2]", "\"]\""])
    }

    @Test(arguments: ["", "{", #"{"results":[1,]}"#, #"{"results":[{"a":1}"#, #"{"results":[1]} x"#, "[1,2"])
    func `a page that is not JSON is refused while it is split`(page: String) throws {
        let bytes = Array(page.utf8)
        #expect(throws: JSONFailure.self) {
            try bytes.withUnsafeBufferPointer { try PageSplit.validating($0, list: "results", limits: .page) }
        }
    }

    @Test func `pages of every form are split alike with and without validation`() throws {
        for page in [
            #" { "results" : [ ] , "a":[[1],[2]] } "#, #"{"a":{"x":[1],"y":2},"results":[{"b":{"c":[]}},[],3,"x"]}"#,
            #"{"results":[{"a":1}],"paging":{"next":{}}}"#, #"{"results":7}"#, "7", #""results""#, "[[1],[2]]", "{}",
        ] { _ = try records(page) }
    }

    @Test func `a pretty-printed record becomes one line and keeps its meaning`() throws {
        let page = "{\r\n \"results\" : [\n  {\n   \"id\" : \"1\",\r   \"t\" : \"a\\nb\"\n  }\n ]\n}"
        let bytes = Array(page.utf8)
        let ranges = try #require(elementRanges(at: ["results"], in: bytes))
        var lines: [UInt8] = []
        for range in ranges { appendLine(bytes[range], to: &lines) }
        let text = String(decoding: lines, as: UTF8.self)
        #expect(text == "{    \"id\" : \"1\",    \"t\" : \"a\\nb\"   }\n")
        #expect(try JSONValue(parsing: lines)["t"] == "a\nb")
    }

    @Test(arguments: [
        #"{"results":[{"id":1}],"paging":{"next":{"after":"17"}}}"#,
        #"{"paging":{"next":{"after":"17"}},"results":[]}"#,
        #"{"results":[1],"paging":{"next":{"after":"9"}},"results":[[2]],"paging":{"next":{"after":"17"}}}"#,
    ])
    func `what stands beside the list is found without reading the list again`(page: String) throws {
        let bytes = Array(page.utf8)
        try JSONScanner.validate(bytes)
        let text = try bytes.withUnsafeBufferPointer { document in
            let split = try #require(PageSplit(document, at: ["results"]))
            #expect(split.member(at: ["paging", "prev"], in: document) == nil)
            return try #require(split.member(at: ["paging", "next", "after"], in: document))
        }
        #expect(String(decoding: bytes[text.range], as: UTF8.self) == "\"17\"")
    }

    @Test func `a single member is found under its path`() throws {
        let bytes = Array(#"{"results":[],"paging":{"next":{"after":"17","link":"x"}}}"#.utf8)
        let after = try #require(member(at: ["paging", "next", "after"], in: bytes))
        #expect(String(decoding: bytes[after.range], as: UTF8.self) == "\"17\"")
        #expect(member(at: ["paging", "prev", "after"], in: bytes) == nil)
        #expect(member(at: ["results", "after"], in: bytes) == nil)
    }
}
