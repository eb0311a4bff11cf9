// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Deletes records for good, and finds out what became of each.
///
/// A call deletes all of its records or none, and the server keeps some (a user's own partner, whatever accounting refers
/// to). So a call that is refused is cut in halves, down to the record.
struct RecordDeletion: Sendable {
    let client: OdooClient
    let catalog: OdooCatalog

    /// The receipts are in the order of `ids`.
    func delete(_ object: OdooObject, ids: [String]) async throws -> [Deletion] {
        let there = try await existing(ids, object)
        var refused: [String: Rejection] = [:]
        var rest = there.sorted()[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let group = rest.prefix(Self.recordsMax)
            rest = rest.dropFirst(group.count)
            try await unlink(Array(group), object, &refused)
        }
        return ids.map { id in
            Deletion(id: id, result: refused[id].map { .refused($0) } ?? (there.contains(id) ? .deleted : .absent))
        }
    }

    private func unlink(_ ids: [String], _ object: OdooObject, _ refused: inout [String: Rejection]) async throws {
        guard !ids.isEmpty else { return }
        do {
            _ = try await client.value(OdooClient.Call(object.model, "unlink", on: ids))
        } catch let error as MigratezError {
            guard let refusal = error.callRefused, refusal.isAboutRows else { throw error }
            if refusal.saysMissing {
                // An attempt whose answer was lost, or somebody else, has deleted some of them.
                let left = try await existing(ids, object)
                guard left.count < ids.count else { throw error }
                return try await unlink(left.sorted(), object, &refused)
            }
            guard ids.count > 1 else {
                refused[ids[0]] = refusal.rejection
                return
            }
            let middle = (ids.count + 1) / 2
            try await unlink(Array(ids[..<middle]), object, &refused)
            try await unlink(Array(ids[middle...]), object, &refused)
        }
    }

    private func existing(_ ids: [String], _ object: OdooObject) async throws -> Set<String> {
        Set(try await catalog.records(of: object.model, ids: ids, fields: ["id"]).compactMap { $0["id"]?.text })
    }

    private static let recordsMax = 100
}
