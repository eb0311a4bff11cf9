// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransport

/// Deletes records, 1,000 a batch, and finds out what became of each.
///
/// A lost batch is sent again: what the first one deleted is not there any more, which is what was wanted.
struct RecordDeletion: Sendable {
    let batches: BatchSender
    let table: TableMetadata

    /// Deletes records of the table; the answers are in the order of `ids`.
    func delete(_ ids: [String]) async throws -> [Deletion] {
        var results: [String: Deletion.Result] = [:]
        let wanted = Set(ids.compactMap { RecordID($0)?.text }).sorted()
        let operations = wanted.map { BatchSender.Operation(method: .delete, path: "\(table.setName)(\($0))") }
        for (id, answer) in zip(wanted, try await batches.send(operations, isIdempotent: true)) {
            guard let refusal = answer.refusal else {
                results[id] = .deleted
                continue
            }
            results[id] =
                refusal.status == 404 ? .absent : .refused(refusal.rejection(columns: table.columnNames))
        }
        // What is no GUID cannot be there.
        return ids.map { Deletion(id: $0, result: RecordID($0).flatMap { results[$0.text] } ?? .absent) }
    }
}
