// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging

/// Loads one claimed ready chunk.
struct ChunkLoad: Sendable {
    let destination: any Destination
    let staging: StagingArea
    let target: LoadTarget
    let route: WriteRoute
    let census: Census
    /// What earlier runs left; `nil` = the run does not go on from any.
    let delta: LoadDelta?
    let batchBytesMax: ByteCount
    /// Bounds and adapts the writes that are under way at once.
    let writes: AdaptiveConcurrency
    let clock: any WallClock
    let progress: any ProgressSink

    /// A refused row or a row that ends without being sent; both get their outcome when the chunk is spent.
    struct Remainder: Sendable {
        var refusals: [BatchWrite.Refusal] = []
        var skipped: [(row: LoadRow, code: ErrorCode?, targetID: String?)] = []
        /// Found as they were to be written, by an attempt that was cut off.
        var arrived: [LoadRow] = []
    }

    func load(_ lease: ChunkLease) async throws {
        let sequence = lease.chunk.address.sequence
        let (batches, isHeld) = try await staging.manifest.read { [target] view in
            (
                try view.batches(of: target.stream, states: [.open, .ambiguous, .settled], chunkSequence: sequence),
                try !view.holds(of: target.stream).isEmpty
            )
        }
        let cutOff = batches.filter { $0.state != .settled }
        var remainder = Remainder()
        if !cutOff.isEmpty { remainder.refusals += try await resolve(cutOff, lease.chunk) }
        let sent = SentLines(cutOff)
        let refusedLines = Set(remainder.refusals.map(\.row.line))
        let shelf = target.content.map { ContentShelf(staging, target.stream, $0) }
        try await withThrowingTaskGroup(of: Remainder.self) { group in
            var underWay = 0
            func finishOne() async throws -> Bool {
                guard let finished = try await group.next() else { return false }
                remainder.add(finished)
                underWay -= 1
                return true
            }
            try await forEachBatch(of: lease.chunk, mayHaveOutcomes: !batches.isEmpty || isHeld, without: refusedLines)
            { lines in
                // Two more batches than are written at once are prepared, no further ones.
                if underWay >= writes.limitMax + 2 { _ = try await finishOne() }
                var lines = lines
                if let shelf {
                    let supplied = try await supply(lines, from: shelf) {
                        // What is done makes room on the disk for what is waited for.
                        if try await finishOne() { return }
                        try await shelf.release(finished: remainder.ordinals)
                        try await clock.sleep(for: Self.pollInterval)
                    }
                    remainder.refusals += supplied.refusals
                    progress.advance(.load, target.stream, by: supplied.refusals.count)
                    progress.reject(.load, target.stream, by: supplied.refusals.count)
                    lines = supplied.rows
                    if let first = lines.first, await shelf.movesOn(to: first) {
                        try await shelf.release(finished: remainder.ordinals)
                    }
                }
                guard !lines.isEmpty else { return }
                underWay += 1
                group.addTask { [lines] in try await write(lines, sequence, sent) }
            }
            while try await finishOne() {}
        }
        try await spend(lease, remainder)
        try await shelf?.release(finished: [])
    }

    /// How long to wait before looking again for a content that is not staged yet.
    private static let pollInterval = Duration.milliseconds(100)

    /// Gives rows their contents; those whose content cannot be had are refused.
    ///
    /// - Parameter wait: called as long as a content is not staged.
    private func supply(
        _ rows: [LoadRow], from shelf: ContentShelf, _ wait: () async throws -> Void
    ) async throws -> (rows: [LoadRow], refusals: [BatchWrite.Refusal]) {
        var supplied: [LoadRow] = []
        var refusals: [BatchWrite.Refusal] = []
        for row in rows {
            while true {
                try Task.checkCancellation()
                switch try await shelf.supply(row) {
                case .ready(let row): supplied.append(row)
                case .refused(let rejection):
                    // The links that the row carries share its fate.
                    for assembled in try await RowAssembly(staging: staging, target: target).assemble([row]) {
                        refusals.append(.init(row: assembled.row, rejection: rejection))
                    }
                case .awaited:
                    try await wait()
                    continue
                }
                break
            }
        }
        return (supplied, refusals)
    }

