// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezStaging

/// What the destination held of a stream's records before the run wrote any of them.
///
/// It decides whether rows have to be looked up before they are written, so that a first migration pays for one count
/// and nothing else.
enum Census: Sendable, Equatable {
    /// None: whatever carries our key is of this run.
    case none
    /// Some, of an earlier run: each row is looked up by its key before it is written first.
    case some
    /// None when the run began, but another run has written some since. Looked up as well; and what a cut-off write of
    /// this run may have made, the other run may have made, so it counts as there before.
    case disturbed
    /// The object can hold no key of ours, so there is nothing to count.
    case unknown

    private static let disturbedNote = "disturbed"

    /// Takes the count when the stream is loaded for the first time, before its first write, and keeps it.
    ///
    /// When the load is taken up again and finds more than it has written itself, another run was at work meanwhile;
    /// then rows are looked up from now on.
    static func take(
        of target: LoadTarget, at destination: any Destination, _ staging: StagingArea
    ) async throws -> Census {
        // Links that become a field of a record are told by what the field holds.
        guard target.fieldOf == nil else { return .some }
        let key = "load.held.\(target.stream)"
        let counted = try await destination.count(object: target.object, keyPrefix: target.keyPrefix)
        let stream = target.stream
        return try await staging.manifest.commit { transaction in
            guard let counted else { return .unknown }
            switch try transaction.note(key) {
            case nil:
                try transaction.setNote(key, String(counted))
                return counted == 0 ? .none : .some
            case "0":
                // Records that were there without our key carry it once they are updated.
                let counters = try transaction.counters(of: stream)[.load] ?? [:]
                let written = (counters[.created] ?? 0) + (counters[.updated] ?? 0)
                let doubtful = try transaction.batches(of: stream).reduce(0) { $0 + $1.lines.count }
                guard counted > written + doubtful else { return .none }
                try transaction.setNote(key, disturbedNote)
                return .disturbed
            case disturbedNote: return .disturbed
            default: return .some
            }
        }
    }
}
