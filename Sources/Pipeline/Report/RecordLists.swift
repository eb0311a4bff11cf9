// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezModel
import MigratezStaging

/// The lists of single records that go with a report: ids and codes, no values. Read and written piece by piece.
struct RecordLists: Sendable {
    private let manifest: Manifest
    private static let rowsAtOnce = 5000

    init(_ manifest: Manifest) { self.manifest = manifest }

    /// `id-map.csv`, one line a record: stream, source id, outcome, code, destination id, and for merged ones whose record
    /// it became.
    func writeIDMap(of streams: [StreamName], to file: ReportFile) async throws {
        try file.append(Self.line(["object", "source_id", "outcome", "code", "target_id", "merged_into"]))
        for stream in streams {
            var start = 0
            while true {
                let from = start
                let rows = try await manifest.read { try $0.outcomes(of: stream, from: from, limit: Self.rowsAtOnce) }
                guard let last = rows.last else { break }
                start = last.ordinal + 1
                let survivors = try await outcomes(of: stream, rows.compactMap(\.survivor))
                var bytes: [UInt8] = []
                for row in rows {
                    let survivor = row.survivor.flatMap { survivors[$0] }
                    bytes += Self.line([
                        stream.text, row.sourceID ?? "", row.outcome.name, row.code ?? "",
                        row.targetID ?? survivor?.targetID ?? "", survivor?.sourceID ?? "",
                    ])
                }
                try file.append(bytes)
            }
        }
    }

    /// `tags.csv`, one line for each record that carries a tag.
    func writeTags(_ tags: [TagCount], to file: ReportFile) async throws {
        try file.append(Self.line(["tag", "object", "source_id", "outcome", "target_id"]))
        for tag in tags {
            var start = 0
            while true {
                let from = start
                let ordinals = try await manifest.read {
                    try $0.ordinals(of: tag.stream, tag: tag.tag, from: from, limit: Self.rowsAtOnce)
                }
                guard let last = ordinals.last else { break }
                start = last + 1
                let outcomes = try await outcomes(of: tag.stream, ordinals)
                var bytes: [UInt8] = []
                for ordinal in ordinals {
                    let row = outcomes[ordinal]
                    bytes += Self.line([
                        tag.tag, tag.stream.text, row?.sourceID ?? "", row?.outcome.name ?? "", row?.targetID ?? "",
                    ])
                }
                try file.append(bytes)
            }
        }
    }

    private func outcomes(of stream: StreamName, _ ordinals: [Int]) async throws -> [Int: RecordOutcome] {
        let sorted = Set(ordinals).sorted()
        let rows = try await manifest.read { try $0.outcomes(of: stream, ordinals: sorted) }
        return Dictionary(rows.map { ($0.ordinal, $0) }) { first, _ in first }
    }

    /// Ids that a spreadsheet would take for a formula are guarded.
    private static func line(_ cells: [String]) -> [UInt8] {
        var writer = CSVWriter(CSVDialect(guardsFormulas: true), lineEnding: .lf)
        for cell in cells { writer.field(cell) }
        writer.endRow()
        return writer.bytes
    }
}

/// A file of a report: for its owner only, in the place of one from before.
final class ReportFile: Sendable {
    private let file: any OpenFile
    private let path: String

    init(_ path: String) throws {
        let files = LocalFileSystem()
        try files.remove(path)
        file = try files.open(path, .new)
        self.path = path
    }

    func append(_ bytes: [UInt8]) throws {
        let end = try file.length()
        try bytes.withUnsafeBytes { try file.write($0, at: end) }
    }

    func finish() throws { try file.sync() }
}
