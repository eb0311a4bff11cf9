// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSQLiteConnector
import MigratezTestKit
import Testing

struct SQLiteSourceTests {
    @Test func `values come as they are stored`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder,
                """
                CREATE TABLE person (
                    id INTEGER PRIMARY KEY, name TEXT NOT NULL, score REAL, born DATE, active BOOLEAN, note, photo BLOB,
                    firm INTEGER REFERENCES company (id), twice INTEGER AS (score * 2))
                """,
                "CREATE TABLE company (id INTEGER PRIMARY KEY)",
                """
                INSERT INTO person (id, name, score, born, active, note) VALUES
                    (-5, 'a "b" \\ ' || char(10) || char(0) || '😀', 1.0, '2026-02-30', 1, '007'),
                    (9223372036854775807, '', 5e-324, 20260230, 0, 1e300), (12, ' x ', NULL, NULL, 7, NULL)
                """)
            let page = try await other.source().readPage(of: person, fields: [], after: nil)
            let none = #","photo":null,"firm":null,"twice""#
            #expect(
                texts(page) == [
                    #"{"_id":-5,"id":-5,"name":"a \"b\" \\ \n\u0000😀","score":1.0,"born":"2026-02-30","active":true,"#
                        + #""note":"007"\#(none):2}"#,
                    #"{"_id":12,"id":12,"name":" x ","score":null,"born":null,"active":7,"note":null\#(none):null}"#,
                    #"{"_id":9223372036854775807,"id":9223372036854775807,"name":"","score":5e-324,"born":20260230,"#
                        + #""active":false,"note":1e+300\#(none):1e-323}"#,
                ])
            #expect(page.malformed.isEmpty && page.next == nil)
            let schema = try await other.source().discover([person])[0]
            #expect(
                schema.fields.map(\.kind) == [
                    .integer, .text, .decimal, .other, .bool, .other, .binary, .integer, .integer,
                ])
            #expect(schema.field("name")?.isRequired == true && schema.field("id")?.isRequired == false)
            #expect(schema.field("twice")?.isCreateable == false && schema.field("firm")?.refersTo == ["company"])
            #expect(!schema.isOpen)
        }
    }

    @Test func `only the columns that are asked for are read, and those that hold links`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, "CREATE TABLE person (id INTEGER PRIMARY KEY, a, b, firm, changed)",
                "INSERT INTO person VALUES (1, 2, x'00', 4, 5)")
            let source = try other.source([
                "objects.person.links.company.column": "firm", "objects.person.modified": "changed",
            ])
            let page = try await source.readPage(of: person, fields: ["a", "archived"], after: nil)
            #expect(texts(page) == [#"{"_id":1,"a":2,"firm":4,"changed":5}"#])
            #expect(source.layout(of: person) == RecordLayout(id: "_id", modified: "changed"))
        }
    }

    @Test func `a value that no record can have makes the row malformed, and is not told`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, "CREATE TABLE person (id PRIMARY KEY, a)",
                """
                INSERT INTO person VALUES (1, x'616263'), (2, 9e999), (3, CAST(x'ff41' AS TEXT)), (4, 'fine'),
                    (x'05', 'fine'), ('', 'fine'), (6, zeroblob(17 << 20)), (7, NULL)
                """)
            let page = try await other.source().readPage(of: person, fields: [], after: nil)
            #expect(try ids(page) == ["4", "7"])
            #expect(
                page.malformed.map { "\($0.locator): \($0.reason)" } == [
                    "_id 1: the column 'a' holds a BLOB", "_id 2: the column 'a' holds an infinite number",
                    "_id 3: the column 'a' holds a text that is not UTF-8",
                    "_id 6: the row is longer than a record may be", "a row without id: the key is empty",
                    "a row without id: the key holds a BLOB",
                ])
            #expect(try await other.source().count(of: person) == 8)
        }
    }

    @Test(arguments: ["INTEGER", "TEXT", "", "TEXT COLLATE NOCASE"])
    func `pages go on at every cursor, in a new process, and give every row once`(type: String) async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, "CREATE TABLE person (key \(type) PRIMARY KEY, filler TEXT)",
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
                INSERT INTO person SELECT CASE '\(type)' WHEN 'INTEGER' THEN i WHEN '' THEN
                    CASE i % 3 WHEN 0 THEN i WHEN 1 THEN i + 0.5 ELSE 'k' || char(0) || i END
                    ELSE 'Ключ ''"' || i END, hex(zeroblob(60)) FROM n
                """)
            var pages = 0
            let found = try await readAll(between: { _ in pages += 1 }, { try other.source() })
            #expect(found.count == 12_000 && Set(found).count == 12_000)
            #expect(pages > 2)
        }
    }

    @Test func `rows that come and go while the pages are read cost no other row its place`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, "CREATE TABLE person (id INTEGER PRIMARY KEY, filler TEXT)",
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                INSERT INTO person SELECT i * 10, 'x' FROM n
                """)
            var random = SeededGenerator(seed: 7)
            var deleted: Set<Int> = []
            let source = try other.source()
            let found = try await readAll(
                between: { _ in
                    for _ in 0..<500 {
                        let id = Int.random(in: 1...20_000, using: &random) * 10
                        deleted.insert(id)
                        try other.run("DELETE FROM person WHERE id = \(id)")
                        try other.run("INSERT OR IGNORE INTO person VALUES (\(id + 5), 'new')")
                    }
                }, { source })
            #expect(Set(found).count == found.count)
            let stayed = Set((1...20_000).map { $0 * 10 }).subtracting(deleted)
            #expect(stayed.isSubset(of: Set(found.compactMap { Int($0) })))
        }
    }

    /// A page border falls between rows with the same key: neither may be lost, so that both are noticed.
    @Test func `of rows with the same key none is lost at the end of a page`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE)",
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 11000)
                INSERT INTO t SELECT i, CASE WHEN i BETWEEN 4998 AND 5003 THEN
                    CASE WHEN i % 2 THEN 'same' ELSE 'SAME' END ELSE printf('%s%06d', CASE WHEN i < 4998 THEN 'a' ELSE 't' END, i)
                    END FROM n
                """, "CREATE VIEW person AS SELECT code, id FROM t")
            var sizes: [Int] = []
            let found = try await readAll(
                between: { sizes.append($0.records.count) }, { try other.source(["objects.person.id": "code"]) })
            #expect(found.count == 11_000)
            #expect(found.count { $0.lowercased() == "same" } == 6)
            #expect(sizes == [5_003, 5_000, 997])
            try other.run("UPDATE t SET code = 'same'")
            let error = await #expect(throws: MigratezError.self) {
                _ = try await readAll { try other.source(["objects.person.id": "code"]) }
            }
            #expect(error?.code == .invalidSetting && error?.message.contains("11000 rows") == true)
        }
    }

    @Test(
        arguments: [
            ("CREATE TABLE person (a, b)", [:], "no primary key of one column"),
            ("CREATE TABLE person (a, b, PRIMARY KEY (a, b))", [:], "no primary key of one column"),
            ("CREATE VIEW person AS SELECT 1 AS a", [:], "is a view"),
            ("CREATE TABLE people (id INTEGER PRIMARY KEY)", [:], "no table or view 'person'"),
            ("CREATE TABLE person (a, b)", ["id": "c"], "no column 'c'"),
            ("CREATE TABLE person (a PRIMARY KEY) WITHOUT ROWID", ["id": "rowid"], "no column 'rowid'"),
            ("CREATE TABLE person (id INTEGER PRIMARY KEY, _id)", [:], "a name that is taken"),
            ("CREATE TABLE person (id INTEGER PRIMARY KEY)", ["links.company.column": "ID"], "no column 'ID'"),
            ("CREATE TABLE person (id TEXT PRIMARY KEY); INSERT INTO person VALUES (NULL)", [:], "1 rows of 'person'"),
        ] as [(String, [String: String], String)])
    func `a table whose rows cannot be told apart is refused, with the reason`(
        schema: String, settings: [String: String], reason: String
    ) async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(folder, schema)
            var texts: [String: String] = [:]
            for (key, value) in settings { texts["objects.person.\(key)"] = value }
            let source = try other.source(texts)
            for act in [
                { _ = try await source.discover([person]) },
                { _ = try await source.readPage(of: person, fields: [], after: nil) },
            ] as [() async throws -> Void] {
                let error = await #expect(throws: MigratezError.self) { try await act() }
                #expect(error?.code == .invalidSetting)
                #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
            }
        }
    }

    @Test
    func `a table without a key is read by its rowid if that is asked for, and so is one named by SQL's own words`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, "CREATE TABLE \"select \"\"from\" (\"a \"\" b\", \"where\")",
                "INSERT INTO \"select \"\"from\" VALUES ('x', 1), ('y', 2)")
            let source = try other.source(["objects.person.table": "select \"from", "objects.person.id": "rowid"])
            let page = try await source.readPage(of: person, fields: [], after: nil)
            #expect(texts(page) == [#"{"_id":1,"a \" b":"x","where":1}"#, #"{"_id":2,"a \" b":"y","where":2}"#])
            #expect(try await source.account(for: [person]).facts == [.init("select \"from", "2 rows")])
        }
    }

    @Test func `records are found by id, whatever their type`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, "CREATE TABLE person (id PRIMARY KEY)",
                "INSERT INTO person VALUES (1), ('2'), (2.5), ('a''b'), ('007')")
            let page = try await other.source().readRecords(
                of: person, ids: ["007", "1", "2", "2.5", "a'b", "gone", "7"], fields: [])
            #expect(try ids(page) == ["007", "1", "2", "2.5", "a'b"])
        }
    }

    @Test func `a foreign key is a link`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, "CREATE TABLE person (id INTEGER PRIMARY KEY, firm INTEGER, more TEXT)",
                "INSERT INTO person VALUES (1, 7, '8; 9'), (2, NULL, NULL), (3, 7, '')")
            let source = try other.source([
                "objects.person.links.company.column": "firm", "objects.person.links.person.column": "more",
                "objects.person.links.person.separator": ";",
            ])
            let page = try await source.readPage(of: person, fields: [], after: nil)
            let records = zip(try ids(page), page.records).map { (id: $0, bytes: page.bytes[$1]) }
            let edges = try await source.readLinks(from: person, to: company, of: records)
            #expect(edges.map { "\($0.from)>\($0.to)" } == ["1>7", "3>7"])
            let others = try await source.readLinks(from: person, to: person, of: records)
            #expect(others.map { "\($0.from)>\($0.to)" } == ["1>8", "1>9"])
            #expect(source.linkBatchSize(from: company, to: person) == nil)
        }
    }

    @Test func `a table with a row for each link is read to its last row`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, "CREATE TABLE person (id INTEGER PRIMARY KEY)", "CREATE TABLE job (who, \"at\" TEXT)",
                "INSERT INTO person VALUES (1), (2), (3)",
                "INSERT INTO job VALUES (1, 'a'), ('2', 'b'), (1, 'c'), (2, NULL), (NULL, 'd'), (9, 'e')")
            let join = ["table": "job", "from": "who", "to": "at"]
            func source(_ settings: [String: String]) throws -> SQLiteSource {
                var texts: [String: String] = [:]
                for (key, value) in settings { texts["objects.person.links.company.\(key)"] = value }
                return try other.source(texts)
            }
            func edges(_ settings: [String: String]) async throws -> [String] {
                let records = ["1", "2", "3"].map { (id: $0, bytes: Array("{}".utf8)[...]) }
                return try await source(settings).readLinks(from: person, to: company, of: records)
                    .map { "\($0.from)>\($0.to)" }
            }
            #expect(try await edges(join) == ["1>a", "1>c", "2>b"])
            for wrong in [["table": "jobs"], ["to": "firm"]] {
                let error = await #expect(throws: MigratezError.self) {
                    _ = try await edges(join.merging(wrong) { $1 })
                }
                #expect(error?.code == .invalidSetting)
            }
            for incomplete in [["table": "job"], join.merging(["column": "id"]) { $1 }, ["separator": ";"]] {
                #expect(throws: MigratezError.self) { try source(incomplete) }
            }
            try other.run("INSERT INTO job VALUES (3, x'00')")
            let error = await #expect(throws: MigratezError.self) { _ = try await edges(join) }
            #expect(error?.code == .malformedRecord)
        }
    }

    @Test func `a database that was left in the middle of a change is named as such, and is not touched`() async throws
    {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(folder, "CREATE TABLE person (id INTEGER PRIMARY KEY, t)")
            let copy = "\(folder)/copy.sqlite"
            // What lies on the disk while another program is in the middle of a large change, as after a power cut.
            try other.interrupted(by: "INSERT INTO person SELECT value, hex(zeroblob(200)) FROM person_numbers") {
                for end in ["", "-journal"] {
                    try FileManager.default.copyItem(atPath: other.path + end, toPath: copy + end)
                }
            }
            let before = try Data(contentsOf: URL(filePath: copy))
            let source = try SQLiteSource(settings: ConnectorSettings(texts: ["file": copy]))
            let error = await #expect(throws: MigratezError.self) { try await source.count(of: person) }
            #expect(error?.code == .fileNotFound && error?.message.contains("in the middle of a change") == true)
            #expect(try Data(contentsOf: URL(filePath: copy)) == before)
        }
    }

    @Test func `nothing is written, and what is no database is an error`() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/crm.sqlite"
            let source = try SQLiteSource(settings: ConnectorSettings(texts: ["file": path]))
            let missing = await #expect(throws: MigratezError.self) { try await source.count(of: person) }
            #expect(missing?.code == .fileNotFound)
            #expect(!FileManager.default.fileExists(atPath: path), "asking makes no file")
            try Data(repeating: 0x41, count: 5_000).write(to: URL(filePath: path))
            let foreign = await #expect(throws: MigratezError.self) { try await source.count(of: person) }
            #expect(foreign?.code == .invalidSetting)
            try FileManager.default.removeItem(atPath: path)
            _ = try OtherProgram(folder, "CREATE TABLE person (id INTEGER PRIMARY KEY)")
            let before = try Data(contentsOf: URL(filePath: path))
            _ = try await readAll { try SQLiteSource(settings: ConnectorSettings(texts: ["file": path])) }
            #expect(try Data(contentsOf: URL(filePath: path)) == before)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["crm.sqlite"])
        }
    }

    @Test func `a database in WAL mode is read with what its log holds, while others write`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(folder, "CREATE TABLE person (id INTEGER PRIMARY KEY)")
            try other.setJournal("wal")
            try other.run("INSERT INTO person VALUES (1)")
            let source = try other.source()
            #expect(try await source.count(of: person) == 1)
            try other.run("INSERT INTO person VALUES (2)")
            #expect(try await readAll { source } == ["1", "2"])
        }
    }
}
