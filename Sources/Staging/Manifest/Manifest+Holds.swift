// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezCrypto
package import MigratezModel

/// Why a record is held back at the request of the person whom it is about.
package enum HoldKind: String, Sendable, CaseIterable {
    /// Its values are gone from the chunks.
    case erased
    /// Its values stay staged, and are not loaded.
    case restricted

    /// The reason of its outcome, which is `skipped`.
    package var code: ErrorCode {
        switch self {
        case .erased: .erasedOnRequest
        case .restricted: .restrictedOnRequest
        }
    }
}

/// How many records of a stream are held back.
package struct HoldCount: Sendable, Hashable {
    package var stream: StreamName
    package var kind: HoldKind
    package var count: Int
}

extension ManifestView {
    /// The records of a stream that are held back, by ordinal.
    package func holds(of stream: StreamName) throws -> [Int: HoldKind] {
        var holds: [Int: HoldKind] = [:]
        let rows = try Row.fetchAll(
            database, sql: "SELECT ordinal, kind FROM holds WHERE stream = ?", arguments: [number(of: stream)])
        for row in rows { holds[row["ordinal"]] = try decoded(HoldKind(rawValue: row["kind"]), "kind") }
        return holds
    }

    /// How many records are held back, by stream and kind.
    package func holdCounts() throws -> [HoldCount] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT streams.name, holds.kind, count(*) AS count
                FROM holds JOIN streams ON streams.number = holds.stream GROUP BY 1, 2 ORDER BY 1, 2
                """
        ).map { row in
            HoldCount(
                stream: try decoded(StreamName(row["name"]), "name"),
                kind: try decoded(HoldKind(rawValue: row["kind"]), "kind"), count: row["count"])
        }
    }

    /// The ordinals of the records that were merged into any of these.
    package func merged(into survivors: [Int], of stream: StreamName) throws -> [Int] {
        let list = survivors.map(String.init).joined(separator: ", ")
        return try Int.fetchAll(
            database, sql: "SELECT ordinal FROM records WHERE stream = ? AND survivor IN (\(list)) ORDER BY ordinal",
            arguments: [number(of: stream)])
    }
}

extension ManifestTransaction {
    /// Holds records back: none of them will be loaded. One that was erased stays so.
    package func hold(
        _ ordinals: [Int], of stream: StreamName, as kind: HoldKind, subject: Pseudonym
    ) throws {
        let number = try number(of: stream)
        for ordinal in ordinals.sorted() {
            try execute(
                """
                INSERT INTO holds (stream, ordinal, kind, subject, requested_at) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (stream, ordinal) DO UPDATE SET kind = excluded.kind WHERE excluded.kind = 'erased'
                """, [number, ordinal, kind.rawValue, subject.description, now.milliseconds])
        }
    }
}
