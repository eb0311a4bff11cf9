// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezFileConnector
import MigratezJSON
import MigratezModel
import MigratezTestKit
import Testing

struct FileDestinationTests {
    private func destination(
        _ format: FileFormat, in folder: String, _ settings: [String: String] = [:], keysInMemory: Int = 1 << 17
    ) throws -> FileDestination {
        try FileDestination(
            format, settings: ConnectorSettings(texts: settings.merging(["dir": "\(folder)/out"]) { $1 }),
            keysInMemory: keysInMemory)
    }

    private func row(_ number: Int, _ name: String = "x", references: [Batch.Reference] = []) -> Batch.Row {
        let fields = JSONValue.object([.init("Name", .string(name)), .init("Number", .number("\(number).0"))])
        return Batch.Row(key: "csv-person-\(number)", fields: fields.serialized(), references: references)
    }

    private func write(_ destination: FileDestination, _ rows: [Batch.Row]) async throws -> [Receipt] {
        let route = destination.route(for: "Person", expectedRows: rows.count)
        return try await destination.write(Batch(object: "Person", rows: rows), by: route, intent: KeptIntent())
    }

    private func resolve(_ destination: FileDestination, _ rows: [Batch.Row]) async throws -> [String] {
        let route = destination.route(for: "Person", expectedRows: rows.count)
        return try await destination.resolve(Batch(object: "Person", rows: rows), by: route, note: nil).map(\.key)
    }

    private func bytes(_ folder: String, _ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(folder)/out/\(name)")))
    }

