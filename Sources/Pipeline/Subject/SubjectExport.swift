// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezJSON
import MigratezModel
package import MigratezStaging

/// What is staged of one person, in two portable forms.
///
/// `subject.json`: a list with, for each staged line, the object, the kind of chunk, the ordinal of the record and the line
/// as it is staged. `subject.csv`: the same with one row for each value.
package struct SubjectExport: Sendable {
    private let run: RunInspection

    package init(of run: RunInspection) { self.run = run }

    /// Writes both files into a new folder that only this user can read.
    ///
    /// - Returns: how many staged lines there are in them.
    /// - Throws: `invalidSetting` if there is anything at the path already; what was begun is removed after any failure.
    package func write(_ records: [SubjectRecord], to folder: String) async throws -> Int {
        let files = LocalFileSystem()
        guard try files.length(folder) == nil, try files.list(folder).isEmpty else {
            throw MigratezError(
                .invalidSetting, "there is something in \(folder) already", remedy: .fixConfiguration,
                hint: "name a folder that is not there yet")
        }
        try files.createFolder(folder)
        let names = ["subject.json", "subject.csv"].map { "\(folder)/\($0)" }
        do {
            let (json, csv, count) = try await contents(records)
            for (name, bytes) in zip(names, [json, csv]) {
                let file = try files.open(name, .new)
                try bytes.withUnsafeBytes { try file.write($0, at: 0) }
                try file.sync()
            }
            return count
        } catch {
            for name in names { try files.remove(name) }
            try files.removeFolder(folder)
            throw error
        }
    }

    /// One person's records are few, so they are put together in memory.
    private func contents(_ records: [SubjectRecord]) async throws -> (json: [UInt8], csv: [UInt8], count: Int) {
        var lines: [JSONValue] = []
        var writer = CSVWriter(CSVDialect(guardsFormulas: true))
        for title in ["object", "staged_as", "ordinal", "field", "value"] { writer.field(title) }
        writer.endRow()
        let scan = SubjectScan(run: run)
        for (stream, records) in Dictionary(grouping: records, by: \.stream).sorted(by: { $0.key.text < $1.key.text }) {
            let ordinals = Set(records.map(\.ordinal))
            for kind in SubjectScan.kinds {
                try await scan.forEachLine(of: stream, kind, about: ordinals) { line, ordinal in
                    let value = JSONValue(validated: line.bytes)
                    lines.append(
                        .object([
                            .init("object", .string(stream.text)), .init("staged_as", .string(kind.rawValue)),
                            .init("ordinal", .number(String(ordinal))), .init("record", value),
                        ]))
                    for (field, text) in Self.leaves(of: value, at: "") {
                        for cell in [stream.text, kind.rawValue, String(ordinal), field, text] { writer.field(cell) }
                        writer.endRow()
                    }
                }
            }
        }
        return (JSONValue.array(lines).serialized() + [UInt8(ascii: "\n")], writer.bytes, lines.count)
    }

    /// The values of a record with their paths: `properties.email`, `tags.0`.
    private static func leaves(of value: JSONValue, at path: String) -> [(field: String, text: String)] {
        func below(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
        switch value {
        case .null: return []
        case .bool(let flag): return [(path, flag ? "true" : "false")]
        case .number(let text), .string(let text): return [(path, text)]
        case .array(let elements):
            return elements.enumerated().flatMap { leaves(of: $1, at: below(String($0))) }
        case .object(let members): return members.flatMap { leaves(of: $0.value, at: below($0.key)) }
        }
    }
}
