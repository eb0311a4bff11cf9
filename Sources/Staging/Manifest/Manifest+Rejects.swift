// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import GRDB
package import MigratezModel

/// Where a refused record lies and why it was refused; its values are in the rejects chunk only.
package struct Reject: Sendable, Hashable {
    package var ordinal: Int
    package var stage: Stage
    package var sourceID: String?
    /// The text of the `ErrorCode`.
    package var code: String
    /// The vendor's own code, such as `STRING_TOO_LONG`; never its text, which may quote values.
    package var vendorCode: String?
    /// The names of the fields concerned.
    package var fields: [String]
    /// The sequence number of the rejects chunk of the stream, and the line in it, from 0.
    package var chunkSequence: Int?
    package var line: Int?

    package init(
        ordinal: Int, stage: Stage, sourceID: String?, code: ErrorCode, vendorCode: String? = nil,
        fields: [String] = [], chunkSequence: Int? = nil, line: Int? = nil
    ) {
        self.ordinal = ordinal
        self.stage = stage
        self.sourceID = sourceID
        self.code = code.description
        self.vendorCode = vendorCode
        self.fields = fields
        self.chunkSequence = chunkSequence
        self.line = line
    }

    fileprivate init(_ row: Row) throws {
        ordinal = row["ordinal"]
        stage = try decoded(Stage(rawValue: row["stage"]), "stage")
        sourceID = row["source_id"]
        code = row["code"]
        vendorCode = row["vendor_code"]
        let names: String = row["fields"]
        fields = names.split(separator: "\n").map(String.init)
        chunkSequence = row["chunk_sequence"]
        line = row["line"]
    }
}

/// How many records of a stream were refused in a stage for one reason.
package struct RejectCount: Sendable, Hashable {
    package var stream: StreamName
    package var stage: Stage
    package var code: String
    package var vendorCode: String?
    package var fields: [String]
    package var count: Int
    /// The source's id of one of them; nil for links, and after shredding.
    package var example: String?

    package init(
        stream: StreamName, stage: Stage, code: String, vendorCode: String?, fields: [String], count: Int,
        example: String?
    ) {
        self.stream = stream
        self.stage = stage
        self.code = code
        self.vendorCode = vendorCode
        self.fields = fields
        self.count = count
        self.example = example
    }
}

extension ManifestView {
    /// Up to `limit` rejects in the order of ordinals, the first one at or after `start`.
    ///
    /// - Parameters:
    ///   - code: only those with this code.
    ///   - ids: only records with these ids of the source.
    package func rejects(
        of stream: StreamName, code: String? = nil, ids: [String]? = nil, from start: Int = 0, limit: Int
    ) throws -> [Reject] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT * FROM rejects WHERE stream = ? AND ordinal >= ? AND (? IS NULL OR code = ?)
                    AND (? IS NULL OR source_id IN (SELECT value FROM json_each(?)))
                ORDER BY ordinal, stage LIMIT ?
                """, arguments: [number(of: stream), start, code, code, list(ids), list(ids), limit]
        ).map { try Reject($0) }
    }

    /// The rejects of the records with these ordinals, in the order of ordinals.
    package func rejects(of stream: StreamName, ordinals: [Int]) throws -> [Reject] {
        let listed = "[" + ordinals.map(String.init).joined(separator: ",") + "]"
        return try Row.fetchAll(
            database,
            sql: """
                SELECT * FROM rejects WHERE stream = ? AND ordinal IN (SELECT value FROM json_each(?))
                ORDER BY ordinal, stage
                """, arguments: [number(of: stream), listed]
        ).map { try Reject($0) }
    }

    /// Which of these ids of the source belong to a rejected record of the stream.
    package func rejectedIDs(of stream: StreamName, among ids: [String]) throws -> [String] {
        try String.fetchAll(
            database,
            sql: """
                SELECT DISTINCT source_id FROM rejects
                WHERE stream = ? AND source_id IN (SELECT value FROM json_each(?))
                """, arguments: [number(of: stream), list(ids)])
    }

    /// A JSON array for `json_each`.
    private func list(_ ids: [String]?) throws -> String? {
        guard let ids else { return nil }
        return String(decoding: try JSONEncoder().encode(ids), as: UTF8.self)
    }

    /// How many rejects there are by stream, stage, code and fields, the most frequent first; known after shredding, too.
    package func rejectCounts() throws -> [RejectCount] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT streams.name AS name, stage, code, vendor_code, fields, count(*) AS count,
                    min(source_id) AS example
                FROM rejects JOIN streams ON streams.number = rejects.stream
                GROUP BY streams.name, stage, code, vendor_code, fields
                UNION ALL
                SELECT streams.name, stage, code, vendor_code, fields, count, NULL
                FROM reject_counts JOIN streams ON streams.number = reject_counts.stream
                ORDER BY count DESC, name, code, fields
                """
        ).map { row in
            let names: String = row["fields"]
            return RejectCount(
                stream: try decoded(StreamName(row["name"]), "name"),
                stage: try decoded(Stage(rawValue: row["stage"]), "stage"), code: row["code"],
                vendorCode: row["vendor_code"], fields: names.split(separator: "\n").map(String.init),
                count: row["count"], example: row["example"])
        }
    }
}

extension ManifestTransaction {
    /// Notes refused records; one that was refused in the same stage before is replaced. The outcome is recorded
    /// apart, with `recordOutcomes`.
    package func recordRejects(_ rejects: [Reject], of stream: StreamName) throws {
        let number = try number(of: stream)
        for reject in rejects {
            try execute(
                """
                INSERT OR REPLACE INTO rejects
                    (stream, ordinal, stage, source_id, code, vendor_code, fields, chunk_sequence, line)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    number, reject.ordinal, reject.stage.rawValue, reject.sourceID, reject.code, reject.vendorCode,
                    reject.fields.joined(separator: "\n"), reject.chunkSequence, reject.line,
                ])
        }
        try addIssueEvents(rejects, of: stream)
    }

    /// One event for each reason, with the first record as an example: a million rejects must not be a million events.
    private func addIssueEvents(_ rejects: [Reject], of stream: StreamName) throws {
        struct Reason: Hashable {
            var stage: Stage
            var code: String
            var vendorCode: String?
            var fields: [String]
        }
        let groups = Dictionary(grouping: rejects) {
            Reason(stage: $0.stage, code: $0.code, vendorCode: $0.vendorCode, fields: $0.fields)
        }
        for (reason, rejects) in groups.sorted(by: { $0.value[0].ordinal < $1.value[0].ordinal }) {
            try addEvent(
                "issue", stream: stream, code: reason.code,
                fields: [
                    "stage": .text(reason.stage.rawValue), "count": .number(rejects.count),
                    "source_id": .text(rejects[0].sourceID), "row": .number(rejects[0].ordinal),
                    "fields": .list(reason.fields), "vendor_code": .text(reason.vendorCode),
                ])
        }
    }

    /// Forgets rejects that were replayed; what became of them is in their outcomes.
    package func removeRejects(of stream: StreamName, ordinals: [Int]) throws {
        let number = try number(of: stream)
        for ordinal in ordinals {
            try execute("DELETE FROM rejects WHERE stream = ? AND ordinal = ?", [number, ordinal])
        }
    }
}
