// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezModel

/// What becomes of the staged data of a run, as whoever began the run wrote it down.
package struct RetentionPolicy: Sendable, Hashable {
    /// Whether the data is destroyed once the run is confirmed; if not, it stays until somebody asks.
    package var shredsWhenConfirmed: Bool
    /// How long a run that nobody confirms may keep its data after the last work on it; nil = for ever.
    package var unconfirmedMax: Duration?
    /// Whether the report outlives the data.
    package var keepsReport: Bool
    /// Whether the map of ids outlives the data, as a part of the report.
    package var keepsIDMap: Bool
    /// Whether what the run left in the destination outlives the data, so that a later run can go on from there.
    package var keepsBaseline: Bool
    /// How many keys outside of the run open its chunks as well.
    package var recipients: Int

    package init(
        shredsWhenConfirmed: Bool = true, unconfirmedMax: Duration? = nil, keepsReport: Bool = true,
        keepsIDMap: Bool = false, keepsBaseline: Bool = false, recipients: Int = 0
    ) {
        self.shredsWhenConfirmed = shredsWhenConfirmed
        self.unconfirmedMax = unconfirmedMax
        self.keepsReport = keepsReport
        self.keepsIDMap = keepsIDMap
        self.keepsBaseline = keepsBaseline
        self.recipients = recipients
    }
}

extension ManifestView {
    /// The policy that the run began with.
    func retentionPolicy() throws -> RetentionPolicy {
        guard let row = try Row.fetchOne(database, sql: "SELECT * FROM retention_policy") else {
            return RetentionPolicy()
        }
        let milliseconds: Int64? = row["unconfirmed_max"]
        return RetentionPolicy(
            shredsWhenConfirmed: row["shreds_when_confirmed"],
            unconfirmedMax: milliseconds.map { .milliseconds($0) }, keepsReport: row["keeps_report"],
            keepsIDMap: row["keeps_id_map"], keepsBaseline: row["keeps_baseline"], recipients: row["recipients"])
    }
}

extension ManifestTransaction {
    /// Notes the policy; called once, with the run itself.
    func insert(_ policy: RetentionPolicy) throws {
        try execute(
            """
            INSERT INTO retention_policy
                (only, shreds_when_confirmed, unconfirmed_max, keeps_report, keeps_id_map, keeps_baseline, recipients)
            VALUES (1, ?, ?, ?, ?, ?, ?)
            """,
            [
                policy.shredsWhenConfirmed, policy.unconfirmedMax?.wholeMilliseconds,
                policy.keepsReport, policy.keepsIDMap, policy.keepsBaseline, policy.recipients,
            ])
    }
}
