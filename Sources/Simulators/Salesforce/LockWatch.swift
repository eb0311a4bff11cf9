// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import Synchronization

/// Who works below which parents: rows that share a parent with other rows under way can meet a lock.
final class LockTable: Sendable {
    private struct State {
        var random: SeededRandom
        /// The parents of the rows of each bulk job under way.
        var parentsByJob: [Int: Set<String>] = [:]
    }

    private let share: Double
    private let state: Mutex<State>

    init(share: Double, seed: UInt64) {
        self.share = share
        state = Mutex(State(random: SeededRandom(seed: seed ^ 0x10C4)))
    }

    /// For the rows of one request, or of one job if it has a number.
    func watch(job: Int? = nil) -> LockWatch { LockWatch(table: share > 0 ? self : nil, job: job) }

    /// The job holds nothing any more.
    func release(job: Int) { state.withLock { $0.parentsByJob[job] = nil } }

    /// Whether a row with these parents meets a lock. `isContended`: rows of the same batch share one with it.
    fileprivate func isLocked(_ parents: [String], job: Int?, isContended: Bool) -> Bool {
        state.withLock { state in
            let meetsOther = state.parentsByJob.contains { other, held in
                other != job && parents.contains { held.contains($0) }
            }
            if let job { state.parentsByJob[job, default: []].formUnion(parents) }
            return (isContended || meetsOther) && state.random.unit() < share
        }
    }
}

/// Follows the parents through the rows of one batch.
///
/// Within a batch, rows of one parent that come one after the other do not get in each other's way: that is why
/// callers sort rows by parent (crm-apis: Salesforce, section 6).
struct LockWatch {
    /// `nil` if there are no locks at all.
    fileprivate let table: LockTable?
    fileprivate let job: Int?
    private var row = 0
    private var lastRow: [String: Int] = [:]

    fileprivate init(table: LockTable?, job: Int?) {
        self.table = table
        self.job = job
    }

    /// - Throws: `RowFailure` UNABLE_TO_LOCK_ROW.
    mutating func pass(_ values: RowWriter.Values, _ object: ObjectDefinition) throws {
        guard let table, !object.parents.isEmpty else { return }
        let parents = object.parents.compactMap { values[$0].flatMap { String.fromDatabaseValue($0) } }
        guard !parents.isEmpty else { return }
        row += 1
        let isContended = parents.contains { lastRow[$0].map { $0 != row - 1 } ?? false }
        for parent in parents { lastRow[parent] = row }
        if table.isLocked(parents, job: job, isContended: isContended) {
            throw RowFailure("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same seed gives the same numbers everywhere.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0..<1
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
