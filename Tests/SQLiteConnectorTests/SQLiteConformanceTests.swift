// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezModel
import MigratezSQLiteConnector
import MigratezTestKit
import Testing

/// Both sides of the connector against a database that other programs work with, by the suite that every connector passes.
struct `SQLite conforms` {
    @Test(arguments: SourceConformance.allCases)
    func `as a source`(check: SourceConformance) async throws {
        try await SQLiteSubject.run { try await check.check($0) }
    }

    @Test(arguments: DestinationConformance.allCases)
    func `as a destination`(check: DestinationConformance) async throws {
        try await SQLiteSubject.run { try await check.check($0) }
    }
}

private struct SQLiteSubject: SourceSubject, DestinationSubject {
    let program: OtherProgram

    /// 6,000 firms, which are two pages, and a table of people whose addresses are unique.
    static func run(_ body: (SQLiteSubject) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let program = try OtherProgram(
                folder,
                """
                CREATE TABLE firm (id INTEGER PRIMARY KEY, name TEXT, size REAL, parent INTEGER REFERENCES firm (id));
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
                INSERT INTO firm SELECT i, 'Äcme "' || i || '" 👩‍👩‍👧', i + 0.5, nullif(i / 10, 0) FROM n;
                CREATE TABLE person (
                    id INTEGER PRIMARY KEY, email TEXT UNIQUE, lastname TEXT NOT NULL, jobtitle TEXT);
                CREATE TABLE document (id INTEGER PRIMARY KEY, title TEXT, body BLOB);
                CREATE TABLE scan (id INTEGER PRIMARY KEY, title TEXT, image BLOB NOT NULL);
                """)
            for (number, content) in contents.enumerated() {
                try program.insert("document", "body", content, title: "Document \(number)")
            }
            try program.run("INSERT INTO document (title) VALUES ('without a body')")
            try await body(SQLiteSubject(program: program))
        }
    }

    // MARK: As a source

    private static let firm = StreamName("firm").unsafelyUnwrapped

    private static let document = StreamName("document").unsafelyUnwrapped
    private static let contents: [[UInt8]] = [0, 1, 1000, 700_001].map { length in
        (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
    }

    func makeSource() throws -> any Source {
        try program.source(["objects.firm.links.firm.column": "parent", "objects.document.content": "body"])
    }

    var contents: [ExpectedContents] {
        let digests = Self.contents.enumerated().map { (String($0 + 1), SHA256.digest(of: $1)) }
        return [
            ExpectedContents(
                Self.document, digests: Dictionary(uniqueKeysWithValues: digests),
                unavailable: [String(Self.contents.count + 1)])
        ]
    }

    var sourceCapabilities: SourceCapabilities { SQLiteSource.capabilities }

    var streams: [ExpectedStream] {
        var records: [String: [String: String?]] = [:]
        for number in 1...6_000 {
            records[String(number)] = ["name": "Äcme \"\(number)\" 👩‍👩‍👧", "size": "\(number).5"]
        }
        return [ExpectedStream(Self.firm, records: records)]
    }

    var links: [ExpectedLinks] {
        let edges = (10...6_000).map { Edge(from: String($0), to: String($0 / 10)) }
        return [ExpectedLinks(from: Self.firm, to: Self.firm, edges: Set(edges))]
    }

    /// A source of tables has the links that its settings name, and no others.
    var unlinked: (from: StreamName, to: StreamName)? { (Self.firm, person) }
    let peopleCount = 0

    var editor: AccountEditor? {
        let program = program
        return AccountEditor(
            Self.firm,
            create: { number in
                try program.run("INSERT INTO firm (name) VALUES ('Edited \(number)')")
                return try #require(program.texts("SELECT max(id) FROM firm").first)
            }, change: { try program.run("UPDATE firm SET size = size + 1, name = 'Changed' WHERE id = \($0)") },
            delete: { try program.run("DELETE FROM firm WHERE id = \($0)") })
    }

    // MARK: As a destination

    func makeDestination() throws -> any Destination { try program.destination() }
    var destinationCapabilities: DestinationCapabilities { SQLiteDestination.capabilities }
    let object = "person"

    func fields(_ number: Int, version: Int) -> [String: String] {
        [
            "email": "c\(number)@conformance.test", "lastname": "Ünïcode \"\(number)\" 👩‍👩‍👧",
            "jobtitle": "Title; \(version)",
        ]
    }

    var refused: (fields: [String: String], code: ErrorCode)? { (["email": "c1@conformance.test"], .duplicate) }

    var link: LinkSubject? {
        LinkSubject(
            object: "person_to_firm", fromField: "from", toField: "to", toObject: "firm", toFields: ["name": "Acme"])
    }

    /// The table is somebody else's, and its column takes no NULL.
    var content: ContentSubject? {
        let program = program
        return ContentSubject(
            object: "scan", field: "image",
            row: { Batch.Row(key: "test:scan:\($0)", fields: Array(#"{"title":"Scan \#($0)"}"#.utf8)) },
            count: { try program.texts("SELECT count(*) FROM scan").first.flatMap { Int($0) } ?? 0 })
    }

    func count() async throws -> Int {
        try program.texts("SELECT count(*) FROM person").first.flatMap { Int($0) } ?? 0
    }

    func createByOthers(_ fields: [String: String]) async throws -> String? {
        let names = fields.keys.sorted()
        let values = names.map { "'" + (fields[$0] ?? "").replacing("'", with: "''") + "'" }
        try program.run(
            "INSERT INTO person (\(names.joined(separator: ","))) VALUES (\(values.joined(separator: ",")))")
        return try program.texts("SELECT max(id) FROM person").first
    }
}
