// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezCSV
import MigratezModel
package import MigratezStaging

/// What became of each record of an undone run: `undo.csv` beside the run's other reports, ids and words only.
package struct UndoList: Sendable {
    private let manifest: Manifest

    package init(_ manifest: Manifest) { self.manifest = manifest }

    /// Writes the list; returns its path.
    package func write(beside folder: RunFolder) async throws -> String {
        let path = "\(folder.staging)/\(folder.run)-report"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let file = "\(path)/undo.csv"
        guard FileManager.default.createFile(atPath: file, contents: nil, attributes: [.posixPermissions: 0o600]),
            let output = FileHandle(forWritingAtPath: file)
        else { throw MigratezError(.diskFailed, "cannot write \(file)", remedy: .fixConfiguration) }
        var table = CSVWriter(CSVDialect(guardsFormulas: true), lineEnding: .lf)
        for name in ["object", "source_id", "target_id", "loaded", "undone"] { table.field(name) }
        table.endRow()
        for stream in try await manifest.read({ try $0.streams() }).map(\.name) {
            var start = 0
            while true {
                let from = start
                let (rows, ends) = try await manifest.read { view in
                    let rows = try view.outcomes(of: stream, from: from, limit: 5000)
                    return (rows, try view.undoOutcomes(of: stream, ordinals: rows.map(\.ordinal)))
                }
                guard let last = rows.last else { break }
                start = last.ordinal + 1
                for row in rows {
                    guard let end = ends[row.ordinal] else { continue }
                    let cells = [
                        stream.text, row.sourceID ?? "", row.targetID ?? "", row.outcome.name, end.rawValue,
                    ]
                    for cell in cells { table.field(cell) }
                    table.endRow()
                }
                try output.write(contentsOf: Data(table.bytes))
                table.removeAll()
            }
        }
        try output.write(contentsOf: Data(table.bytes))
        try output.close()
        return file
    }
}
