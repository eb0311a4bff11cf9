// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezCrypto
import MigratezFileConnector
import MigratezJSON
import MigratezModel
import MigratezTestKit
import Testing

/// Both sides of both kinds of files, by the suite that every connector passes.
struct `Files conform` {
    @Test(arguments: SourceConformance.allCases, FileFormat.allCases)
    func `as a source`(check: SourceConformance, format: FileFormat) async throws {
        try await FileSubject.run(format) { try await check.check($0) }
    }

    @Test(arguments: DestinationConformance.allCases, FileFormat.allCases)
    func `as a destination`(check: DestinationConformance, format: FileFormat) async throws {
        try await FileSubject.run(format) { try await check.check($0) }
    }
}

private struct FileSubject: SourceSubject, DestinationSubject {
    let format: FileFormat
    let folder: String

    private static let firm = StreamName("firm").unsafelyUnwrapped
    private static let person = StreamName("person").unsafelyUnwrapped
    private static let firms = 6_000

    /// 6,000 firms, which are two pages, in a file that somebody else wrote.
    static func run(_ format: FileFormat, _ body: (FileSubject) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let subject = FileSubject(format: format, folder: folder)
            try subject.text.write(toFile: "\(folder)/firms.\(format.rawValue)", atomically: true, encoding: .utf8)
            try subject.writeDocuments()
            try await body(subject)
        }
    }

    private static func name(_ number: Int) -> String { "Äcme, \"\(number)\"\n👩‍👩‍👧" }

    private var text: String {
        switch format {
        case .csv:
            return "id,name,parent\r\n"
                + (1...Self.firms).map { number in
                    "\(number),\"\(Self.name(number).replacing("\"", with: "\"\""))\",\(number < 10 ? "" : String(number / 10))\r\n"
                }.joined()
        case .ndjson:
            return (1...Self.firms).map { number in
                let parent: JSONValue = number < 10 ? .null : .string(String(number / 10))
                let record: JSONValue = [
                    "id": .string(String(number)), "name": .string(Self.name(number)), "parent": parent,
                ]
                return String(decoding: record.serialized(), as: UTF8.self) + "\n"
            }.joined()
        }
    }

    private static let document = StreamName("document").unsafelyUnwrapped
    /// Empty, small, and of more than one piece; another one is named and is not there.
    private static let documents = [[], [7], [UInt8](repeating: 1, count: 300_000)] as [[UInt8]]

    private func writeDocuments() throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/b in", withIntermediateDirectories: true)
        for (number, bytes) in Self.documents.enumerated() {
            try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/b in/é \(number)"))
        }
        let rows = (0...Self.documents.count).map { number in
            switch format {
            case .csv: "\(number),b in/é \(number)\r\n"
            case .ndjson: #"{"id":"\#(number)","path":"b in\/é \#(number)"}"# + "\n"
            }
        }
        try ((format == .csv ? "id,path\r\n" : "") + rows.joined())
            .write(toFile: "\(folder)/documents.\(format.rawValue)", atomically: true, encoding: .utf8)
    }

    // MARK: As a source

    func makeSource() throws -> any Source {
        try FileSource(
            format,
            settings: ConnectorSettings(texts: [
                "objects.firm.file": "\(folder)/firms.\(format.rawValue)", "objects.firm.id": "id",
                "objects.firm.links.firm.\(format == .csv ? "column" : "member")": "parent",
                "objects.document.file": "\(folder)/documents.\(format.rawValue)", "objects.document.id": "id",
                "objects.document.content": "path",
            ]))
    }

    var sourceCapabilities: SourceCapabilities { FileSource.capabilities }

    var streams: [ExpectedStream] {
        var records: [String: [String: String?]] = [:]
        for number in 1...Self.firms { records[String(number)] = ["name": Self.name(number)] }
        return [ExpectedStream(Self.firm, records: records)]
    }

    var links: [ExpectedLinks] {
        let edges = (10...Self.firms).map { Edge(from: String($0), to: String($0 / 10)) }
        return [ExpectedLinks(from: Self.firm, to: Self.firm, edges: Set(edges))]
    }

    var contents: [ExpectedContents] {
        let digests = Self.documents.enumerated().map { (String($0), SHA256.digest(of: $1)) }
        return [
            ExpectedContents(
                Self.document, digests: Dictionary(uniqueKeysWithValues: digests),
                unavailable: [String(Self.documents.count)])
        ]
    }

    /// A source of files has the links that its settings name, and no others.
    var unlinked: (from: StreamName, to: StreamName)? { (Self.firm, Self.person) }
    let peopleCount = 0

    /// Whoever exports anew writes the whole file.
    var editor: AccountEditor? {
        let (format, path) = (format, "\(folder)/firms.\(format.rawValue)")
        @Sendable func edit(_ change: (inout [String]) -> Void) throws {
            // A line of the CSV has line ends within its values, so rows are told by their ends.
            let end = format == .csv ? "\r\n" : "\n"
            var rows = try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: end)
            change(&rows)
            try rows.joined(separator: end).write(toFile: path, atomically: true, encoding: .utf8)
        }
        @Sendable func row(_ id: String, _ name: String) -> String {
            format == .csv ? "\(id),\(name)," : #"{"id":"\#(id)","name":"\#(name)","parent":null}"#
        }
        @Sendable func place(_ id: String, in rows: [String]) -> Int? { rows.firstIndex(of: row(id, "Edited")) }
        return AccountEditor(
            Self.firm,
            create: { number in
                let id = String(Self.firms + number)
                try edit { $0.insert(row(id, "Edited"), at: $0.endIndex - 1) }
                return id
            },
            change: { id in try edit { rows in if let place = place(id, in: rows) { rows[place] = row(id, "Changed") } }
            },
            delete: { id in try edit { rows in if let place = place(id, in: rows) { rows.remove(at: place) } } })
    }

    // MARK: As a destination

    func makeDestination() throws -> any Destination {
        try FileDestination(format, settings: ConnectorSettings(texts: ["dir": folder]))
    }

    var destinationCapabilities: DestinationCapabilities { FileDestination.capabilities }
    let object = "person"

    func fields(_ number: Int, version: Int) -> [String: String] {
        [
            "email": "c\(number)@conformance.test", "lastname": "Ünïcode, \"\(number)\"\n👩‍👩‍👧",
            "jobtitle": "Title; \(version)",
        ]
    }

    /// A file takes anything, and nobody else may write into it.
    var refused: (fields: [String: String], code: ErrorCode)? { nil }
    func createByOthers(_ fields: [String: String]) async throws -> String? { nil }

    var link: LinkSubject? {
        LinkSubject(
            object: "person_to_firm", fromField: "from", toField: "to", toObject: "firm", toFields: ["name": "Acme"])
    }

    var content: ContentSubject? {
        ContentSubject(
            object: "document", field: "file",
            row: { .init(key: "conformance-record-\($0)", fields: Array(#"{"title":"T"}"#.utf8)) },
            count: { count(of: "document") })
    }

    func count() async throws -> Int { count(of: object) }

    /// The keys in the file, or in what will become of it.
    private func count(of object: String) -> Int {
        for path in ["\(folder)/\(object).\(format.rawValue).partial", "\(folder)/\(object).\(format.rawValue)"] {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { continue }
            let keys = text.matches(of: /conformance-record-\d+/).map { String($0.0) }
            return Set(keys).count
        }
        return 0
    }
}
