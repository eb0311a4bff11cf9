// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

/// The reconciliation: what was read, how it ended, and whether that adds up.
enum BalanceTable {
    static func lines(_ balances: [Reconciliation]) -> [String] {
        var table = TextTable(
            ["", "read", "=", "created", "updated", "merged", "filtered", "skipped", "rejected", ""],
            rightAligned: [1, 3, 4, 5, 6, 7, 8])
        for balance in balances {
            let outcomes = Outcome.allCases.map { balance[$0] == 0 ? "–" : balance[$0].grouped }
            table.add(
                [balance.stream.name.text, balance.read.grouped, "="] + outcomes
                    + [balance.isClosed ? "closed" : "\((balance.read - balance.settled).grouped) open"])
        }
        return table.lines
    }
}
