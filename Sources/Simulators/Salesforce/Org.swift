// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Dispatch
import MigratezModel
import Synchronization

/// One organisation: its records, its sessions, and what is under way.
final class Org: Sendable {
    let options: OrgOptions
    let clock: any WallClock
    let store: RecordStore
    let sessions: Sessions
    let usage: RequestUsage
    let cursors: QueryCursors
    let ingest: IngestJobs
    let exports: ExportJobs
    let locks: LockTable
    /// Where bulk jobs are worked on, one after the other.
    let background = DispatchQueue(label: "migratez.simulator.salesforce.bulk")

    init(options: OrgOptions, databasePath: String?, clock: any WallClock) throws {
        self.options = options
        self.clock = clock
        store = try RecordStore(
            path: databasePath,
            schema: OrgSchema(
                StandardObjects.all(options) + SetupObjects.all))
        try SetupObjects.fill(store, options)
        usage = RequestUsage(limit: options.dailyRequestsMax)
        cursors = QueryCursors()
        ingest = IngestJobs()
        exports = ExportJobs()
        locks = LockTable(share: options.lockShare, seed: options.seed)
        let users = try OrgUsers.ensure(options.users, in: store, now: clock.now.milliseconds)
        try StandardPriceBook.ensure(
            in: store, isActive: options.hasActivePriceBook, user: users[""] ?? "", now: clock.now.milliseconds)
        try RecordTypes.ensure(options.recordTypes, in: store)
        sessions = Sessions(options: options, users: users)
    }
}

/// API requests of the last 24 hours, in buckets of an hour: the limit is a rolling one (crm-apis: Salesforce, section 8).
final class RequestUsage: Sendable {
    let limit: Int
    private let buckets = Mutex<[Int64: Int]>([:])

    init(limit: Int) { self.limit = limit }

    /// Counts a request; a refused one is not counted.
    func take(at now: Timestamp) -> (used: Int, isRefused: Bool) {
        let hour = now.milliseconds.flooredDivision(by: 3_600_000)
        return buckets.withLock { buckets in
            buckets = buckets.filter { $0.key > hour - 24 }
            let used = buckets.values.reduce(0, +)
            guard used < limit else { return (used, true) }
            buckets[hour, default: 0] += 1
            return (used + 1, false)
        }
    }

    func used(at now: Timestamp) -> Int {
        let hour = now.milliseconds.flooredDivision(by: 3_600_000)
        return buckets.withLock { $0.filter { $0.key > hour - 24 }.values.reduce(0, +) }
    }
}
