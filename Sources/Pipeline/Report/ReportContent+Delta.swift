// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

/// What a run says that goes on from an earlier one.
extension ReportContent {
    var sinceEarlierRun: ReportSection? {
        guard !conflicts.isEmpty || !removals.isEmpty || !leftAlone.isEmpty else { return nil }
        var section = ReportSection(
            "since", "Since the run before",
            "The run went on from an earlier one: only what had changed in the source was compared and written.")
        if !leftAlone.isEmpty { section.tables.append(leftAloneTable) }
        if !conflicts.isEmpty { section.tables.append(conflictTable) }
        if !removals.isEmpty { section.tables.append(removalTable) }
        return section
    }

    private var leftAloneTable: ReportTable {
        var table = ReportTable(
            "left_alone", caption: "Left as they are in the destination",
            [.text("Stream"), .number("Left alone", key: "count"), .number("Share of all", key: "share")])
        for balance in balances {
            guard let count = leftAlone[balance.stream.name] else { continue }
            table.add([.text(balance.stream.name.text), .count(count), .share(count, of: balance.read)])
        }
        return table
    }

    private var conflictTable: ReportTable {
        var table = ReportTable(
            "conflicts", caption: "Fields that both sides had changed, and whose value stands",
            [.text("Stream"), .text("Field"), .text("Stands", key: "decision"), .number("Records", key: "count")])
        for conflict in conflicts {
            let words =
                switch conflict.decision {
                case .source: "the source's"
                case .target: "the destination's"
                case .quarantine: "nobody's: rejected"
                }
            table.add([.text(conflict.stream.text), .text(conflict.field), .text(words), .count(conflict.count)])
        }
        return table
    }

    private var removalTable: ReportTable {
        var table = ReportTable(
            "removals", caption: "What the source has no more",
            [
                .text("Stream"), .text("In the source", key: "fate"), .text("In the destination", key: "outcome"),
                .number("Records", key: "count"),
            ])
        for removal in removals {
            table.add([
                .text(removal.stream.text), .text(removal.fate.rawValue), .text(Self.words(removal.outcome)),
                .count(removal.count),
            ])
        }
        return table
    }

    private static func words(_ outcome: Removal.Outcome?) -> String {
        switch outcome {
        case .deleted?: "deleted"
        case .kept?: "kept, as the pipeline says"
        case .edited?: "kept: somebody changed it"
        case .needed?: "kept: others refer to it"
        case .refused?: "kept: the deletion was refused"
        case .gone?: "gone before"
        case nil: "not decided"
        }
    }
}
