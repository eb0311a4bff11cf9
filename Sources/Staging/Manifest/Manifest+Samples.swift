// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// How the run stood at one moment. Counts are those of the session, which is one process's work on the run.
package struct RunSample: Sendable, Hashable {
    package var time: Timestamp
    /// From 1 upward.
    package var session: Int
    /// Records and links that passed each stage.
    package var extracted: Int
    package var transformed: Int
    package var loaded: Int
    package var rejected: Int
    /// Memory of the process, resident.
    package var residentBytes: Int
    /// Chunks on disk.
    package var stagedBytes: Int
    /// How many milliseconds the rest was thought to take then; nil = it could not be told.
    package var remaining: Int?

    package init(
        time: Timestamp, session: Int, extracted: Int, transformed: Int, loaded: Int, rejected: Int,
        residentBytes: Int, stagedBytes: Int, remaining: Int?
    ) {
        self.time = time
        self.session = session
        self.extracted = extracted
        self.transformed = transformed
        self.loaded = loaded
        self.rejected = rejected
        self.residentBytes = residentBytes
        self.stagedBytes = stagedBytes
        self.remaining = remaining
    }
}

/// Requests to one side, attempt by attempt.
package struct RequestCounts: Sendable, Hashable {
    package enum Side: String, Sendable, CaseIterable { case source, destination }

    package var requests = 0
    /// Turned down because of their number (429).
    package var throttled = 0
    /// Ended with a failure of the server (5xx) or without an answer.
    package var failed = 0

    package init() {}
}

extension ManifestView {
    /// All samples, oldest first.
    package func samples() throws -> [RunSample] {
        try Row.fetchAll(database, sql: "SELECT * FROM samples ORDER BY time").map { row in
            RunSample(
                time: Timestamp(milliseconds: row["time"]), session: row["session"], extracted: row["extracted"],
                transformed: row["transformed"], loaded: row["loaded"], rejected: row["rejected"],
                residentBytes: row["resident_bytes"], stagedBytes: row["staged_bytes"], remaining: row["remaining"])
        }
    }

    /// The number of the last session; 0 = there was none.
    package func lastSession() throws -> Int {
        try Int.fetchOne(database, sql: "SELECT coalesce(max(session), 0) FROM samples") ?? 0
    }

    /// What both sides were asked, over all sessions.
    package func requestCounts() throws -> [RequestCounts.Side: RequestCounts] {
        var counts: [RequestCounts.Side: RequestCounts] = [:]
        let rows = try Row.fetchAll(
            database, sql: "SELECT side, sum(requests), sum(throttled), sum(failed) FROM traffic GROUP BY side")
        for row in rows {
            var total = RequestCounts()
            total.requests = row[1]
            total.throttled = row[2]
            total.failed = row[3]
            counts[try decoded(RequestCounts.Side(rawValue: row[0]), "side")] = total
        }
        return counts
    }
}

extension ManifestTransaction {
    /// Notes a sample. When there are `limit` of them, every second one goes, so that a run of any length fits; returns
    /// whether that happened, for then the next ones may come half as often.
    package func add(_ sample: RunSample, limit: Int) throws -> Bool {
        try execute(
            """
            INSERT OR REPLACE INTO samples (time, session, extracted, transformed, loaded, rejected, resident_bytes,
                staged_bytes, remaining) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                sample.time.milliseconds, sample.session, sample.extracted, sample.transformed, sample.loaded,
                sample.rejected, sample.residentBytes, sample.stagedBytes, sample.remaining,
            ])
        guard try Int.fetchOne(database, sql: "SELECT count(*) FROM samples") ?? 0 > limit else { return false }
        // The first and the last one of each session stay: they tell how long it took and what it did.
        try execute(
            """
            DELETE FROM samples WHERE time IN (
                SELECT time FROM (SELECT time, session, row_number() OVER (ORDER BY time) AS place FROM samples)
                WHERE place % 2 = 0)
            AND time NOT IN (SELECT min(time) FROM samples GROUP BY session)
            AND time NOT IN (SELECT max(time) FROM samples GROUP BY session)
            """, [])
        return true
    }

    /// Notes what one side was asked in a session so far.
    package func set(_ counts: RequestCounts, to side: RequestCounts.Side, inSession session: Int) throws {
        try execute(
            """
            INSERT OR REPLACE INTO traffic (session, side, requests, throttled, failed) VALUES (?, ?, ?, ?, ?)
            """, [session, side.rawValue, counts.requests, counts.throttled, counts.failed])
    }
}
