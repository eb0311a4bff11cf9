// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezCrypto
package import MigratezModel

extension ManifestView {
    /// The chunks of a stream and kind in the order of their sequence; nil = of all.
    package func chunks(
        of stream: StreamName? = nil, kind: ChunkKind? = nil, state: ChunkState? = nil
    ) throws -> [Chunk] {
        try Row.fetchAll(
            database,
            sql: ManifestView.chunkColumns + """
                 WHERE (? IS NULL OR streams.name = ?) AND (? IS NULL OR chunks.kind = ?)
                    AND (? IS NULL OR chunks.state = ?)
                ORDER BY chunks.stream, chunks.kind, chunks.sequence
                """,
            arguments: [
                stream?.text, stream?.text, kind?.rawValue, kind?.rawValue, state?.rawValue, state?.rawValue,
            ]
        ).map { try Chunk($0) }
    }

    /// What all chunks of a stream and kind hold together, shredded ones included.
    package struct ChunkTotal: Sendable, Hashable {
        package var chunks = 0
        package var records = 0
        /// Bytes before compression.
        package var plaintextBytes = 0
        /// Bytes that are on the disk now.
        package var storedBytes = 0
        /// Sealed or leased: a stage will take them.
        package var waiting = 0
    }

    /// The totals of every stream and kind.
    package func chunkTotals() throws -> [StreamName: [ChunkKind: ChunkTotal]] {
        var totals: [StreamName: [ChunkKind: ChunkTotal]] = [:]
        let statement = try database.cachedStatement(
            sql: """
                SELECT streams.name, chunks.kind, count(*) AS chunks, sum(records) AS records,
                    sum(plaintext_bytes) AS plaintext,
                    sum(iif(state = 'shredded', 0, stored_bytes)) AS stored,
                    sum(state IN ('sealed', 'leased')) AS waiting
                FROM chunks JOIN streams ON streams.number = chunks.stream GROUP BY chunks.stream, chunks.kind
                """)
        for row in try Row.fetchAll(statement) {
            let stream = try decoded(StreamName(row["name"]), "stream")
            let kind = try decoded(ChunkKind(rawValue: row["kind"]), "kind")
            totals[stream, default: [:]][kind] = ChunkTotal(
                chunks: row["chunks"], records: row["records"], plaintextBytes: row["plaintext"],
                storedBytes: row["stored"], waiting: row["waiting"])
        }
        return totals
    }

    /// The chunk with this address, or nil.
    package func chunk(_ address: ChunkAddress) throws -> Chunk? {
        try Row.fetchOne(
            database,
            sql: ManifestView.chunkColumns + " WHERE streams.name = ? AND chunks.kind = ? AND chunks.sequence = ?",
            arguments: [address.stream.text, address.kind.rawValue, address.sequence]
        ).map { try Chunk($0) }
    }

    /// The number, within its stream and kind, of the first line of a chunk: for raw chunks, the ordinal of that record.
    package func firstLine(of address: ChunkAddress) throws -> Int {
        try Int.fetchOne(
            database, sql: "SELECT sum(records) FROM chunks WHERE stream = ? AND kind = ? AND sequence < ?",
            arguments: [number(of: address.stream), address.kind.rawValue, address.sequence]) ?? 0
    }

    /// Every lease that is held now.
    package func leases() throws -> [ChunkLease] {
        try Row.fetchAll(database, sql: "SELECT * FROM leases ORDER BY id").map { row in
            ChunkLease(
                chunk: try chunk(id: row["chunk"]), id: row["id"],
                stage: try decoded(Stage(rawValue: row["stage"]), "stage"),
                deadline: Timestamp(milliseconds: row["deadline"]))
        }
    }

    func chunk(id: Int64) throws -> Chunk {
        let statement = try database.cachedStatement(sql: ManifestView.chunkColumns + " WHERE chunks.id = ?")
        return try Chunk(decoded(Row.fetchOne(statement, arguments: [id]), "chunk"))
    }

    private static let chunkColumns = """
        SELECT chunks.id, slot, streams.name AS stream, chunks.kind AS kind, sequence, state, attempt, failure, records,
            first_ordinal, plaintext_bytes, stored_bytes, sha256
        FROM chunks JOIN streams ON streams.number = chunks.stream
        """
}