    @Test func `records lie in one file an object, which is complete only after the end`() async throws {
        try await withTemporaryFolder { folder in
            let destination = try destination(.ndjson, in: folder)
            let parent = Batch.Reference(
                field: "AccountId", object: "Account", key: "csv-firm-1", targetID: "csv-firm-1")
            let receipts = try await write(destination, [row(1), row(2, references: [parent])])
            #expect(receipts.map(\.result) == [.created(id: "csv-person-1"), .created(id: "csv-person-2")])
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/out") == ["Person.ndjson.partial"])
            try await destination.finish()
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/out") == ["Person.ndjson"])
            #expect(
                String(decoding: try bytes(folder, "Person.ndjson"), as: UTF8.self) == """
                    {"migratez_id":"csv-person-1","Name":"x","Number":1.0}
                    {"migratez_id":"csv-person-2","Name":"x","Number":2.0,"AccountId":"csv-firm-1"}

                    """)
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/out/Person.ndjson")
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test(arguments: FileFormat.allCases)
    func `a row with an id changes the fields that it names, and no others`(_ format: FileFormat) async throws {
        try await withTemporaryFolder { folder in
            let first = try destination(format, in: folder)
            _ = try await write(first, [row(1), row(2)])
            try await first.finish()
            let second = try destination(format, in: folder)
            let parent = Batch.Reference(field: "BossId", object: "Person", key: "", targetID: "csv-person-2")
            var changes = [Batch.Row(key: "csv-person-1", fields: Array("{}".utf8), references: [parent])]
            changes[0].targetID = "csv-person-1"
            changes.append(Batch.Row(key: "gone", fields: Array(#"{"Name":"y"}"#.utf8), targetID: "csv-person-9"))
            let receipts = try await write(second, changes)
            #expect(receipts[0].result == .updated(id: "csv-person-1"))
            #expect(receipts[1].result == .rejected(Rejection(.recordDeleted)))
            #expect(try await resolve(second, changes) == [], "that it is there says nothing")
            try await second.finish()
            let held = try await second.read(
                object: "Person", ids: ["csv-person-1", "csv-person-2"], fields: ["Name", "Number", "BossId"])
            let texts = held.map { record in
                let values = record.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
                return ["Name", "Number", "BossId"].map { values[$0]?.text ?? "" }
            }
            #expect(texts == [["x", "1.0", "csv-person-2"], ["x", "2.0", ""]])
            #expect(try await second.count(object: "Person", keyPrefix: "csv-person-") == 2)
        }
    }

    @Test(arguments: FileFormat.allCases)
    func `what another process wrote is completed by the one that ends the run`(_ format: FileFormat) async throws {
        try await withTemporaryFolder { folder in
            _ = try await write(destination(format, in: folder), [row(1)])
            let second = try destination(format, in: folder)
            _ = try await second.discover(["Person", "Firm"])
            try await second.finish()
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: "\(folder)/out") == ["Person.\(format.rawValue)"])
        }
    }

    @Test(arguments: FileFormat.allCases)
    func `a file of somebody else is refused, and nothing of ours stays beside it`(_ format: FileFormat) async throws {
        try await withTemporaryFolder { folder in
            let name = "Person.\(format.rawValue)"
            try FileManager.default.createDirectory(atPath: "\(folder)/out", withIntermediateDirectories: true)
            try "id,name\n1,Ada\n".write(toFile: "\(folder)/out/\(name)", atomically: true, encoding: .utf8)
            let destination = try destination(format, in: folder)
            let error = await #expect(throws: MigratezError.self) { try await write(destination, [row(1)]) }
            #expect(error?.code == .invalidSetting && error?.message.contains("not written by Migratez") == true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/out") == [name])
            #expect(String(decoding: try bytes(folder, name), as: UTF8.self) == "id,name\n1,Ada\n")
        }
    }

    @Test func `a CSV file has the columns of all records, and formulas are defused`() async throws {
        try await withTemporaryFolder { folder in
            let destination = try destination(.csv, in: folder)
            let other = Batch.Row(
                key: "k", fields: Array(#"{"Flag":true,"Nothing":null,"List":[1,"a"],"Name":"=1+1, \"x\""}"#.utf8))
            _ = try await write(destination, [row(1), other])
            try await destination.finish()
            #expect(
                String(decoding: try bytes(folder, "Person.csv"), as: UTF8.self)
                    == "migratez_id,Name,Number,Flag,Nothing,List\r\ncsv-person-1,x,1.0,,,\r\n"
                    + "k,\"'=1+1, \"\"x\"\"\",,true,,\"[1,\"\"a\"\"]\"\r\n")
        }
    }

    @Test(arguments: FileFormat.allCases)
    func `a record that is written again replaces the one before`(format: FileFormat) async throws {
        try await withTemporaryFolder { folder in
            for round in 0..<3 {
                // The second round goes on with what the first one completed.
                let destination = try destination(format, in: folder)
                let receipts = try await write(destination, [row(1, "old"), row(2), row(3)])
                #expect(receipts.allSatisfy { $0.result == (round == 0 ? .created(id: $0.key) : .updated(id: $0.key)) })
                #expect(
                    try await write(destination, [row(1, "new \(round)")])[0].result == .updated(id: "csv-person-1"))
                let found = try await destination.read(
                    object: "Person", ids: ["csv-person-1", "none"], fields: ["Name"])
                #expect(found.map { String(decoding: $0.fields, as: UTF8.self) } == ["{\"Name\":\"new \(round)\"}"])
                #expect(try await destination.count(object: "Person", keyPrefix: "csv-person-") == 3)
                #expect(try await destination.count(object: "Person", keyPrefix: "other-") == 0)
                try await destination.finish()
                try await destination.finish()
                let lines = try bytes(folder, "Person.\(format.rawValue)").split(separator: UInt8(ascii: "\n"))
                #expect(lines.count == (format == .csv ? 4 : 3))
                #expect(lines.filter { $0.contains(subsequence: Array("new \(round)".utf8)) }.count == 1)
            }
        }
    }

    /// Keys by the thousand with memory for 16: they are looked for in many runs, of which some were joined.
    @Test func `keys beyond memory are known, and the last record of each one counts`() async throws {
        try await withTemporaryFolder { folder in
            var generator = SeededGenerator(seed: 11)
            var names: [Int: String] = [:]
            for session in 0..<3 {
                let destination = try destination(.ndjson, in: folder, keysInMemory: 16)
                for batch in 0..<20 {
                    let numbers = (0..<40).map { _ in Int.random(in: 0..<2000, using: &generator) }
                    let name = "\(session) \(batch)"
                    for (number, receipt) in zip(numbers, try await write(destination, numbers.map { row($0, name) })) {
                        let id = "csv-person-\(number)"
                        #expect(receipt.result == (names[number] == nil ? .created(id: id) : .updated(id: id)))
                        names[number] = name
                    }
                    // Another object takes its turn.
                    if batch == 10 {
                        let other = Batch(object: "Other", rows: [row(batch)])
                        _ = try await destination.write(
                            other, by: destination.route(for: "Other", expectedRows: 1), intent: KeptIntent())
                    }
                }
                try await destination.finish()
                #expect(
                    Set(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/out"))
                        == ["Person.ndjson", "Other.ndjson"])
            }
            let read = try await destination(.ndjson, in: folder)
                .read(object: "Person", ids: names.keys.map { "csv-person-\($0)" }, fields: ["Name"])
            #expect(read.count == names.count && names.count > 1000)
            for record in read {
                let number = try #require(Int(record.id.dropFirst("csv-person-".count)))
                #expect(try JSONValue(parsing: record.fields)["Name"]?.text == names[number])
            }
            let lines = try bytes(folder, "Person.ndjson").count { $0 == UInt8(ascii: "\n") }
            #expect(lines == names.count)
        }
    }

    @Test(arguments: FileFormat.allCases)
    func `wherever a crash cuts the file, no half record counts as written`(format: FileFormat) async throws {
        try await withTemporaryFolder { folder in
            let first = [row(1, "é\n"), row(2)]
            let second = [row(3), row(4, "😀"), row(5)]
            let name = "Person.\(format.rawValue).partial"
            let complete = try destination(format, in: folder)
            _ = try await write(complete, first)
            let confirmed = try bytes(folder, name).count
            _ = try await write(complete, second)
            let whole = try bytes(folder, name)
            for length in confirmed...whole.count {
                // What was not flushed may also come back as zeros.
                for tail in [[], [UInt8](repeating: 0, count: min(9, whole.count - length))] {
                    try Data(whole[..<length] + tail).write(to: URL(filePath: "\(folder)/out/\(name)"))
                    let reopened = try destination(format, in: folder)
                    let there = try await resolve(reopened, first + second)
                    let lines = whole[..<length].count { $0 == UInt8(ascii: "\n") }
                    #expect(there == (first + second).prefix(lines).map(\.key))
                    let missing = (first + second).filter { !there.contains($0.key) }
                    #expect(try await write(reopened, missing).allSatisfy { $0.result == .created(id: $0.key) })
                    #expect(try bytes(folder, name) == whole)
                }
            }
        }
    }

    @Test(arguments: FileFormat.allCases, [true, false])
    func `records are deleted by their key, and a file without records goes`(
        format: FileFormat, isComplete: Bool
    ) async throws {
        try await withTemporaryFolder { folder in
            let destination = try destination(format, in: folder)
            _ = try await write(destination, [row(1, "old"), row(2, "=2"), row(3)])
            _ = try await write(destination, [row(1, "new")])
            if isComplete { try await destination.finish() }
            let deletions = try await destination.delete(object: "Person", ids: ["csv-person-3", "no", "csv-person-2"])
            #expect(deletions.map(\.result) == [.deleted, .absent, .deleted])
            #expect(deletions.map(\.id) == ["csv-person-3", "no", "csv-person-2"])
            #expect(try await destination.count(object: "Person", keyPrefix: "csv-") == 1)
            let left = try await destination.read(object: "Person", ids: ["csv-person-1"], fields: ["Name"])
            #expect(left.map { String(decoding: $0.fields, as: UTF8.self) } == [#"{"Name":"new"}"#])
            // Writing goes on in the file that took the old one's place.
            #expect(try await write(destination, [row(2)])[0].result == .created(id: "csv-person-2"))
            try await destination.finish()
            #expect(try await destination.count(object: "Person", keyPrefix: "csv-") == 2)
            _ = try await destination.delete(object: "Person", ids: ["csv-person-1", "csv-person-2"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/out").isEmpty)
            #expect(try await destination.delete(object: "Person", ids: ["csv-person-1"])[0].result == .absent)
        }
    }

    @Test func `a file that somebody else wrote is left alone`() async throws {
        for (format, text) in [(FileFormat.csv, "id,name\n1,x\n"), (.ndjson, "{\"id\":1}\n"), (.csv, "")] {
            try await withTemporaryFolder { folder in
                try FileManager.default.createDirectory(atPath: "\(folder)/out", withIntermediateDirectories: true)
                let path = "\(folder)/out/Person.\(format.rawValue)"
                try Data(text.utf8).write(to: URL(filePath: path))
                let destination = try destination(format, in: folder)
                await #expect(throws: MigratezError.self) { try await write(destination, [row(1)]) }
                await #expect(throws: MigratezError.self) { try await destination.delete(object: "Person", ids: ["1"]) }
                #expect(!FileManager.default.fileExists(atPath: path + ".new"))
                #expect(try Data(contentsOf: URL(filePath: path)) == Data(text.utf8))
            }
        }
    }

    @Test func `a name that would leave the folder is refused`() async throws {
        try await withTemporaryFolder { folder in
            let destination = try destination(.csv, in: folder)
            for name in ["../x", "a/b", "", ".", "ä"] {
                await #expect(throws: MigratezError.self) { try await destination.count(object: name, keyPrefix: "") }
            }
        }
    }

    @Test(
        .enabled(if: corpus("strings") != nil, "../shared/corpora/strings is not here"), arguments: FileFormat.allCases)
    func `naughty strings come back as they were, through the file and through this source`(
        format: FileFormat
    ) async throws {
        let path = try #require(corpus("strings")) + "/blns.json"
        let strings = try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: path)))).elements.compactMap(\.text)
        try await withTemporaryFolder { folder in
            let destination = try destination(format, in: folder)
            let rows = strings.enumerated().map { row($0, $1) }
            _ = try await write(destination, rows)
            let ids = rows.map(\.key)
            let before = try await destination.read(object: "Person", ids: ids, fields: ["Name"])
            try await destination.finish()
            let after = try await destination.read(object: "Person", ids: ids, fields: ["Name"])
            #expect(after.map(\.fields) == before.map(\.fields))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: "\(folder)/out") == ["Person.\(format.rawValue)"])
            try await destination.finish()

            let settings = [
                "objects.person.file": "\(folder)/out/Person.\(format.rawValue)", "objects.person.id": "migratez_id",
                "objects.person.guarded": "true", "objects.person.empty": "text",
            ]
            let source = try FileSource(format, settings: ConnectorSettings(texts: settings))
            let page = try await source.readPage(of: StreamName("person")!, fields: [], after: nil)
            #expect(page.malformed.isEmpty)
            let read = try page.records.map { try JSONValue(parsing: Array(page.bytes[$0]))["Name"]?.text ?? "" }
            #expect(read.map { Array($0.utf8) } == strings.map { Array($0.utf8) })
        }
    }
}

extension Collection where Element: Equatable {
    fileprivate func contains(subsequence: [Element]) -> Bool {
        indices.contains { self[$0...].starts(with: subsequence) }
    }
}
