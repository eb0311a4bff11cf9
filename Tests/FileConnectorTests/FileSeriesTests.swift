// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezFileConnector
import MigratezJSON
import MigratezModel
import MigratezTestKit
import Testing

/// An object whose records lie in several files.
struct FileSeriesTests {
    private let person = StreamName("person")!

    private func source(
        _ format: FileFormat, _ location: String, in folder: String, _ settings: [String: String] = [:]
    ) throws -> FileSource {
        var texts = ["dir": folder, "objects.person.file": location]
        for (key, value) in settings { texts["objects.person.\(key)"] = value }
        return try FileSource(format, settings: ConnectorSettings(texts: texts))
    }

    private func write(_ files: [String: String], packed: Packing = .plain, in folder: String) throws {
        for (name, text) in files {
            let url = URL(filePath: "\(folder)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(packed.pack(Array(text.utf8))).write(to: url)
        }
    }

    private func read(_ source: FileSource, _ member: String = "id") async throws -> [String] {
        let page = try await source.readPage(of: person, fields: [], after: nil)
        #expect(page.next == nil)
        return try page.records.compactMap { try JSONValue(parsing: Array(page.bytes[$0]))[member]?.text }
    }

    @Test func `a folder or a pattern is read in the order of the names`() async throws {
        try await withTemporaryFolder { folder in
            try write(
                [
                    "in/b-10.csv": "id\n3\n", "in/b-2.csv": "id\n4\n", "in/a.csv": "id\n1\n2", "in/.hidden": "x\n9\n",
                    "in/below/c.csv": "id\n5\n",
                ], in: folder)
            #expect(try await read(source(.csv, "in", in: folder, ["id": "id"])) == ["1", "2", "3", "4"])
            #expect(try await read(source(.csv, "in/", in: folder, ["id": "id"])) == ["1", "2", "3", "4"])
            #expect(try await read(source(.csv, "in/b-*.csv", in: folder, ["id": "id"])) == ["3", "4"])
            #expect(try await read(source(.csv, "in/b-?.csv", in: folder, ["id": "id"])) == ["4"])
            #expect(try await read(source(.csv, "in/*/*.csv", in: folder, ["id": "id"])) == ["5"])
            #expect(try await source(.csv, "in", in: folder, ["id": "id"]).count(of: person) == 4)
        }
    }

    @Test func `a file whose name looks like a pattern is that file`() async throws {
        try await withTemporaryFolder { folder in
            try write(["a[1].csv": "id\n7\n", "a1.csv": "id\n8\n"], in: folder)
            #expect(try await read(source(.csv, "a[1].csv", in: folder, ["id": "id"])) == ["7"])
            #expect(try await read(source(.csv, "a[12].csv", in: folder, ["id": "id"])) == ["8"])
        }
    }

    @Test(arguments: ["nothing", "empty", "no-*.csv"])
    func `no file at all is an error that names the place`(location: String) async throws {
        try await withTemporaryFolder { folder in
            try FileManager.default.createDirectory(atPath: "\(folder)/empty", withIntermediateDirectories: true)
            let source = try source(.csv, location, in: folder)
            let error = await #expect(throws: MigratezError.self) { try await source.count(of: person) }
            #expect(error?.code == .fileNotFound && error?.message.contains(location) == true)
        }
    }

    @Test(arguments: FileFormat.allCases, Packing.allCases)
    func `reading goes on at every cursor, across files, and gives every record once`(
        format: FileFormat, packing: Packing
    ) async throws {
        try await withTemporaryFolder { folder in
            let filler = String(repeating: "z", count: 500)
            var number = 0
            // Some end within a page, one is longer than a page, some hold nothing.
            for (file, count) in [10, 4_000, 0, 2_500, 1, 0].enumerated() {
                var text = format == .csv ? "id,text\n" : ""
                for _ in 0..<count {
                    number += 1
                    text += format == .csv ? "\(number),\(filler)\n" : "{\"id\":\"\(number)\",\"text\":\"\(filler)\"}\n"
                }
                try write(["in/part-\(file)": text], packed: packing, in: folder)
            }
            for settings in [["id": "id"], [:]] {
                let member = settings.isEmpty ? "_row" : "id"
                for isNew in [true, false] {
                    var reader = try source(format, "in", in: folder, settings)
                    var found: [String] = []
                    var cursor: Cursor?
                    repeat {
                        if isNew { reader = try source(format, "in", in: folder, settings) }
                        let page = try await reader.readPage(of: person, fields: [], after: cursor)
                        #expect(page.malformed.isEmpty)
                        found += try page.records.compactMap {
                            try JSONValue(parsing: Array(page.bytes[$0]))[member]?.text
                        }
                        cursor = page.next
                    } while cursor != nil
                    // Without an id the rows are numbered through all files.
                    #expect(found == (1...number).map(String.init))
                }
            }
        }
    }

    @Test func `a bad row is told with its file`() async throws {
        try await withTemporaryFolder { folder in
            try write(["in/a.csv": "id,b\n1,2\n", "in/b.csv": "id,b\n3\n"], in: folder)
            let page = try await source(.csv, "in", in: folder, ["id": "id"])
                .readPage(of: person, fields: [], after: nil)
            #expect(page.malformed.map(\.locator) == ["b.csv, line 2"])
        }
    }

    @Test func `files with other columns are refused, and the column is named`() async throws {
        try await withTemporaryFolder { folder in
            try write(["in/a.csv": "id,email\n", "in/b.csv": "email,id\n", "in/c.csv": "id,Email\n"], in: folder)
            #expect(
                try await source(.csv, "in/[ab].csv", in: folder).discover([person])[0].fields.map(\.name)
                    == ["id", "email"])
            let error = await #expect(throws: MigratezError.self) {
                try await source(.csv, "in", in: folder).discover([person])
            }
            #expect(error?.code == .invalidSetting && error?.message.contains("c.csv") == true)
            #expect(error?.message.contains("'Email'") == true)
        }
    }

    /// What is done to the files between two pages, and what the error says.
    enum Change: String, CaseIterable, Sendable {
        case added, removed, longer, renamed, current

        var message: String {
            switch self {
            case .added, .removed: "when it was first read"
            case .longer, .renamed: "another name or length"
            case .current: "has changed since it was read up to line"
            }
        }
    }

    @Test(arguments: Change.allCases)
    func `files that changed between two pages are not gone on with`(change: Change) async throws {
        try await withTemporaryFolder { folder in
            let rows = (1...6_000).map { "\($0)\n" }.joined()
            try write(["in/a": "id\n" + rows, "in/b": "id\n1\n", "in/c": "id\n2\n"], in: folder)
            let source = try source(.csv, "in", in: folder, ["id": "id"])
            let cursor = try #require(await source.readPage(of: person, fields: [], after: nil).next)
            let manager = FileManager.default
            switch change {
            case .added: try write(["in/d": "id\n3\n"], in: folder)
            case .removed: try manager.removeItem(atPath: "\(folder)/in/c")
            case .longer: try write(["in/b": "id\n1\n4\n"], in: folder)
            case .renamed: try manager.moveItem(atPath: "\(folder)/in/c", toPath: "\(folder)/in/cc")
            case .current: try write(["in/a": "id\n0\n" + rows], in: folder)
            }
            let error = await #expect(throws: MigratezError.self) {
                try await source.readPage(of: person, fields: [], after: cursor)
            }
            #expect(error?.code == .invalidSetting && error?.message.contains(change.message) == true)
        }
    }
}
