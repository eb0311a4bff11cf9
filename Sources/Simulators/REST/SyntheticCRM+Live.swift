// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM

/// What the vendors' accounts are filled from: the live records of a synthetic CRM and the links between live ones.
extension SyntheticCRM {
    func eachLive<Record: SyntheticRecord>(_ type: Record.Type, _ body: (Record) throws -> Void) rethrows {
        for index in 0..<counts[Record.object] where !isArchived(Record.object, at: index) {
            try body(Record(self, index))
        }
    }

    /// Links to records that are there.
    func live(_ kind: LinkKind, from index: Int) -> [Link] {
        links(kind, from: index).filter { link in
            link.toIndex.map { !isArchived(kind.to, at: $0) } ?? false
        }
    }

    /// The first link to a record that is there.
    func first(_ kind: LinkKind, from index: Int) -> Int? { live(kind, from: index).first?.toID }

    /// The owner with the id, if there is one: vendors hold no others.
    func owner(_ id: String?) -> Owner? {
        id.flatMap { Int($0) }.flatMap { Owner.with(id: $0, count: counts.owners) }
    }
}

extension Timestamp {
    /// `2026-01-02T03:04:05Z`
    var wholeSeconds: String { String(description.prefix(19)) + "Z" }
    /// `2026-01-02T03:04:05.678000+00:00`
    var microseconds: String { String(description.prefix(23)) + "000+00:00" }
    /// Seconds since 1970.
    var seconds: Int { Int(milliseconds / 1000) }
}
