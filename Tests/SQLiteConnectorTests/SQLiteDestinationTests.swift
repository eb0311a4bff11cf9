// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSQLiteConnector
import MigratezTestKit
import Testing

struct SQLiteDestinationTests {
    private func row(
        _ key: String, _ fields: String, references: [Batch.Reference] = [], id: String? = nil, keepsKey: Bool = true
    ) -> Batch.Row {
        Batch.Row(key: key, fields: Array(fields.utf8), references: references, targetID: id, keepsKey: keepsKey)
    }

    /// Does what a run does: looks, prepares what is missing, writes.
    private func write(
        _ destination: SQLiteDestination, _ rows: [Batch.Row], to object: String = "person"
    ) async throws -> [Receipt.Result] {
        let schema = try await destination.discover([object])[0]
        try await destination.prepare(destination.requirements(of: schema))
        let route = destination.route(for: object, expectedRows: rows.count)
        let receipts = try await destination.write(Batch(object: object, rows: rows), by: route, intent: KeptIntent())
        #expect(receipts.map(\.key) == rows.map(\.key))
        return receipts.map(\.result)
    }

    private func held(
        _ destination: SQLiteDestination, _ ids: [String], _ fields: [String]
    ) async throws -> [String] {
        try await destination.read(object: "person", ids: ids, fields: fields).map {
            "\($0.id) \($0.key ?? "-") " + String(decoding: $0.fields, as: UTF8.self)
        }
    }

    private func resolve(_ destination: SQLiteDestination, _ rows: [Batch.Row]) async throws -> [Receipt] {
        let route = destination.route(for: "person", expectedRows: 1)
        return try await destination.resolve(Batch(object: "person", rows: rows), by: route, note: nil)
    }

    private func codes(_ results: [Receipt.Result]) -> [String] {
        results.map { result in
            switch result {
            case .created(let id): "created \(id)"
            case .updated(let id): "updated \(id)"
            case .rejected(let rejection): "\(rejection.code) \(rejection.fields.joined(separator: ","))"
            }
        }
    }

    // MARK: Tables that are made here