    /// Cuts the lines that have no outcome yet into batches.
    ///
    /// - Parameter mayHaveOutcomes: false if none can: before its first batch nothing of the chunk has one, unless
    ///   somebody has asked for records to be held back.
    private func forEachBatch(
        of chunk: Chunk, mayHaveOutcomes: Bool = true, without refused: Set<Int>,
        _ body: ([LoadRow]) async throws -> Void
    ) async throws {
        var reader = try staging.openChunkReader(chunk)
        var block: [UInt8] = []
        var reading = ReadyLineReader()
        let assembly = RowAssembly(staging: staging, target: target)
        var number = 0
        var batch: [LoadRow] = []
        var bytes = 0
        while try reader.next(into: &block) {
            var lines: [LoadRow] = []
            for range in LineRanges(block) {
                let record = try block[range].withUnsafeBufferPointer { try reading.read($0) }
                lines.append(LoadRow(line: number, record: record, key: assembly.key(of: record)))
                number += 1
            }
            for line in mayHaveOutcomes ? try await pending(lines) : lines where !refused.contains(line.line) {
                if batch.count >= recordsMax || (bytes + line.bytes > batchBytesMax.bytes && !batch.isEmpty) {
                    try await body(batch)
                    batch = []
                    bytes = 0
                }
                batch.append(line)
                bytes += line.bytes
            }
        }
        if !batch.isEmpty { try await body(batch) }
    }

    /// A row with content is written alone.
    private var recordsMax: Int { target.content == nil ? route.recordsMax : 1 }

    /// The lines whose records have no outcome.
    private func pending(_ lines: [LoadRow]) async throws -> [LoadRow] {
        let ordinals = lines.map(\.record.ordinal).sorted()
        let known = try await staging.manifest.read { [target] in
            Set(try $0.outcomes(of: target.stream, ordinals: ordinals).map(\.ordinal))
        }
        return known.isEmpty ? lines : lines.filter { !known.contains($0.record.ordinal) }
    }

    private func write(_ lines: [LoadRow], _ sequence: Int, _ sent: SentLines) async throws -> Remainder {
        try await writes.run {
            var remainder = Remainder()
            var rows: [LoadRow] = []
            let assembly = RowAssembly(staging: staging, target: target)
            for assembled in try await assembly.assemble(lines) {
                switch assembled {
                case .row(let row): rows.append(row)
                case .rejected(let row, let rejection):
                    remainder.refusals.append(.init(row: row, rejection: rejection))
                case .skipped(let row, let code): remainder.skipped.append((row, code, row.row.targetID))
                }
            }
            let changed = try await changes(&rows, &remainder)
            let existing = ExistingRecords(
                destination: destination, staging: staging, target: target, route: route, census: census)
            let found = try await existing.find(rows, knownAsNew: sent.asNew)
            for (row, id) in found.skipped { remainder.skipped.append((row, nil, id)) }
            var written = changed.isEmpty ? found.rows : (found.rows + changed).sorted { $0.line < $1.line }
            if target.content != nil {
                for number in written.indices { try await dropHeldContent(of: &written[number]) }
            }
            remainder.refusals += try await batchWrite.write(written, ofChunk: sequence, doubtful: sent.all)
            progress.advance(.load, target.stream, by: lines.count)
            progress.reject(.load, target.stream, by: remainder.refusals.count)
            return remainder
        }
    }

    /// Takes the content off a row that changes a record which holds it already, or of which only empty fields are set.
    private func dropHeldContent(of row: inout LoadRow) async throws {
        guard let content = row.row.content, let before = row.before, var staged = row.staged else { return }
        if before.origin != .completed {
            guard try await HeldContent.agrees(content, target.object, before.id, at: destination) else { return }
        }
        row.row.content = nil
        // An undo need not take it back.
        (staged.state, staged.place, staged.lastSequence) = (.unchanged, nil, nil)
        let (kept, stream) = (staged, target.stream)
        try await staging.manifest.commit { try $0.record([kept], of: stream) }
    }

    /// Takes the rows that an earlier run brought out of `rows`; gives back those that have to be written again.
    private func changes(_ rows: inout [LoadRow], _ remainder: inout Remainder) async throws -> [LoadRow] {
        guard let delta else { return [] }
        let comparison = DeltaComparison(delta: delta, destination: destination, staging: staging, target: target)
        let sorted = try await comparison.sort(rows)
        rows = sorted.new
        remainder.skipped += sorted.skipped
        remainder.refusals += sorted.refusals
        remainder.arrived += sorted.arrived
        return sorted.changed
    }

    private var batchWrite: BatchWrite {
        BatchWrite(
            destination: destination, staging: staging, target: target, route: route, census: census, clock: clock)
    }

    /// Looks up the batches that were under way when an earlier process ended.
    func resolve(_ batches: [StagedBatch], _ chunk: Chunk) async throws -> [BatchWrite.Refusal] {
        var refusals: [BatchWrite.Refusal] = []
        for batch in batches {
            var rows: [LoadRow] = []
            try await forEachBatch(of: chunk, without: []) { lines in
                var inside = lines.filter { batch.lines.contains($0.line) }
                if let content = target.content, !inside.isEmpty {
                    let shelf = ContentShelf(staging, target.stream, content)
                    inside = try await supply(inside, from: shelf) { try await clock.sleep(for: Self.pollInterval) }
                        .rows
                }
                let assembly = RowAssembly(staging: staging, target: target)
                for case .row(let row) in try await assembly.assemble(inside) {
                    rows.append(row)
                }
            }
            refusals += try await batchWrite.resolve(rows, batch)
        }
        return refusals
    }

