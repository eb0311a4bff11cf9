// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezFileConnector
import MigratezJSON
import MigratezModel
import MigratezTestKit
import Testing

/// What folders and files say of themselves, and single records by their ids.
struct FileAccountTests {
    private let person = StreamName("person")!

    private func source(_ text: String, in folder: String) throws -> FileSource {
        try Data(text.utf8).write(to: URL(filePath: "\(folder)/people.csv"))
        return try FileSource(
            .csv,
            settings: ConnectorSettings(texts: [
                "dir": folder, "objects.person.file": "people.csv", "objects.person.id": "id",
            ]))
    }

    @Test func `a file is counted, and one that is not there is an error`() async throws {
        try await withTemporaryFolder { folder in
            let source = try source("id,name\n1,A\n2,B\n", in: folder)
            let report = try await source.account(for: [person])
            #expect(report.account == folder)
            #expect(report.facts == [.init("\(folder)/people.csv", "2 records")])
            try FileManager.default.removeItem(atPath: "\(folder)/people.csv")
            let error = await #expect(throws: MigratezError.self) { try await source.account(for: [person]) }
            #expect(error?.code == .fileNotFound)
        }
    }

    @Test func `records are found by id wherever they stand in the file`() async throws {
        try await withTemporaryFolder { folder in
            let rows = (0..<12_000).map { "\($0),Name \($0)\n" }.joined()
            let source = try source("id,name\n" + rows, in: folder)
            let page = try await source.readRecords(of: person, ids: ["11999", "0", "none", "6000"], fields: [])
            let read = try page.records.map { try JSONValue(parsing: Array(page.bytes[$0])) }
            #expect(read.compactMap { $0["id"]?.text } == ["0", "6000", "11999"])
            #expect(page.next == nil)
        }
    }

    @Test func `a folder that cannot be written to is a missing right`() async throws {
        try await withTemporaryFolder { folder in
            let settings = ConnectorSettings(texts: ["dir": "\(folder)/a/b"])
            #expect(try await FileDestination(.csv, settings: settings).account(for: ["x"]).missingRights.isEmpty)
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/a"), "asking makes no folder")
            // A file stands where a folder would have to be.
            try Data().write(to: URL(filePath: "\(folder)/a"))
            #expect(try await FileDestination(.csv, settings: settings).account(for: ["x"]).missingRights.count == 1)
        }
    }
}
