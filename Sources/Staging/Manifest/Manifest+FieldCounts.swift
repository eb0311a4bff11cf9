// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// How often something was true of a field of a stream.
package struct FieldCount: Sendable, Hashable {
    /// The destination's field; empty = the record as a whole.
    package var field: String
    /// What was counted: `source_filled`, `filled`, `default_used`; `mapped` for whole records.
    package var measure: String
    package var count: Int

    package init(field: String, measure: String, count: Int) {
        self.field = field
        self.measure = measure
        self.count = count
    }

    /// The measure of whole records that were mapped.
    package static let mapped = "mapped"
    /// The measure of whole records that stand for others, too.
    package static let mergeGroups = "merge_groups"
}

/// Records that carry a mark for people: `owner-unmatched`.
package struct TagCount: Sendable, Hashable {
    package var stream: StreamName
    package var tag: String
    package var count: Int

    package init(stream: StreamName, tag: String, count: Int) {
        self.stream = stream
        self.tag = tag
        self.count = count
    }
}

extension ManifestView {
    /// Every count of the stream, by field and measure.
    package func fieldCounts(of stream: StreamName) throws -> [FieldCount] {
        try Row.fetchAll(
            database, sql: "SELECT field, measure, count FROM field_counts WHERE stream = ? ORDER BY field, measure",
            arguments: [number(of: stream)]
        ).map { FieldCount(field: $0["field"], measure: $0["measure"], count: $0["count"]) }
    }

    /// How many records of each stream carry each tag; known after shredding, too.
    package func tagCounts() throws -> [TagCount] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT streams.name AS name, substr(measure, 5) AS tag, count FROM field_counts
                JOIN streams ON streams.number = field_counts.stream
                WHERE field = '' AND substr(measure, 1, 4) = 'tag:' AND count > 0 ORDER BY streams.number, tag
                """
        ).map { TagCount(stream: try decoded(StreamName($0["name"]), "name"), tag: $0["tag"], count: $0["count"]) }
    }

    /// Up to `limit` ordinals with the tag in ascending order, the first one at or after `start`.
    package func ordinals(of stream: StreamName, tag: String, from start: Int, limit: Int) throws -> [Int] {
        try Int.fetchAll(
            database,
            sql: "SELECT ordinal FROM tags WHERE stream = ? AND tag = ? AND ordinal >= ? ORDER BY ordinal LIMIT ?",
            arguments: [number(of: stream), tag, start, limit])
    }
}

extension ManifestTransaction {
    /// Adds to the counts of a stream.
    package func add(_ counts: [FieldCount], of stream: StreamName) throws {
        let number = try number(of: stream)
        for count in counts {
            try execute(
                """
                INSERT INTO field_counts (stream, field, measure, count) VALUES (?, ?, ?, ?)
                ON CONFLICT (stream, field, measure) DO UPDATE SET count = count + excluded.count
                """, [number, count.field, count.measure, count.count])
        }
    }

    /// Marks records of a stream; one that carries the tag already is not counted again.
    package func tag(_ ordinals: [Int], of stream: StreamName, as tag: String) throws {
        let number = try number(of: stream)
        var added = 0
        for ordinal in ordinals {
            added += try execute(
                "INSERT OR IGNORE INTO tags (stream, tag, ordinal) VALUES (?, ?, ?)", [number, tag, ordinal])
        }
        try add([FieldCount(field: "", measure: "tag:\(tag)", count: added)], of: stream)
    }
}
