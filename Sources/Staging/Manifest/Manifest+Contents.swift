// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezCrypto
package import MigratezModel

/// What is staged of the content of one record.
package struct StagedContent: Sendable, Hashable {
    package enum State: String, Sendable {
        /// The source was cut off in the middle, or is being read; what lies there is of no use.
        case partial
        case whole
        /// The source did not give it; why stands in the content chunk.
        case unavailable
        /// A run before has brought it, and it has not changed since: it was not read.
        case unchanged
    }

    /// Where its lines begin in the content chunks of the stream.
    package struct Place: Sendable, Hashable {
        /// The sequence number of the chunk.
        package var sequence: Int
        /// The number of the line in it, from 0.
        package var line: Int

        package init(sequence: Int, line: Int) {
            self.sequence = sequence
            self.line = line
        }
    }

    /// That of the record.
    package var ordinal: Int
    package var state: State
    package var place: Place?
    /// The sequence number of the chunk that its last line is in.
    package var lastSequence: Int?
    package var bytes: Int
    package var sha256: [UInt8]?
    /// A digest of what tells whether the content has changed, if the source tells anything.
    package var version: String?

    package init(
        ordinal: Int, state: State, place: Place? = nil, lastSequence: Int? = nil, bytes: Int = 0,
        sha256: [UInt8]? = nil, version: String? = nil
    ) {
        self.ordinal = ordinal
        self.state = state
        self.place = place
        self.lastSequence = lastSequence
        self.bytes = bytes
        self.sha256 = sha256
        self.version = version
    }

    fileprivate init(_ row: Row) throws {
        let digest: String? = row["sha256"]
        let (sequence, line): (Int?, Int?) = (row["first_sequence"], row["first_line"])
        self.init(
            ordinal: row["ordinal"], state: try decoded(State(rawValue: row["state"]), "state"),
            place: sequence.flatMap { sequence in line.map { Place(sequence: sequence, line: $0) } },
            lastSequence: row["last_sequence"], bytes: row["bytes"], sha256: digest.flatMap { Hex.decode($0) },
            version: row["version"])
    }
}

/// How much content of a stream is or was staged.
package struct ContentTotal: Sendable, Hashable {
    package var stream: StreamName
    package var state: StagedContent.State
    package var files: Int
    package var bytes: Int
}

extension ManifestView {
    /// What is staged of the contents of the records with these ordinals; those of which nothing is known are absent.
    package func contents(of stream: StreamName, ordinals: [Int]) throws -> [StagedContent] {
        let number = try number(of: stream)
        let statement = try database.cachedStatement(sql: "SELECT * FROM contents WHERE stream = ? AND ordinal = ?")
        return try ordinals.compactMap { ordinal in
            try Row.fetchOne(statement, arguments: [number, ordinal]).map { try StagedContent($0) }
        }
    }

    /// Those of the ordinals whose records have no outcome, and of whose content nothing is known.
    package func ordinalsWithoutContent(of stream: StreamName, _ ordinals: Range<Int>) throws -> [Int] {
        let number = try number(of: stream)
        var known = Set<Int>()
        for table in ["records", "contents"] {
            known.formUnion(
                try Int.fetchAll(
                    database,
                    sql: "SELECT ordinal FROM \(table) WHERE stream = ? AND ordinal >= ? AND ordinal < ?",
                    arguments: [number, ordinals.lowerBound, ordinals.upperBound]))
        }
        return ordinals.filter { !known.contains($0) }
    }

    /// The totals by stream and state, also after the data was shredded.
    package func contentTotals() throws -> [ContentTotal] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT streams.name, state, sum(files) AS files, sum(bytes) AS bytes FROM (
                    SELECT stream, state, files, bytes FROM content_counts
                    UNION ALL SELECT stream, state, count(*), sum(bytes) FROM contents GROUP BY stream, state
                ) JOIN streams ON streams.number = stream GROUP BY streams.number, state ORDER BY streams.number, state
                """
        ).map { row in
            ContentTotal(
                stream: try decoded(StreamName(row["name"]), "stream"),
                state: try decoded(StagedContent.State(rawValue: row["state"]), "state"), files: row["files"],
                bytes: row["bytes"])
        }
    }

    /// The sealed content chunks that nobody needs any more: those before the first one of a record that has no outcome.
    ///
    /// - Parameter finished: ordinals of records that will get their outcome without their content.
    package func contentChunksDone(of stream: StreamName, finished: Set<Int>) throws -> [Chunk] {
        let sealed = try chunks(of: stream, kind: .content, state: .sealed)
        guard let first = sealed.first else { return [] }
        let number = try number(of: stream)
        // A record whose content lies in an earlier chunk has its outcome, or that chunk were not spent.
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT contents.ordinal, first_sequence FROM contents
                LEFT JOIN records ON records.stream = contents.stream AND records.ordinal = contents.ordinal
                WHERE contents.stream = ? AND first_sequence >= ? AND records.ordinal IS NULL
                ORDER BY first_sequence
                """, arguments: [number, first.address.sequence])
        while let row = try rows.next() {
            guard !finished.contains(row["ordinal"]) else { continue }
            let needed: Int = row["first_sequence"]
            return sealed.filter { $0.address.sequence < needed }
        }
        return sealed
    }
}

extension ManifestTransaction {
    /// Notes where contents lie; what was known of the same records before is replaced.
    package func record(_ contents: [StagedContent], of stream: StreamName) throws {
        let number = try number(of: stream)
        for content in contents {
            try execute(
                """
                INSERT OR REPLACE INTO contents (stream, ordinal, state, first_sequence, first_line, last_sequence, bytes,
                    sha256, version)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    number, content.ordinal, content.state.rawValue, content.place?.sequence, content.place?.line,
                    content.lastSequence, content.bytes, content.sha256.map { Hex.encode($0) }, content.version,
                ])
        }
    }

    /// Forgets contents whose reading was cut off (their lines stay in their chunks unread), and those of records without
    /// an outcome that lie in a chunk which is gone or damaged: they are read again.
    package func removeUselessContents(of stream: StreamName) throws {
        let number = try number(of: stream)
        try execute("DELETE FROM contents WHERE stream = ? AND state = 'partial'", [number])
        try execute(
            """
            DELETE FROM contents WHERE stream = ?
                AND EXISTS (SELECT 1 FROM chunks WHERE chunks.stream = contents.stream AND kind = 'content'
                    AND sequence BETWEEN first_sequence AND last_sequence AND chunks.state <> 'sealed')
                AND NOT EXISTS (SELECT 1 FROM records
                    WHERE records.stream = contents.stream AND records.ordinal = contents.ordinal)
            """, [number])
    }

    /// Forgets that these records' contents could not be had, so that they are read again.
    package func removeUnavailableContents(of stream: StreamName, ordinals: [Int]) throws {
        let number = try number(of: stream)
        for ordinal in ordinals {
            try execute(
                "DELETE FROM contents WHERE stream = ? AND ordinal = ? AND state <> 'whole'", [number, ordinal])
        }
    }

    /// Keeps the totals, for the time when the rows are gone.
    func countContents() throws {
        try execute(
            """
            INSERT INTO content_counts (stream, state, files, bytes)
            SELECT stream, state, count(*), sum(bytes) FROM contents GROUP BY stream, state
            """, [])
    }
}
