// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

/// Rejected records go out into a spreadsheet and come back.
@Suite(.serialized) struct `Issue sheets` {
    @Test(
        arguments: [
            nil, .null, .string(""), .string("\\"), .string("\\null"), .string("null"), .string("=1+1"),
            .string("a\nb"),
        ] as [JSONValue?])
    func `a cell gives its value back`(_ value: JSONValue?) {
        let content = IssueSheet.content(IssueSheet.cell(value))
        switch value {
        case nil: #expect(content == .nothing)
        case .null?: #expect(content == .null)
        default: #expect(content == .text(value?.text ?? "?"))
        }
    }

    @Test func `nothing, null and the empty text are three things`() {
        let cells = [nil, .null, .string("")].map { IssueSheet.cell($0) }
        #expect(Set(cells).count == 3)
        #expect(IssueSheet.content("\\other") == nil)
    }

    @Test(.enabled(if: corpus("strings") != nil, "../shared/corpora/strings is not here"))
    func `naughty strings survive the way out and back, and only edited rows are loaded`() async throws {
        let path = try #require(corpus("strings")) + "/blns.json"
        let strings = try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: path)))).elements.compactMap(\.text)
        let lines = strings.enumerated().map { number, text in
            let note = String(decoding: JSONValue.string(text).serialized(), as: UTF8.self)
            return #"{"id":"\#(number)","name":"p\#(number)","note":\#(note),"score":1.0,"stage":"zz"}"#
        }
        try await FileWorld.with(lines) { world in
            #expect(try await world.export() == strings.count)
            let attributes = try FileManager.default.attributesOfItem(atPath: world.sheet)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(try await world.importSheet() == summary(rows: strings.count))

            // Every second one is corrected; a spreadsheet wrote the file anew.
            try world.edit(
                stride(from: 0, to: strings.count, by: 2).map { ($0, "person.Stage", "Alpha") }, delimiter: ";")
            let edited = (strings.count + 1) / 2
            #expect(
                try await world.importSheet()
                    == summary(rows: strings.count, edited: edited, [("person.Stage", edited)]))
            let arrived = try world.arrived()
            #expect(arrived.count == edited)
            for number in stride(from: 0, to: strings.count, by: 2) {
                let record = try #require(arrived["p\(number)"], "p\(number)")
                let note = record["Note"]
                #expect(note.flatMap(\.text) ?? "" == strings[number], "\(number)")
                #expect(record["Score"] == .number("1.0"), "untouched bytes")
                #expect(record["Stage"] == .string("Alpha"))
            }
            #expect(try await world.balance()?[.rejected] == strings.count - edited)
            // What came back counts in the fill rates.
            let counts = try await world.fieldCounts()
            #expect(counts.first { $0.field.isEmpty && $0.measure == FieldCount.mapped }?.count == edited)
            #expect(counts.first { $0.field == "Stage" && $0.measure == "filled" }?.count == edited)
            #expect(try await world.balance()?.isClosed == true)
            // What was loaded is rejected no longer: the same sheet once more is refused, and doubles nothing.
            #expect(try await world.refusal().contains("is rejected no longer"))
            #expect(try world.arrived().count == edited)
        }
    }

    @Test func `cells may become nothing, null, empty or of another type, and a dry import changes nothing`()
        async throws
    {
        let lines = (0..<4).map { #"{"id":"\#($0)","name":"p\#($0)","note":"n","score":\#($0),"stage":"zz"}"# }
        try await FileWorld.with(lines) { world in
            _ = try await world.export()
            try world.edit(
                (0..<4).map { ($0, "person.Stage", "Beta") } + [
                    (0, "person.Note", ""), (1, "person.Note", "\\null"), (2, "person.Note", "\\empty"),
                    (3, "person.Note", "\\\\x"), (0, "person.Score", "12.50"), (1, "person.Score", "high"),
                    (0, "person.Born", "2021-05-01T10:00:00Z"),
                ])
            let dry = try await world.importSheet(isDry: true)
            #expect(dry.edited == 4 && dry.changes.map(\.count) == [4, 2, 1, 4])
            #expect(try world.arrived().isEmpty)
            _ = try await world.importSheet()
            let arrived = try world.arrived()
            #expect(arrived["p0"]?["Note"] == nil && arrived["p1"]?["Note"]?.isNull ?? true)
            #expect(arrived["p2"]?["Note"] == .string("") && arrived["p3"]?["Note"] == .string("\\x"))
            #expect(arrived["p0"]?["Score"] == .number("12.50") && arrived["p1"]?["Score"] == .string("high"))
            #expect(arrived["p2"]?["Score"] == .number("2"))
            #expect(arrived["p0"]?["Born"] == .string("2021-05-01"))
        }
    }

    @Test func `a sheet that is not in order is refused with its lines, and nothing is changed`() async throws {
        let lines = (0..<3).map { #"{"id":"\#($0)","name":"p\#($0)","stage":"zz"}"# }
        try await FileWorld.with(lines) { world in
            _ = try await world.export()
            let rows = try world.rows()
            func column(_ name: String) -> Int { rows[0].firstIndex(of: name) ?? -1 }
            func refusal(_ change: (inout [[String]]) -> Void) async throws -> String {
                var changed = rows
                change(&changed)
                try world.write(changed)
                return try await world.refusal()
            }
            let stage = column("person.Stage")
            let cases: [(String, (inout [[String]]) -> Void)] = [
                (":1: unknown column 'person.Stgae'; did you mean 'person.Stage'?", { $0[0][stage] = "person.Stgae" }),
                (
                    ":1: the column 'row_digest' is missing",
                    { rows in
                        let place = rows[0].firstIndex(of: "row_digest") ?? 0
                        for row in rows.indices { rows[row].remove(at: place) }
                    }
                ),
                (":3: source_id was changed", { $0[2][column("source_id")] = "1e3" }),
                (":3: code was changed", { $0[2][column("code")] = "MZ-LEN-01" }),
                (":3: row_digest is not as it was exported", { $0[2][column("row_digest")] = "1.2E+11" }),
                (":4: person 77 was not exported, or is rejected no longer", { $0[3][column("ordinal")] = "77" }),
                (":2: stream and ordinal are not those of a record", { $0[1][column("stream")] = "deal" }),
                (
                    ":5: the record stands in line 2 already",
                    { rows in
                        rows[1][stage] = "Alpha"
                        rows.append(rows[1])
                    }
                ),
                (":2: person.Born is not of the type date", { $0[1][column("person.Born")] = "tomorrow" }),
                (
                    ":2: person.Name is longer than 40 characters",
                    {
                        $0[1][column("person.Name")] = String(repeating: "x", count: 41)
                    }
                ),
                (":4: person.Stage is required", { $0[3][stage] = "" }),
                (":4: person.Note begins with a backslash", { $0[3][column("person.Note")] = "\\what" }),
                (":2: 3 cells, but", { $0[1] = ["person", "0", "0"] }),
            ]
            for (expected, change) in cases {
                let found = try await refusal(change)
                #expect(found.contains("issues.csv\(expected)"), "\(expected) but \(found)")
                #expect(!found.contains("tomorrow") && !found.contains("xxxx"), "no value in a message")
            }
            try "nonsense\n".write(toFile: world.sheet, atomically: true, encoding: .utf8)
            #expect(try await world.refusal().contains(":1: the first column is not 'stream'"))
            #expect(try world.arrived().isEmpty)
            #expect(try await world.balance()?[.rejected] == 3)

            await #expect(throws: MigratezError.self, "an existing sheet is kept") { try await world.export() }
            #expect(try await world.export(replaces: true) == 3)
        }
    }
}

private func summary(rows: Int, edited: Int = 0, _ changes: [(String, Int)] = []) -> IssueImport.Summary {
    var summary = IssueImport.Summary()
    summary.rows = rows
    summary.edited = edited
    summary.changes = changes.map { (column: $0.0, count: $0.1) }
    return summary
}

extension FileWorld {
    /// The balance of people.
    fileprivate func balance() async throws -> Reconciliation? {
        let entry = try RunRegistry(workplace).find(nil)
        let inspection = try RunInspection(try entry.folder(in: workplace))
        return try await inspection.manifest.read { try $0.reconciliation().first }
    }
}
