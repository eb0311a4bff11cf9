// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
package import MigratezStaging

/// What outlives a run: the balance, the rejected records by reason, and which source id became which id.
///
/// Holds ids, counts and codes, never values. Files: `report.json`, `report.md`, `id-map.csv`.
package struct RunReport: Sendable {
    private let manifest: Manifest

    package init(_ manifest: Manifest) { self.manifest = manifest }

    /// Writes the files into a folder beside that of the run, which is not shredded with it.
    ///
    /// - Parameter withIDMap: whether the map of ids is among them; if not, one from before is removed.
    /// - Returns: the folder.
    package func write(beside folder: RunFolder, withIDMap: Bool = true) async throws -> String {
        let path = Self.path(beside: folder)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let (run, balances, rejects) = try await manifest.read { view in
            (try view.run(), try view.reconciliation(), try view.rejectCounts())
        }
        try save(json(run, balances, rejects).serialized() + [UInt8(ascii: "\n")], "\(path)/report.json")
        try save(Array(markdown(run, balances, rejects).utf8), "\(path)/report.md")
        let map = "\(path)/id-map.csv"
        if withIDMap {
            try await writeIDMap(balances, to: map)
        } else if FileManager.default.fileExists(atPath: map) {
            try FileManager.default.removeItem(atPath: map)
        }
        return path
    }

    /// Removes the report of a run whose policy keeps none; there need not be one.
    static func remove(beside folder: RunFolder) throws {
        let path = path(beside: folder)
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    }

    private static func path(beside folder: RunFolder) -> String { "\(folder.staging)/\(folder.run)-report" }

    private func json(_ run: RunStatus, _ balances: [Reconciliation], _ rejects: [RejectCount]) -> JSONValue {
        .object([
            .init("format", "migratez.dev/report-v1"), .init("run", .string(run.id.text)),
            .init("pipeline", .string(run.description.pipeline)), .init("plan_digest", .string(run.description.digest)),
            .init("phase", .string(run.phase.rawValue)), .init("started_at", .string(run.createdAt.description)),
            .init(
                "balances",
                .array(
                    balances.map { balance in
                        .object(
                            [
                                .init("stream", .string(balance.stream.name.text)),
                                .init("read", .number(String(balance.read))),
                                .init("closed", .bool(balance.isClosed)),
                            ] + Outcome.allCases.map { .init($0.name, .number(String(balance[$0]))) })
                    })),
            .init(
                "rejects",
                .array(
                    rejects.map { reject in
                        .object([
                            .init("stream", .string(reject.stream.text)),
                            .init("stage", .string(reject.stage.rawValue)), .init("code", .string(reject.code)),
                            .init("vendor_code", reject.vendorCode.map { .string($0) } ?? .null),
                            .init("fields", .array(reject.fields.map { .string($0) })),
                            .init("count", .number(String(reject.count))),
                        ])
                    })),
        ])
    }

    private func markdown(_ run: RunStatus, _ balances: [Reconciliation], _ rejects: [RejectCount]) -> String {
        var text = "# Run \(run.id): \(run.description.pipeline)\n\n"
        text += "Started \(run.createdAt), \(run.phase.rawValue). Plan \(run.description.digest).\n\n## Balance\n\n"
        text += "| | read | " + Outcome.allCases.map(\.name).joined(separator: " | ") + " | |\n"
        text += "|---|---:|" + Outcome.allCases.map { _ in "---:|" }.joined() + "---|\n"
        for balance in balances {
            let counts = Outcome.allCases.map { String(balance[$0]) }.joined(separator: " | ")
            text +=
                "| \(balance.stream.name) | \(balance.read) | \(counts) | \(balance.isClosed ? "closed" : "**open**") |\n"
        }
        guard !rejects.isEmpty else { return text + "\nNo record was rejected.\n" }
        text +=
            "\n## Rejected\n\n| | stage | code | vendor | fields | records | reason |\n|---|---|---|---|---|---:|---|\n"
        for reject in rejects {
            let reason = ErrorCode.all.first { $0.description == reject.code }?.meaning ?? ""
            text += "| \(reject.stream) | \(reject.stage.rawValue) | \(reject.code) | \(reject.vendorCode ?? "") | "
            text += "\(reject.fields.joined(separator: ", ")) | \(reject.count) | \(reason) |\n"
        }
        return text
    }

    /// One line a record: stream, source id, outcome, code, destination id, and for merged ones whose record it became.
    private func writeIDMap(_ balances: [Reconciliation], to path: String) async throws {
        try save(Array("object,source_id,outcome,code,target_id,merged_into\n".utf8), path)
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        try file.seekToEnd()
        for balance in balances where balance.stream.kind == .object {
            let stream = balance.stream.name
            var start = 0
            while true {
                let from = start
                let rows = try await manifest.read { view in
                    let rows = try view.outcomes(of: stream, from: from, limit: 5000)
                    let survivors = try view.outcomes(of: stream, ordinals: rows.compactMap(\.survivor).sorted())
                    return (rows, Dictionary(survivors.map { ($0.ordinal, $0) }) { first, _ in first })
                }
                guard let last = rows.0.last else { break }
                start = last.ordinal + 1
                var text = ""
                for row in rows.0 {
                    let survivor = row.survivor.flatMap { rows.1[$0] }
                    let cells = [
                        stream.text, row.sourceID ?? "", row.outcome.name, row.code ?? "",
                        row.targetID ?? survivor?.targetID ?? "", survivor?.sourceID ?? "",
                    ]
                    text += cells.map(Self.cell).joined(separator: ",") + "\n"
                }
                try file.write(contentsOf: Data(text.utf8))
            }
        }
    }

    /// An RFC 4180 cell; ids that a spreadsheet would take for a formula get a leading apostrophe (OWASP).
    private static func cell(_ text: String) -> String {
        let safe = text.first.map { "=+-@\t\r".contains($0) } ?? false ? "'" + text : text
        guard safe.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return safe }
        return "\"" + safe.replacing("\"", with: "\"\"") + "\""
    }

    private func save(_ bytes: [UInt8], _ path: String) throws {
        guard
            FileManager.default.createFile(atPath: path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
        else { throw MigratezError(.diskFailed, "cannot write \(path)", remedy: .fixConfiguration) }
    }
}
