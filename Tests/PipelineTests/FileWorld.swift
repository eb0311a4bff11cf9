// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezCSV
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import MigratezTransport

/// People in an NDJSON file who go to another one; all with a stage that nobody mapped are rejected.
struct FileWorld: Sendable {
    let folder: String
    let workplace: Workplace

    var sheet: String { "\(folder)/issues.csv" }

    private static let pipeline = """
        migratez: 1
        name: people
        source: { connector: ndjson, objects: { person: { file: people.ndjson, id: id } } }
        target: { connector: ndjson, dir: ./out }
        values: { stage: { map: { a: Alpha }, otherwise: quarantine } }
        objects:
          person:
            to: people
            fields:
              Name: { from: name, max: 40 }
              Note: note
              Score: score
              Born: { from: born, type: date }
              Stage: { from: stage, values: stage, required: true }
        """

    /// Runs the pipeline over people with these lines, then `body`.
    static func with<R: Sendable>(_ lines: [String], _ body: (FileWorld) async throws -> R) async throws -> R {
        try await withTemporaryFolder { folder in
            try (lines.joined(separator: "\n") + "\n")
                .write(toFile: "\(folder)/people.ndjson", atomically: true, encoding: .utf8)
            try pipeline.write(toFile: "\(folder)/pipeline.yaml", atomically: true, encoding: .utf8)
            let workplace = try Workplace(
                environment: [:], clock: HurriedClock(), http: try CurlClient(TransportConfiguration()),
                stateFolder: "\(folder)/state")
            let world = FileWorld(folder: folder, workplace: workplace)
            let (connection, setup) = try await world.connect()
            let run = try await Run.begin(connection, in: workplace) { _ in }
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            try await run.close()
            return try await body(world)
        }
    }

    func connect() async throws -> (PlanConnection, RunSetup) {
        let connection = try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
        let setup = try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
        return (connection, setup)
    }

    /// Exports the rejected records; how many.
    func export(replaces: Bool = false) async throws -> Int {
        let (connection, setup) = try await connect()
        let inspection = try await workplace.inspectWithKey(nil)
        return try await IssueExport(connection, setup, of: inspection).write(to: sheet, replaces: replaces)
    }

    /// Imports the sheet and loads what was edited.
    func importSheet(isDry: Bool = false) async throws -> IssueImport.Summary {
        let (connection, setup) = try await connect()
        let entry = try RunRegistry(workplace).find(nil)
        let run = try await Run.reopen(entry, connection, in: workplace) { _ in }
        do {
            let summary = try await IssueImport(run, setup, file: sheet).prepare(isDry: isDry)
            if !isDry, summary.edited > 0 {
                try await RunExecution(run, setup, progress: SilentProgress()).execute([.load])
            }
            try await run.close()
            return summary
        } catch {
            try await run.close()
            throw error
        }
    }

    /// What was counted of the fields of the records that were mapped.
    func fieldCounts() async throws -> [FieldCount] {
        let inspection = try RunInspection(try RunRegistry(workplace).find(nil).folder(in: workplace))
        let person = StreamName("person").unsafelyUnwrapped
        return try await inspection.manifest.read { try $0.fieldCounts(of: person) }
    }

    /// What is wrong with the sheet, according to the import; empty if nothing.
    func refusal() async throws -> String {
        do {
            _ = try await importSheet()
            return ""
        } catch let error as MigratezError where error.code == .badCorrections {
            return error.message.replacing(folder, with: "")
        }
    }

    /// The rows of the sheet, header first, as a spreadsheet shows them.
    func rows() throws -> [[String]] {
        try Self.rows(Array(Data(contentsOf: URL(filePath: sheet))))
    }

    /// The rows of a CSV file.
    static func rows(_ bytes: [UInt8]) throws -> [[String]] {
        var reader = CSVReader(CSVDialect(guardsFormulas: true))
        var row = CSVRow()
        var rows: [[String]] = []
        reader.feed(bytes)
        while reader.next(&row) { rows.append(row.texts) }
        reader.finish()
        while reader.next(&row) { rows.append(row.texts) }
        return rows
    }

    /// Writes the sheet anew, as a spreadsheet might: with another delimiter and line end, and no byte order mark.
    func write(_ rows: [[String]], delimiter: String = ",") throws {
        var writer = CSVWriter(
            CSVDialect(delimiter: Array(delimiter.utf8)[0], guardsFormulas: true), lineEnding: .lf)
        for row in rows {
            for cell in row { writer.field(cell) }
            writer.endRow()
        }
        try Data(writer.bytes).write(to: URL(filePath: sheet))
    }

    /// Changes cells: the row's number (0 = the first record), the column's name, the new text.
    func edit(_ edits: [(row: Int, column: String, text: String)], delimiter: String = ",") throws {
        var rows = try rows()
        for edit in edits {
            guard let place = rows[0].firstIndex(of: edit.column) else { preconditionFailure("no \(edit.column)") }
            rows[edit.row + 1][place] = edit.text
        }
        try write(rows, delimiter: delimiter)
    }

    /// What arrived, by id.
    func arrived() throws -> [String: JSONValue] {
        let path = "\(folder)/out/people.ndjson"
        guard let bytes = FileManager.default.contents(atPath: path) else { return [:] }
        let values = try Array(bytes).split(separator: 0x0A).map { try JSONValue(parsing: Array($0)) }
        return Dictionary(values.map { ($0["Name"]?.text ?? "", $0) }) { _, _ in .string("twice") }
    }
}
