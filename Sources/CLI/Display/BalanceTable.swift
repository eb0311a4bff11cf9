// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezStaging

/// The reconciliation: what was read, how it ended, and whether that adds up.
enum BalanceTable {
    static func make(_ balances: [Reconciliation]) -> Table {
        let outcomes = Outcome.allCases.map { Table.Column.right($0.name) }
        var table = Table(
            "balance",
            [.left("", key: "stream"), .right("read"), .left("=", key: "settled")] + outcomes + [
                .left("", key: "closed")
            ])
        for balance in balances {
            let open = "\((balance.read - balance.settled).grouped) open"
            table.add(
                [
                    .text(balance.stream.name.text), .number(balance.read),
                    Cell(.number(String(balance.settled)), text: "="),
                ] + Outcome.allCases.map { .count(balance[$0]) } + [.flag(balance.isClosed, ("closed", open))])
        }
        return table
    }
}
