// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import GRDB
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Testing

/// Whole runs into a database and out of it again.
@Suite(.serialized) struct `A database` {
    private struct World {
        let folder: String
        let workplace: Workplace

        func write(_ text: String, to name: String, packed: Packing = .plain) throws {
            let url = URL(filePath: "\(folder)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(packed.pack(Array(text.utf8))).write(to: url)
        }

        /// Runs a pipeline file through all stages; every balance must close and everything must be read back as sent.
        func move(_ pipeline: String) async throws -> Run {
            let connection = try await PlanConnection.open("\(folder)/\(pipeline)", in: workplace)
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            #expect(setup.diagnostics.map(\.description) == [])
            let run = try await Run.begin(connection, in: workplace) { _ in }
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            for balance in try await run.staging.manifest.read({ try $0.reconciliation() }) {
                #expect(balance.isClosed && balance[.rejected] == 0, "\(balance.stream.name)")
            }
            for report in try await Verification(run, scope: .all, progress: SilentProgress()).verify() {
                #expect(report.isGood && report.compared == report.loaded, "\(report.stream) \(report.differences)")
                #expect(report.loaded > 0)
            }
            return run
        }

        /// What other programs do in the database.
        func change(_ sql: String) throws {
            try DatabaseQueue(path: "\(folder)/crm.sqlite").write { try $0.execute(sql: sql) }
        }

        /// The rows of a query, with a bar between values.
        func table(_ sql: String) throws -> [String] {
            try DatabaseQueue(path: "\(folder)/crm.sqlite").read { database in
                try Row.fetchAll(database, sql: sql).map { row in
                    row.databaseValues.map { $0.isNull ? "" : "\($0.storage.value ?? "")" }.joined(separator: "|")
                }
            }
        }

        func lines(_ name: String) throws -> [String] {
            try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8).split(separator: "\n").map(String.init)
        }
    }

    private func withWorld<R: Sendable>(_ body: (World) async throws -> R) async throws -> R {
        try await withTemporaryFolder { folder in
            let workplace = try Workplace(
                environment: ["EXPORTS_DIR": "\(folder)/exports", "CRM_DB": "\(folder)/crm.sqlite"],
                clock: HurriedClock(), http: try CurlClient(TransportConfiguration()), stateFolder: "\(folder)/state")
            return try await body(World(folder: folder, workplace: workplace))
        }
    }

    /// Values that something on the way might take for something else.
    private static let values = [
        "1.50", "007", "1e5", "12345678901234567890", "true", " both ends ", "a,\"b\"", "line\nline\r\n", "NULL",
        "'); DROP TABLE person; --", "\u{0}after NUL", "e\u{301} é 😀 \u{200F}", "0x1F", "2026-02-30", "-0", "+49 30",
    ]