extension ManifestTransaction {
    /// Begins a new chunk: `writing`, the next sequence number of its stream and kind (or of its slice), attempt 1.
    func beginChunk(_ stream: StreamName, _ kind: ChunkKind, slice: Int? = nil) throws -> Chunk {
        let number = try number(of: stream)
        let sequences = slice.map { StreamSlice.sequences(of: $0) } ?? 1...Int.max
        let statement = try database.cachedStatement(
            sql: "SELECT max(sequence) FROM chunks WHERE stream = ? AND kind = ? AND sequence BETWEEN ? AND ?")
        let arguments: StatementArguments = [number, kind.rawValue, sequences.lowerBound, sequences.upperBound]
        let last = try Int.fetchOne(statement, arguments: arguments) ?? sequences.lowerBound - 1
        guard last < sequences.upperBound else {
            throw MigratezError(
                .internalError, "a slice of '\(stream)' has \(StreamSlice.chunksMax) chunks, and no more fit",
                hint: "begin a new run with larger staging.chunk")
        }
        try execute(
            """
            INSERT INTO chunks (stream, kind, sequence, state, attempt, changed_at) VALUES (?, ?, ?, 'writing', 1, ?)
            """, [number, kind.rawValue, last + 1, now.milliseconds])
        return try chunk(id: database.lastInsertedRowID)
    }

    /// Begins the next attempt at a chunk that has failed: `writing`.
    func rewriteChunk(_ address: ChunkAddress) throws -> Chunk {
        let chunk = try known(address)
        try move(
            chunk, from: .failed, to: .writing,
            also: "failure = NULL, attempt = attempt + 1, stored_bytes = 0, sha256 = NULL")
        return try self.chunk(id: chunk.id)
    }

    /// Takes a chunk that was never sealed out again. An attempt at a chunk that had failed before fails again.
    func discardChunk(_ chunk: Chunk) throws {
        if chunk.attempt == 1 {
            try execute("DELETE FROM chunks WHERE id = ? AND state = 'writing' AND attempt = 1", [chunk.id])
        } else {
            try failChunk(chunk.address, .chunkInterrupted)
        }
    }

    /// Makes a written chunk `sealed`: its file is durable under its final name.
    func sealChunk(
        _ chunk: Chunk, records: Int, firstOrdinal: Int?, plaintextBytes: Int, storedBytes: Int, sha256: [UInt8]
    ) throws -> Chunk {
        try execute(
            """
            UPDATE chunks SET records = ?, first_ordinal = ?, plaintext_bytes = ?, stored_bytes = ?, sha256 = ?
            WHERE id = ? AND state = 'writing'
            """, [records, firstOrdinal, plaintextBytes, storedBytes, Hex.encode(sha256), chunk.id])
        try move(chunk, from: .writing, to: .sealed)
        try addEvent(
            "chunk", stream: chunk.address.stream,
            fields: [
                "chunk": .text(chunk.address.description), "state": .text(ChunkState.sealed.rawValue),
                "records": .number(records), "bytes": .number(storedBytes),
            ])
        return try self.chunk(id: chunk.id)
    }

    /// Leases the first sealed chunk of a stream and kind, if there is one.
    package func claim(
        _ stream: StreamName, _ kind: ChunkKind, for stage: Stage, until deadline: Timestamp
    ) throws -> ChunkLease? {
        try releaseOverdue(stream, kind)
        let statement = try database.cachedStatement(
            sql: "SELECT id FROM chunks WHERE stream = ? AND kind = ? AND state = 'sealed' ORDER BY sequence LIMIT 1")
        guard let id = try Int64.fetchOne(statement, arguments: [number(of: stream), kind.rawValue]) else { return nil }
        return try lease(try chunk(id: id), for: stage, until: deadline)
    }

    /// Leases this chunk, which must be sealed.
    package func claim(_ address: ChunkAddress, for stage: Stage, until deadline: Timestamp) throws -> ChunkLease {
        try lease(try known(address), for: stage, until: deadline)
    }

    /// Puts off the deadline; throws `invalidTransition` if the lease is not held any more.
    package func renew(_ lease: ChunkLease, until deadline: Timestamp) throws -> ChunkLease {
        let changed = try execute(
            "UPDATE leases SET deadline = ? WHERE id = ? AND chunk = ?",
            [deadline.milliseconds, lease.id, lease.chunk.id])
        guard changed == 1 else { throw lost(lease) }
        var renewed = lease
        renewed.deadline = deadline
        return renewed
    }

    /// Gives the chunk back for others to claim.
    package func release(_ lease: ChunkLease) throws {
        try endLease(lease)
        try move(lease.chunk, from: .leased, to: .sealed)
    }

    /// Ends the chunk's use: everything in it has its outcome, in this commit or an earlier one.
    package func spend(_ lease: ChunkLease) throws {
        try endLease(lease)
        try move(lease.chunk, from: .leased, to: .spent)
    }

    /// Ends the use of a sealed chunk that nobody will claim any more.
    package func retire(_ address: ChunkAddress) throws { try move(try known(address), from: .sealed, to: .spent) }

