// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezChunkLines
import MigratezJSON
import MigratezModel
package import MigratezStaging

/// Writes rejected records into a sheet for people to correct; see `IssueSheet`.
///
/// The only place where values leave the encrypted chunks: into the file that somebody asked for, which only its owner
/// can read.
package struct IssueExport: Sendable {
    private let inspection: RunInspection
    private let run: RunID
    private let rules: [CorrectionRules]

    /// - Parameter setup: what both sides say now, because fields are shown as the mapping makes them now.
    package init(_ connection: PlanConnection, _ setup: RunSetup, of inspection: RunInspection) async throws {
        self.inspection = inspection
        let begun = try await inspection.manifest.read { try $0.run() }
        run = begun.id
        rules = try CorrectionRules.all(
            connection.plan, connection.source, setup, started: begun.createdAt, id: begun.id,
            connection.plan.transform)
    }

    /// Writes the rejected records of a code (nil = all) to a new file.
    ///
    /// - Parameter replaces: whether a file that is there already is replaced.
    /// - Returns: how many records were written. Links that are rejected have no fields to correct and are not among them.
    /// - Throws: `badCorrections` if there is such a file; what was begun is removed after any failure.
    package func write(to path: String, code: String? = nil, replaces: Bool = false) async throws -> Int {
        let files = LocalFileSystem()
        if try files.length(path) != nil {
            guard replaces else {
                throw MigratezError(
                    .badCorrections, "there is a file \(path) already, and there may be corrections in it",
                    remedy: .fixConfiguration, hint: "name another file, or give --force")
            }
            try files.remove(path)
        }
        let file = try files.open(path, .new)
        do {
            return try await write(to: file, code: code)
        } catch {
            try files.remove(path)
            throw error
        }
    }

    private func write(to file: any OpenFile, code: String?) async throws -> Int {
        let streams = Set(try await inspection.manifest.read { try $0.rejectCounts().map(\.stream) })
        let shown = rules.filter { streams.contains($0.stream) }
        var writer = CSVWriter(IssueSheet.dialect())
        let header = IssueSheet.identity + IssueSheet.remarks + [IssueSheet.digest]
        for name in header { writer.field(name) }
        for rules in shown {
            for field in rules.fields { writer.field(IssueSheet.column(field, of: rules.stream)) }
        }
        writer.endRow()
        var offset = 0
        try Self.write(IssueSheet.mark, to: file, &offset)
        var count = 0
        for rules in shown {
            var start = 0
            while true {
                let from = start
                let rejects = try await inspection.manifest.read {
                    try $0.rejects(of: rules.stream, code: code, from: from, limit: 1000)
                }
                guard let last = rejects.last else { break }
                start = last.ordinal + 1
                let lines = try await RejectLines(inspection).read(rejects, of: rules.stream)
                for reject in rejects {
                    guard let line = lines[reject.ordinal] else { continue }
                    try append(reject, line, rules, among: shown, to: &writer)
                    count += 1
                }
                try Self.write(writer.bytes, to: file, &offset)
                writer.removeAll()
            }
        }
        try Self.write(writer.bytes, to: file, &offset)
        try file.sync()
        return count
    }

    private func append(
        _ reject: Reject, _ line: RejectLine.Parsed, _ rules: CorrectionRules, among shown: [CorrectionRules],
        to writer: inout CSVWriter
    ) throws {
        let identity = [
            rules.stream.text, String(reject.ordinal), reject.sourceID ?? "", reject.stage.rawValue, reject.code,
        ]
        let draft = try rules.draft(line)
        let cells = draft?.values.map { IssueSheet.cell($0) } ?? rules.fields.map { _ in "" }
        for cell in identity { writer.field(cell) }
        writer.field(line.reason ?? "")
        writer.field(reject.vendorCode ?? "")
        writer.field(line.vendorText ?? "")
        writer.field(reject.fields.joined(separator: ", "))
        writer.field(IssueSheet.digest(run: run, identity: identity, cells: cells))
        for other in shown {
            if other.stream == rules.stream {
                for cell in cells { writer.field(cell) }
            } else {
                for _ in other.fields { writer.field("") }
            }
        }
        writer.endRow()
    }

    private static func write(_ bytes: [UInt8], to file: any OpenFile, _ offset: inout Int) throws {
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
        offset += bytes.count
    }
}
