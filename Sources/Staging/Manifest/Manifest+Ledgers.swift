// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// An allowance of requests of one service, as the run has seen it.
package struct QuotaUse: Sendable, Hashable {
    /// The service: `hubspot`.
    package var service: String
    /// Which of its budgets: `daily`.
    package var budget: String
    package var used: Int
    /// How many there are in all; nil = the service does not say.
    package var allowed: Int?
    package var resetsAt: Timestamp?

    package init(service: String, budget: String, used: Int, allowed: Int?, resetsAt: Timestamp?) {
        self.service = service
        self.budget = budget
        self.used = used
        self.allowed = allowed
        self.resetsAt = resetsAt
    }
}

/// Who did what to the run.
package struct TrailEntry: Sendable, Hashable {
    package var id: Int64
    package var time: Timestamp
    package var actor: String
    package var action: String
    package var detail: String
}

extension ManifestView {
    /// The note under `key`.
    package func note(_ key: String) throws -> String? {
        try String.fetchOne(database, sql: "SELECT value FROM notes WHERE key = ?", arguments: [key])
    }

    /// All notes whose keys begin with `prefix`, in the order of their keys.
    package func notes(prefix: String) throws -> [(key: String, value: String)] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT key, value FROM notes WHERE substr(key, 1, length(?)) = ? ORDER BY key",
            arguments: [prefix, prefix])
        var notes: [(key: String, value: String)] = []
        for row in rows {
            let key: String = row["key"]
            let value: String = row["value"]
            notes.append((key: key, value: value))
        }
        return notes
    }

    /// The allowances that were noted.
    package func quotas() throws -> [QuotaUse] {
        try Row.fetchAll(database, sql: "SELECT * FROM quota ORDER BY service, budget").map { row in
            let resetsAt: Int64? = row["resets_at"]
            return QuotaUse(
                service: row["service"], budget: row["budget"], used: row["used"], allowed: row["allowed"],
                resetsAt: resetsAt.map { Timestamp(milliseconds: $0) })
        }
    }

    /// Everything that people and policies did to the run, oldest first.
    package func auditEntries() throws -> [TrailEntry] {
        try Row.fetchAll(database, sql: "SELECT * FROM audit ORDER BY id").map { row in
            TrailEntry(
                id: row["id"], time: Timestamp(milliseconds: row["time"]), actor: row["actor"], action: row["action"],
                detail: row["detail"])
        }
    }
}

extension ManifestTransaction {
    /// Keeps a small text (JSON, mostly) under `key`; nil removes it. No values of records.
    package func setNote(_ key: String, _ value: String?) throws {
        guard let value else {
            try execute("DELETE FROM notes WHERE key = ?", [key])
            return
        }
        try execute(
            "INSERT INTO notes (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [key, value])
    }

    /// Keeps what is known of an allowance.
    package func setQuota(_ quota: QuotaUse) throws {
        try execute(
            "INSERT OR REPLACE INTO quota (service, budget, used, allowed, resets_at) VALUES (?, ?, ?, ?, ?)",
            [quota.service, quota.budget, quota.used, quota.allowed, quota.resetsAt?.milliseconds])
    }

    /// Adds to the audit trail, from which nothing can be removed.
    package func audit(actor: String, action: String, detail: String) throws {
        try execute(
            "INSERT INTO audit (time, actor, action, detail) VALUES (?, ?, ?, ?)",
            [now.milliseconds, actor, action, detail])
    }
}
