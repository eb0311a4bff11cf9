// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Deletes records into the recycle bin, 200 a call, and finds out what became of each.
///
/// Source: REST API Developer Guide, "Delete Multiple Records with Fewer Round-Trips". A lost call is sent again: what the
/// first one deleted is answered as `ENTITY_IS_DELETED`, which is what was wanted.
struct RecordDeletion: Sendable {
    let collections: CollectionWriter

    /// Deletes records of one object; the receipts are in the order of `ids`.
    func delete(object: String, ids: [String]) async throws -> [Deletion] {
        var results: [String: Deletion.Result] = [:]
        // What is no id of this platform cannot be there.
        for id in ids { results[id] = .absent }
        var waiting = Set(ids.filter(SalesforceID.isID)).sorted()
        var repeats = 0
        while !waiting.isEmpty {
            var locked: [String] = []
            var rest = waiting[...]
            while !rest.isEmpty {
                try Task.checkCancellation()
                let group = rest.prefix(CollectionRequest.recordsMax)
                rest = rest.dropFirst(group.count)
                for (id, refusals) in try await call(group, object) {
                    if refusals.isEmpty {
                        results[id] = .deleted
                    } else if repeats < CollectionWriter.repeatsMax, refusals.nameLock {
                        locked.append(id)
                    } else {
                        results[id] =
                            refusals.allSatisfy(Self.saysAbsent)
                            ? .absent : .refused(SalesforceRefusal.rejection(refusals))
                    }
                }
            }
            if !locked.isEmpty {
                repeats += 1
                try await collections.pause(repeats)
            }
            waiting = locked
        }
        return ids.map { Deletion(id: $0, result: results[$0] ?? .absent) }
    }

    /// One call: for each id what was said against deleting it.
    private func call(
        _ ids: ArraySlice<String>, _ object: String
    ) async throws -> [(id: String, refusals: [SalesforceRefusal])] {
        let request = collections.api.request(
            .delete, "/composite/sobjects", query: [("ids", ids.joined(separator: ",")), ("allOrNone", "false")],
            endpointClass: "collections", isIdempotent: true)
        let answers = try await collections.api.json(request).elements
        guard answers.count == ids.count else {
            throw MigratezError(
                .brokenResponse, "\(ids.count) deletions of \(object) got \(answers.count) answers",
                remedy: .retry(after: nil))
        }
        return zip(ids, answers).map { id, answer in
            guard answer["success"]?.bool != true else { return (id, []) }
            let refusals = SalesforceRefusal.list(answer["errors"] ?? .null)
            return (id, refusals.isEmpty ? [SalesforceRefusal(vendorCode: "UNKNOWN_EXCEPTION", text: "")] : refusals)
        }
    }

    /// Whether there is no such record, or no longer.
    private static func saysAbsent(_ refusal: SalesforceRefusal) -> Bool {
        ["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"].contains(refusal.vendorCode)
    }
}