    @Test func `a table and its columns are made as they are needed, and values keep their form`() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/new.sqlite"
            let destination = try SQLiteDestination(settings: ConnectorSettings(texts: ["file": path]))
            let schema = try await destination.discover(["person"])[0]
            #expect(schema.isOpen && schema.holdsKey && schema.fields.isEmpty)
            #expect(try await destination.account(for: ["person"]).missingRights.isEmpty)
            #expect(!FileManager.default.fileExists(atPath: path), "asking makes no file")
            let parent = Batch.Reference(
                field: "firm", object: "company", key: "csv-company-1", targetID: "csv-company-1")
            let first = #"{"Na\"me":"a\u0000b 😀","score":1.50,"on":true,"off":false,"none":null,"list":[1, 2.0]}"#
            #expect(
                try await codes(write(destination, [row("k-1", first), row("k-2", "{}", references: [parent])]))
                    == ["created k-1", "created k-2"])
            #expect(
                try await held(
                    destination, ["k-2", "gone", "k-1"], ["Na\"me", "score", "on", "off", "none", "list", "firm"])
                    == [
                        #"k-2 k-2 {"Na\"me":null,"score":null,"on":null,"off":null,"none":null,"list":null,"firm":"csv-company-1"}"#,
                        #"k-1 k-1 {"Na\"me":"a\u0000b 😀","score":"1.50","on":"true","off":"false","none":null,"list":"[1, 2.0]","firm":null}"#,
                    ])
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            // The next run finds the table as its own.
            let again = try await destination.discover(["person"])[0]
            #expect(again.isOpen && destination.requirements(of: again).isEmpty)
            #expect(try await destination.account(for: ["person"]).facts == [.init("person", "2 rows there already")])
        }
    }

    @Test func `a row that comes again changes the fields that it names, and creates nothing`() async throws {
        try await withTemporaryFolder { folder in
            let destination = try OtherProgram(folder).destination()
            _ = try await write(destination, [row("k-1", #"{"a":"1","b":"2"}"#)])
            #expect(
                try await codes(write(destination, [row("k-1", #"{"b":"3","c":"4"}"#), row("k-1", "{}")]))
                    == ["updated k-1", "updated k-1"])
            #expect(try await held(destination, ["k-1"], ["a", "b", "c"]) == [#"k-1 k-1 {"a":"1","b":"3","c":"4"}"#])
            #expect(
                try await codes(
                    write(destination, [row("k-1", #"{"a":"5"}"#, id: "k-1"), row("k-9", #"{"a":"5"}"#, id: "k-9")]))
                    == ["updated k-1", "MZ-REF-04 "])
            #expect(try await destination.count(object: "person", keyPrefix: "k-") == 1)
            #expect(try await destination.count(object: "person", keyPrefix: "K") == 0)
            #expect(try await destination.count(object: "nobody", keyPrefix: "k-") == 0)
            #expect(
                try await resolve(destination, [row("k-1", "{}"), row("k-2", "{}"), row("k-3", "{}", id: "k-1")])
                    == [Receipt(key: "k-1", result: .created(id: "k-1"))])
        }
    }

    @Test(arguments: [
        (#"{"migratez_ID":"x"}"#, "our own key"), (#"{"Name":"x","name":"y"}"#, "does not tell"),
        (#"{"":"x"}"#, "cannot be the name"), (#"{"a\u0000b":"x"}"#, "cannot be the name"),
    ]) func `a field that can have no column of its own is refused`(fields: String, reason: String) async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(folder)
            let destination = try other.destination()
            let error = await #expect(throws: MigratezError.self) {
                _ = try await write(destination, [row("k-1", #"{"a":"1"}"#), row("k-2", fields)])
            }
            #expect(error?.code == .invalidSetting)
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
            #expect(try other.texts("SELECT count(*) FROM person") == ["0"], "a batch is one transaction")
            #expect(try other.texts("SELECT name FROM pragma_table_info('person')") == ["migratez_id"])
        }
    }

    // MARK: Tables of others

    private static let schema = """
        CREATE TABLE company (id INTEGER PRIMARY KEY, name TEXT);
        INSERT INTO company VALUES (1, 'Acme');
        CREATE TABLE person (
            id INTEGER PRIMARY KEY, email TEXT UNIQUE COLLATE NOCASE, born TEXT NOT NULL DEFAULT '', active BOOLEAN,
            score NUMERIC, any, size INTEGER CHECK (size > 0), name TEXT NOT NULL,
            firm INTEGER REFERENCES company (id), photo BLOB);
        INSERT INTO person (id, email, active, score, any, name, photo) VALUES
            (10, 'ada@x.test', 1, 1.5, 7, 'Ada', NULL), (11, 'bob@x.test', 0, NULL, 'x', 'Bob', x'00');
        """

    @Test func `a table of somebody else keeps its columns, and its records their ids`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(folder, Self.schema)
            let destination = try other.destination()
            let schema = try await destination.discover(["PERSON"])[0]
            #expect(schema.name == "PERSON" && !schema.isOpen)
            #expect(schema.field("firm")?.kind == .reference && schema.field("firm")?.refersTo == ["company"])
            #expect(schema.fields.filter(\.isRequired).map(\.name) == ["name"])
            let firm = Batch.Reference(field: "firm", object: "company", key: "c", targetID: "1")
            let results = try await write(
                destination,
                [
                    row("k-1", #"{"name":"Cy","active":true,"score":2.50,"any":12}"#, references: [firm]),
                    row("k-2", #"{"name":"Di"}"#), row("k-3", #"{"name":"Bob 2"}"#, id: "11"),
                ])
            #expect(codes(results) == ["created 12", "created 13", "updated 11"])
            #expect(
                try await held(destination, ["10", "11", "12"], ["name", "active", "score", "any", "firm"]) == [
                    #"10 - {"active":true,"score":1.5,"any":7,"name":"Ada","firm":null}"#,
                    #"11 k-3 {"active":false,"score":null,"any":"x","name":"Bob 2","firm":null}"#,
                    #"12 k-1 {"active":true,"score":2.5,"any":12,"name":"Cy","firm":1}"#,
                ])
            #expect(
                try other.texts("SELECT typeof(any) || typeof(firm) || active FROM person WHERE id = 12")
                    == ["integerinteger1"])
            #expect(try await resolve(destination, [row("k-2", "{}")]).map(\.result) == [.created(id: "13")])
            let unknown = await #expect(throws: MigratezError.self) {
                _ = try await write(destination, [row("k-4", #"{"name":"x","emial":"y"}"#)])
            }
            #expect(unknown?.message.contains("no column 'emial'") == true)
            // What was there before goes back, and our key with it.
            #expect(
                try await codes(write(destination, [row("k-3", #"{"name":"Bob"}"#, id: "11", keepsKey: false)]))
                    == ["updated 11"])
            #expect(try await held(destination, ["11"], ["name"]) == [#"11 - {"name":"Bob"}"#])
            #expect(try await destination.count(object: "person", keyPrefix: "k-") == 2)
        }
    }

    @Test func `a row that the table refuses is rejected with the reason, and the others are written`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, Self.schema,
                "CREATE TABLE code (id TEXT PRIMARY KEY, a INTEGER) STRICT",
                "CREATE TRIGGER t BEFORE INSERT ON code WHEN new.a = 3 BEGIN SELECT RAISE(IGNORE); END")
            let destination = try other.destination()
            let firm = Batch.Reference(field: "firm", object: "company", key: "c", targetID: "99")
            let results = try await write(
                destination,
                [
                    row("k-1", #"{"name":"a","email":"ADA@x.test"}"#), row("k-2", #"{"email":"e"}"#),
                    row("k-3", #"{"name":"a","size":0}"#), row("k-4", #"{"name":"a"}"#, references: [firm]),
                    row("k-5", #"{"name":"a","id":"x"}"#), row("k-6", #"{"name":"a","id":"500"}"#),
                    row("k-7", #"{"name":null}"#, id: "10"), row("k-6", #"{"name":"b"}"#, id: "10"),
                ])
            #expect(
                codes(results) == [
                    "MZ-DUP-01 email", "MZ-REQ-01 name", "MZ-RULE-01 ", "MZ-REF-01 ", "MZ-TYPE-01 ", "created 500",
                    "MZ-REQ-01 name", "MZ-DUP-01 migratez_id",
                ])
            #expect(try other.texts("SELECT count(*) FROM person") == ["3"])
            #expect(
                try await codes(
                    write(
                        destination,
                        [
                            row("k-1", #"{"id":"x","a":"no"}"#), row("k-2", #"{"a":1}"#),
                            row("k-3", #"{"id":"y","a":"2"}"#), row("k-4", #"{"id":"z","a":3}"#),
                        ], to: "code")) == ["MZ-TYPE-01 ", "MZ-REQ-01 id", "created y", "MZ-RULE-01 "])
            #expect(try other.texts("SELECT id || a FROM code") == ["y2"])
        }
    }

    @Test func `a table that rolls the batch back, or refuses it at its end, refuses the whole call`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, "CREATE TABLE company (id INTEGER PRIMARY KEY)",
                """
                CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT ROLLBACK,
                    firm INTEGER REFERENCES company (id) DEFERRABLE INITIALLY DEFERRED)
                """)
            let destination = try other.destination()
            for second in [#"{"name":"a"}"#, #"{"name":"b","firm":9}"#] {
                let error = await #expect(throws: MigratezError.self) {
                    _ = try await write(destination, [row("k-1", #"{"name":"a"}"#), row("k-2", second)])
                }
                // What is refused so is sent again in halves, down to the row.
                #expect(error?.remedy == .rejectRecord)
                #expect(try other.texts("SELECT count(*) FROM person") == ["0"])
            }
            #expect(try await codes(write(destination, [row("k-1", #"{"name":"a"}"#)])) == ["created 1"])
        }
    }

    @Test(arguments: [
        ("CREATE TABLE person (a, b)", "no primary key of one column"),
        ("CREATE VIEW person AS SELECT 1 AS id", "is a view"),
    ]) func `what has no ids is refused before anything is written`(schema: String, reason: String) async throws {
        try await withTemporaryFolder { folder in
            let destination = try OtherProgram(folder, schema).destination()
            let error = await #expect(throws: MigratezError.self) { try await destination.discover(["person"]) }
            #expect(error?.code == .invalidSetting && error?.message.contains(reason) == true)
        }
    }

    // MARK: Looking up and taking back

    @Test func `existing records match as the column compares, unless they are ours`() async throws {
        try await withTemporaryFolder { folder in
            let destination = try OtherProgram(folder, Self.schema).destination()
            let before = try await destination.match(
                object: "person", fields: ["email"], values: [["ADA@X.TEST"], ["nobody"]], returning: ["name"])
            #expect(before.map { "\($0.id) \(String(decoding: $0.fields, as: UTF8.self))" } == [#"10 {"name":"Ada"}"#])
            _ = try await write(destination, [row("k-1", "{}", id: "10")])
            for (fields, values) in [
                (["email"], [["ada@x.test"]]), (["emial"], [["x"]]), (["any", "name"], [["x", "y"]]),
            ] {
                #expect(
                    try await destination.match(object: "person", fields: fields, values: values, returning: []).isEmpty
                )
            }
            #expect(
                try await destination.match(
                    object: "person", fields: ["any", "name"], values: [["x", "Bob"]], returning: []
                ).map(\.id) == ["11"])
            #expect(try await destination.sample(object: "person", fields: ["name"], count: 1).map(\.id) == ["10"])
        }
    }

    @Test func `a value that an undo could not put back is refused when it is looked up`() async throws {
        try await withTemporaryFolder { folder in
            let destination = try OtherProgram(folder, Self.schema).destination()
            let error = await #expect(throws: MigratezError.self) {
                try await destination.read(object: "person", ids: ["10", "11"], fields: ["photo"])
            }
            #expect(error?.code == .notSupported && error?.message.contains("'photo'") == true)
        }
    }

    @Test func `records are deleted by id, once, and those that others need are refused`() async throws {
        try await withTemporaryFolder { folder in
            let other = try OtherProgram(
                folder, Self.schema, "UPDATE person SET firm = 1 WHERE id = 10",
                "CREATE TABLE boss (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES boss)",
                "INSERT INTO boss VALUES (1, 1), (2, 1), (3, NULL)")
            let destination = try other.destination()
            #expect(try await destination.referrers(object: "company", ids: ["1", "2"]) == ["1": "person"])
            #expect(try await destination.referrers(object: "person", ids: ["10"]) == [:])
            #expect(try await destination.referrers(object: "boss", ids: ["1", "2", "3"]) == ["1": "boss"])
            let refused = try await destination.delete(object: "company", ids: ["1"])
            guard case .refused(let rejection) = refused[0].result else {
                Issue.record("deleted what others refer to")
                return
            }
            #expect(rejection.code == .parentMissing)
            #expect(
                try await destination.delete(object: "person", ids: ["10", "99", "11", "10"]).map(\.result)
                    == [.deleted, .absent, .deleted, .absent])
            #expect(try await destination.delete(object: "company", ids: ["1"]).map(\.result) == [.deleted])
            #expect(try await destination.delete(object: "nobody", ids: ["1"]).map(\.result) == [.absent])
        }
    }

    @Test func `a file that may not be written to is a missing right`() async throws {
        try await withTemporaryFolder { folder in
            let settings = ConnectorSettings(texts: ["file": "\(folder)/gone/crm.sqlite"])
            let destination = try SQLiteDestination(settings: settings)
            #expect(try await destination.account(for: ["person"]).missingRights.count == 1)
            let creations = try await destination.requirements(of: destination.discover(["person"])[0])
            let error = await #expect(throws: MigratezError.self) { try await destination.prepare(creations) }
            #expect(error?.code == .fileNotFound)
        }
    }
}
