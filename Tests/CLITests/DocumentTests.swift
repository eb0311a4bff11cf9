// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import Testing
import migratez

/// One document in every form in which a command can print it.
@Suite struct `A document` {
    private var document: Document {
        var table = Table(
            "chunks", [.left("CHUNK"), .right("BYTES", key: "bytes"), .left("LAST ERROR"), .left("FIELDS")])
        table.add(["contact-raw-1", .bytes(.KiB(3)), .text(nil), .list(["A", "B"])])
        table.add(["=cmd|'x'!A1", .bytes(nil), "a \"quoted\", text\nof two lines", .list([])])
        var document = Document("status")
        document.fact("run", "7f3a", line: "run 7f3a, active")
        document.fact("staged", .number(12_345))
        document.add(table)
        document.remark("next: migratez resume")
        return document
    }

    @Test func `text has the facts as lines and the table in columns`() {
        #expect(
            document.rendered(as: .text) == """
                run 7f3a, active
                staged 12,345
                CHUNK            BYTES  LAST ERROR                     FIELDS
                contact-raw-1  3.0 KiB                                 A, B
                =cmd|'x'!A1          –  a "quoted", text of two lines
                next: migratez resume

                """)
    }

    @Test func `JSON has a version, typed values and no remarks`() throws {
        let json = try JSONValue(parsing: Array(document.rendered(as: .json).utf8))
        #expect(json["v"] == 1)
        #expect(json["kind"] == "status")
        #expect(json["run"] == "7f3a")
        #expect(json["staged"] == 12_345)
        #expect(json["chunks"]?[0]?["bytes"] == 3072)
        #expect(json["chunks"]?[0]?["last_error"] == .null)
        #expect(json["chunks"]?[0]?["fields"] == ["A", "B"])
        #expect(json["chunks"]?[1]?["bytes"] == .null)
        #expect(json.members.map(\.key) == ["v", "kind", "run", "staged", "chunks"])
    }

    @Test func `CSV is RFC 4180, without grouped digits, and no cell runs as a formula`() {
        #expect(
            document.rendered(as: .csv)
                == "chunk,bytes,last_error,fields\r\ncontact-raw-1,3072,,\"A, B\"\r\n"
                + "'=cmd|'x'!A1,,\"a \"\"quoted\"\", text\nof two lines\",\r\n")
    }

    @Test func `CSV of facts alone has a column for each`() {
        var facts = Document("version")
        facts.fact("version", "1.0", line: "migratez 1.0")
        #expect(facts.rendered(as: .csv) == "version\r\n1.0\r\n")
    }

    @Test func `Markdown aligns numbers and lets no value end its cell`() {
        #expect(
            document.rendered(as: .md) == """
                - run: 7f3a
                - staged: 12,345

                | CHUNK | BYTES | LAST ERROR | FIELDS |
                |---|---:|---|---|
                | contact-raw-1 | 3.0 KiB |  | A, B |
                | =cmd\\|'x'!A1 | – | a "quoted", text<br>of two lines |  |

                next: migratez resume

                """)
    }
}