    /// Declares a live chunk unusable, and ends its lease.
    package func failChunk(_ address: ChunkAddress, _ code: ErrorCode) throws {
        let chunk = try known(address)
        try execute("DELETE FROM leases WHERE chunk = ?", [chunk.id])
        let changed = try execute(
            "UPDATE chunks SET state = 'failed', failure = ?, changed_at = ? WHERE id = ? AND state = ?",
            [code.description, now.milliseconds, chunk.id, chunk.state.rawValue])
        precondition(changed == 1, "a chunk that was just read is there")
        try addEvent(
            "chunk", stream: address.stream, code: code.description,
            fields: ["chunk": .text(address.description), "state": .text(ChunkState.failed.rawValue)])
    }

    /// Brings a failed chunk whose file is good back to `sealed`, as `StagingArea.retry` found out.
    func reinstateChunk(_ chunk: Chunk) throws { try move(chunk, from: .failed, to: .sealed, also: "failure = NULL") }

    /// Notes that the chunk's key is destroyed and its file gone.
    func shredChunk(_ chunk: Chunk) throws {
        let from: ChunkState = chunk.state == .failed ? .failed : .spent
        try move(chunk, from: from, to: .shredded, also: "failure = NULL")
    }

    /// Gives back every chunk that is leased; returns how many. For a run that has just got its one owner.
    func releaseAllLeases() throws -> Int {
        try execute("DELETE FROM leases", [])
        return try execute(
            "UPDATE chunks SET state = 'sealed', changed_at = ? WHERE state = 'leased'", [now.milliseconds])
    }

    /// Changes the state, if it is the expected one: compare and set.
    private func move(_ chunk: Chunk, from: ChunkState, to: ChunkState, also: String? = nil) throws {
        precondition(from.canBecome(to), "the lifecycle has no such transition")
        let changed = try execute(
            """
            UPDATE chunks SET state = ?, changed_at = ?\(also.map { ", " + $0 } ?? "") WHERE id = ? AND state = ?
            """, [to.rawValue, now.milliseconds, chunk.id, from.rawValue])
        guard changed == 1 else {
            throw MigratezError(
                .invalidTransition, "chunk \(chunk.address) is not \(from.rawValue), so it cannot become \(to.rawValue)"
            )
        }
    }

    private func lease(_ chunk: Chunk, for stage: Stage, until deadline: Timestamp) throws -> ChunkLease {
        try move(chunk, from: .sealed, to: .leased)
        try execute(
            "INSERT INTO leases (chunk, stage, deadline) VALUES (?, ?, ?)",
            [chunk.id, stage.rawValue, deadline.milliseconds])
        let id = database.lastInsertedRowID
        return ChunkLease(chunk: try self.chunk(id: chunk.id), id: id, stage: stage, deadline: deadline)
    }

    private func endLease(_ lease: ChunkLease) throws {
        let changed = try execute("DELETE FROM leases WHERE id = ? AND chunk = ?", [lease.id, lease.chunk.id])
        guard changed == 1 else { throw lost(lease) }
    }

    private func releaseOverdue(_ stream: StreamName, _ kind: ChunkKind) throws {
        let statement = try database.cachedStatement(
            sql: """
                SELECT leases.chunk FROM leases JOIN chunks ON chunks.id = leases.chunk
                WHERE chunks.stream = ? AND chunks.kind = ? AND leases.deadline <= ?
                """)
        let overdue = try Int64.fetchAll(
            statement, arguments: [number(of: stream), kind.rawValue, now.milliseconds])
        for id in overdue {
            try execute("DELETE FROM leases WHERE chunk = ?", [id])
            try move(try chunk(id: id), from: .leased, to: .sealed)
        }
    }

    private func lost(_ lease: ChunkLease) -> MigratezError {
        MigratezError(.invalidTransition, "the lease of chunk \(lease.chunk.address) is not held any more")
    }

    private func known(_ address: ChunkAddress) throws -> Chunk {
        guard let chunk = try chunk(address) else {
            throw MigratezError(.invalidTransition, "there is no chunk \(address)")
        }
        return chunk
    }
}

extension Chunk {
    fileprivate init(_ row: Row) throws {
        let digest: String? = row["sha256"]
        self.init(
            id: row["id"], slot: row["slot"],
            address: ChunkAddress(
                stream: try decoded(StreamName(row["stream"]), "stream"),
                kind: try decoded(ChunkKind(rawValue: row["kind"]), "kind"), sequence: row["sequence"]),
            state: try decoded(ChunkState(rawValue: row["state"]), "state"), attempt: row["attempt"],
            failure: row["failure"], records: row["records"], firstOrdinal: row["first_ordinal"],
            plaintextBytes: row["plaintext_bytes"], storedBytes: row["stored_bytes"],
            sha256: digest.flatMap { Hex.decode($0) } ?? [])
    }
}