    /// Seals what was refused and ends the use of the chunk, in one commit with the outcomes that were left open.
    private func spend(_ lease: ChunkLease, _ remainder: Remainder) async throws {
        let stream = target.stream
        let isLink = target.isLink
        var outcomes: [RecordOutcome] = []
        var links: [StreamName: [RecordOutcome]] = [:]
        for (row, code, targetID) in remainder.skipped {
            outcomes.append(
                RecordOutcome(
                    ordinal: row.record.ordinal, outcome: .skipped, code: code,
                    sourceID: isLink ? nil : row.record.sourceID, targetID: targetID))
            for (stream, outcome) in row.linkOutcomes(unwritten: .skipped, code) {
                links[stream, default: []].append(outcome)
            }
        }
        for row in remainder.arrived {
            outcomes.append(
                RecordOutcome(
                    ordinal: row.record.ordinal, outcome: .updated, sourceID: isLink ? nil : row.record.sourceID,
                    targetID: row.row.targetID))
            for (stream, outcome) in row.linkOutcomes(isUpdate: true) { links[stream, default: []].append(outcome) }
        }
        for refusal in remainder.refusals {
            outcomes.append(
                RecordOutcome(
                    ordinal: refusal.row.record.ordinal, outcome: .rejected, code: refusal.rejection.code,
                    sourceID: isLink ? nil : refusal.row.record.sourceID))
            for (stream, outcome) in refusal.row.linkOutcomes(unwritten: .rejected, .parentNotLoaded) {
                links[stream, default: []].append(outcome)
            }
        }
        let (settled, settledLinks) = (outcomes, links)
        let finish: @Sendable (ManifestTransaction) throws -> Void = { transaction in
            try LoadOutcomes.record(settled, links: settledLinks, of: stream, transaction)
            try transaction.removeSettledBatches(of: stream, chunkSequence: lease.chunk.address.sequence)
            try transaction.spend(lease)
        }
        guard !remainder.refusals.isEmpty else {
            try await staging.manifest.commit(finish)
            return
        }
        let refusals = remainder.refusals.sorted { $0.row.record.ordinal < $1.row.record.ordinal }
        _ = try await staging.withChunkWriter(stream, .rejects) { transaction, chunk in
            try transaction.recordRejects(
                refusals.enumerated().map { line, refusal in
                    Reject(
                        ordinal: refusal.row.record.ordinal, stage: .load,
                        sourceID: isLink ? nil : refusal.row.record.sourceID, code: refusal.rejection.code,
                        vendorCode: refusal.rejection.vendorCode, fields: refusal.rejection.fields,
                        chunkSequence: chunk.address.sequence, line: line)
                }, of: stream)
            try finish(transaction)
        } _: { writer in
            for refusal in refusals { try writer.append(refusal.line, records: 1) }
        }
    }
}

extension ChunkLoad.Remainder {
    /// The records that are done although they have no outcome yet.
    fileprivate var ordinals: Set<Int> {
        Set(refusals.map(\.row.record.ordinal) + skipped.map(\.row.record.ordinal) + arrived.map(\.record.ordinal))
    }

    fileprivate mutating func add(_ other: Self) {
        refusals += other.refusals
        skipped += other.skipped
        arrived += other.arrived
    }
}

extension BatchWrite.Refusal {
    /// The line of the rejects chunk: the reason, and the ready line to send again.
    fileprivate var line: [UInt8] {
        var record: [UInt8] = []
        row.record.append(to: &record)
        var line: [UInt8] = []
        RejectLine(
            stage: .load, ordinal: row.record.ordinal, sourceID: row.record.sourceID, rejection: rejection,
            record: Array(record.dropLast())
        ).append(to: &line)
        return line
    }
}

/// The lines of a chunk that were sent by writes which were cut off.
struct SentLines: Sendable {
    /// Those that had no record then, as far as was known.
    let asNew: Set<Int>
    let all: Set<Int>

    init(_ batches: [StagedBatch]) {
        var (all, old): (Set<Int>, Set<Int>) = ([], [])
        for batch in batches {
            let plan = WritePlan(batch.route)
            all.formUnion(batch.lines)
            old.formUnion(plan.matched)
            old.formUnion(plan.held)
        }
        self.all = all
        asNew = all.subtracting(old)
    }
}
