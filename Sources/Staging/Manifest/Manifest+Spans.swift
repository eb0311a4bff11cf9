// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// The part of a source that one raw chunk holds: from one place of its cursor to another.
package struct SourceSpan: Sendable, Hashable {
    /// Where the reading began; nil = at the source's start.
    package var from: MigratezModel.Cursor?
    /// Where the reading went on after it; nil = it was at the source's end.
    package var to: MigratezModel.Cursor?

    package init(from: MigratezModel.Cursor?, to: MigratezModel.Cursor?) {
        self.from = from
        self.to = to
    }
}

extension ManifestView {
    /// What part of the source a raw chunk holds.
    package func span(of chunk: ChunkAddress) throws -> SourceSpan {
        let row = try Row.fetchOne(
            database,
            sql: "SELECT begins_at, ends_at FROM chunks WHERE stream = ? AND kind = ? AND sequence = ?",
            arguments: [number(of: chunk.stream), chunk.kind.rawValue, chunk.sequence])
        let (from, to): (String?, String?) = (row?["begins_at"], row?["ends_at"])
        return SourceSpan(
            from: from.map { MigratezModel.Cursor($0) }, to: to.map { MigratezModel.Cursor($0) })
    }
}

extension ManifestTransaction {
    /// Notes what part of the source a raw chunk holds, so that it can be made anew alone. Belongs into the commit that
    /// seals it.
    package func note(_ span: SourceSpan, of chunk: Chunk) throws {
        try execute(
            "UPDATE chunks SET begins_at = ?, ends_at = ? WHERE id = ?", [span.from?.text, span.to?.text, chunk.id])
    }
}