    @Test(arguments: [Packing.zstd, .gzip])
    func `gives back every value that it was given, byte for byte`(packing: Packing) async throws {
        try await withWorld { world in
            // Two files, each row once: every value in every column.
            for part in 0...1 {
                var text = "id,a,b,firm\n"
                for (number, value) in Self.values.enumerated() {
                    let cells = part == 0 ? [value, ""] : ["", value]
                    let quoted = cells.map { $0.isEmpty ? "" : "\"\($0.replacing("\"", with: "\"\""))\"" }
                    text += "\(part)-\(number),\(quoted.joined(separator: ",")),\(part)-\(number ^ 1)\n"
                }
                try world.write(text, to: "exports/people-\(part)", packed: packing)
            }
            try world.write(
                """
                migratez: 1
                name: into
                source: { connector: csv, objects: { person: { file: "exports/people-*", id: id, links: {
                  person: { column: firm } } } } }
                target: { connector: sqlite, file: crm.sqlite }
                objects: { person: { to: person, fields: { source: id, a: a, "b \\"": b } } }
                links: [{ from: person, to: person, as: person.boss, on_missing: empty }]
                """, to: "into.yaml")
            try await world.move("into.yaml").close()
            try world.write(
                """
                migratez: 1
                name: out
                source: { connector: sqlite, file: crm.sqlite, objects: { person: { links: {
                  person: { column: boss } } } } }
                target: { connector: ndjson, dir: out }
                objects: { person: { to: person, fields: { source: source, a: a, b: "b \\"", boss: boss } } }
                """, to: "out.yaml")
            try await world.move("out.yaml").close()
            let records = try world.lines("out/person.ndjson").map { try JSONValue(parsing: Array($0.utf8)) }
            #expect(records.count == Self.values.count * 2)
            for record in records {
                let source = try #require(record["source"]?.text).split(separator: "-").compactMap { Int($0) }
                let expected = JSONValue.string(Self.values[source[1]])
                #expect(record["a"] ?? .null == (source[0] == 0 ? expected : .null), "\(source)")
                #expect(record["b"] ?? .null == (source[0] == 1 ? expected : .null), "\(source)")
                #expect(record["boss"]?.text == "csv-person-\(source[0])-\(source[1] ^ 1)")
                #expect(record["migratez_id"]?.text == "sqlite-person-csv-person-\(source[0])-\(source[1])")
            }
        }
    }

    @Test func `keeps numbers apart from texts on the way through, and the biggest of them whole`() async throws {
        try await withWorld { world in
            let values = ["1", "-9223372036854775808", "0.1", "1e+300", "true", #""1""#, "null", #""""#]
            let lines = values.enumerated().map { #"{"id":\#($0),"v":\#($1)}"# }
            try world.write(lines.joined(separator: "\n"), to: "values.ndjson")
            // A column without a type keeps what it is given.
            try world.change("CREATE TABLE value (id INTEGER PRIMARY KEY, v)")
            try world.write(
                """
                migratez: 1
                name: into
                source: { connector: ndjson, objects: { value: { file: values.ndjson, id: id } } }
                target: { connector: sqlite, file: crm.sqlite }
                objects: { value: { to: value, fields: { id: { from: id, type: integer }, v: v } } }
                """, to: "into.yaml")
            try await world.move("into.yaml").close()
            try world.write(
                """
                migratez: 1
                name: out
                source: { connector: sqlite, file: crm.sqlite }
                target: { connector: ndjson, dir: out }
                objects: { value: { to: value, fields: { v: v } } }
                """, to: "out.yaml")
            try await world.move("out.yaml").close()
            // The mapping gives no member for what is blank, and the table has no truth values.
            let expected = values.enumerated().map { number, value in
                let member = ["true": #""true""#, "null": "", #""""#: ""][value] ?? value
                return #"{"migratez_id":"sqlite-value-\#(number)"\#(member.isEmpty ? "" : #","v":\#(member)"#)}"#
            }
            let found = try world.lines("out/value.ndjson")
            #expect(found == expected)
        }
    }

    @Test func `of a company is filled by the pipeline that comes with the program, and emptied by undo`() async throws
    {
        try await withWorld { world in
            let shipped = "\(PipelineFileFixtures.pipelinesFolder)/csv-to-sqlite.yaml"
            try world.write(PipelineFileFixtures.text(shipped), to: "pipeline.yaml")
            try world.write("id,name,domain\n1,Acme,ACME.test\n2,Cogs,cogs.test\n", to: "exports/companies.csv")
            let header = "id,given_name,surname,email,born,company_id\n"
            try world.write(
                header + "1,Ada,Lovelace,ada@x.test,1815-12-10,1\n", to: "exports/people-1.csv.gz", packed: .gzip)
            try world.write(header + "2,Bob,,bob at home,,2\n3,Cy,X,,,\n", to: "exports/people-2.csv")
            let run = try await world.move("pipeline.yaml")
            let people = try world.table("SELECT migratez_id, name, email, born, company FROM person ORDER BY 1")
            #expect(
                people == [
                    "csv-person-1|Ada Lovelace|ada@x.test|1815-12-10|csv-company-1",
                    "csv-person-2|Bob|||csv-company-2", "csv-person-3|Cy X|||",
                ])
            let balances = try await RunUndo(run).execute(isDryRun: false)
            #expect(balances.allSatisfy { $0.isClosed && $0.left == 0 }, "\(balances)")
            #expect(
                try world.table("SELECT count(*) FROM person UNION ALL SELECT count(*) FROM company") == ["0", "0"])
            try await run.close()
        }
    }

    @Test func `of somebody else gets back what a run changed in it, and keeps what somebody edited since`()
        async throws
    {
        try await withWorld { world in
            try world.change(
                """
                CREATE TABLE person (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, phone TEXT, vip BOOLEAN);
                INSERT INTO person VALUES (1, 'ada@x.test', 'Ada', NULL, 1), (2, 'bob@x.test', 'Bob', '22', 0),
                    (3, 'cy@x.test', 'Cy', '33', NULL)
                """)
            let before = try world.table("SELECT * FROM person")
            try world.write(
                "id,email,name,phone,vip\na,ada@x.test,Ada L,11,true\nb,bob@x.test,Bob B,222,true\nn,new@x.test,New,4,false\n",
                to: "people.csv")
            try world.write(
                """
                migratez: 1
                name: merge
                source: { connector: csv, objects: { person: { file: people.csv, id: id } } }
                target: { connector: sqlite, file: crm.sqlite }
                objects:
                  person:
                    to: person
                    fields: { email: email, name: name, phone: phone, vip: { from: vip, type: bool } }
                    dedupe: { against_target: [{ keys: [email], on_match: overwrite }] }
                """, to: "merge.yaml")
            let run = try await world.move("merge.yaml")
            #expect(
                try world.table("SELECT * FROM person") == [
                    "1|ada@x.test|Ada L|11|1|csv-person-a", "2|bob@x.test|Bob B|222|1|csv-person-b",
                    "3|cy@x.test|Cy|33||", "4|new@x.test|New|4|0|csv-person-n",
                ])
            try world.change("UPDATE person SET phone = 'mine' WHERE id = 4")
            let balances = try await RunUndo(run).execute(isDryRun: false)
            #expect(balances.allSatisfy { $0.isClosed } && balances[0][.restored] == 2 && balances[0][.edited] == 1)
            let after = try world.table("SELECT id, email, name, phone, vip FROM person")
            #expect(after == before + ["4|new@x.test|New|mine|0"])
            #expect(try world.table("SELECT count(*) FROM person WHERE migratez_id IS NOT NULL") == ["1"])
            try await run.close()
        }
    }
}
