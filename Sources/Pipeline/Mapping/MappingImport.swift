// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezTransform
import MigratezYAML

/// Brings an edited table back into a pipeline file: what was changed in the table is changed in the text, and nothing
/// else; comments and layout stay.
package struct MappingImport: Sendable {
    /// One thing that the table says differently.
    package struct Change: Sendable, Equatable {
        package enum Kind: String, Sendable { case added, changed, removed }

        package var kind: Kind
        package var object: String
        package var field: String
    }

    /// The new text of the pipeline file.
    package var text: String
    package var changes: [Change]

    /// Works out the new text; writes nothing.
    ///
    /// A field that has a row with no `from`, `const` and `expr` is removed; one that has no row stays as it is.
    /// - Throws: `badMapFile` for rows that cannot be brought back, `invalidPipeline` if the result is not in order.
    package init(_ table: MappingTable, from tableFile: String, into text: String, of file: String) throws {
        var editor = MappingEditor(file: file, text: text)
        changes = []
        let before = MappingTable(try editor.root())
        let objects = Set(try editor.root()["objects"]?.members.map(\.key) ?? [])
        var seen: Set<[String]> = []
        for row in table.rows {
            guard objects.contains(row.object) else {
                throw MappingTable.refusal(
                    tableFile, row.line, "the pipeline has no object '\(row.object)'",
                    closest(to: row.object, among: objects.sorted()))
            }
            guard seen.insert([row.object, row.field]).inserted else {
                throw MappingTable.refusal(tableFile, row.line, "'\(row.object)' has a row for '\(row.field)' already")
            }
            let known = before.rows.first { $0.object == row.object && $0.field == row.field }
            if let kind = try Self.bring(row, known, into: &editor) {
                changes.append(Change(kind: kind, object: row.object, field: row.field))
            }
        }
        self.text = editor.text
    }

    /// Makes the file say what the row says.
    private static func bring(
        _ row: MappingTable.Row, _ known: MappingTable.Row?, into editor: inout MappingEditor
    ) throws -> Change.Kind? {
        var wanted = row.cells
        for (column, cell) in row.cells where cell == MappingTable.absentColumn {
            wanted[column] = known?.cells[column]
        }
        let hasOrigin = ["from", "const", "expr"].contains { wanted[$0] != nil }
        guard let known else {
            guard hasOrigin else { return nil }
            try editor.addField(row.field, of: row.object, wanted)
            return .added
        }
        guard hasOrigin else {
            try editor.removeField(row.field, of: row.object)
            return .removed
        }
        guard wanted != known.cells else { return nil }
        // What is new comes first: a rule is never without an origin in between.
        for column in MappingTable.ruleColumns {
            guard let text = wanted[column], text != known.cells[column] else { continue }
            try editor.set(column, to: text, ofField: row.field, of: row.object)
        }
        for column in MappingTable.ruleColumns where known.cells[column] != nil && wanted[column] == nil {
            try editor.remove(column, ofField: row.field, of: row.object)
        }
        return .changed
    }

    /// Replaces the file, so that it is the old or the new one at any time.
    package func save(to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw MigratezError(.diskFailed, "cannot write \(path)", remedy: .fixConfiguration)
        }
    }
}
