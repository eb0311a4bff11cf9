// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezJSON
import MigratezModel
package import MigratezStaging

/// What the transform of one stream makes: ready lines, rejected records and outcomes, made durable together.
///
/// A commit seals the rejects chunk first and then, in one manifest transaction, the ready chunk with all outcomes and
/// the place to go on from. A crash between the two leaves a rejects chunk that nothing refers to; it goes with the run.
struct TransformOutput: ~Copyable {
    private let staging: StagingArea
    private let stream: StreamName
    private let mapping: MappingTally?
    /// What marks the records whose owner was replaced; nil = nothing.
    private let ownerTag: String?
    /// Outcomes that are held before a commit at most.
    private static let outcomesMax = 50_000
    private var ready: ChunkWriter?
    private var rejects: ChunkWriter?
    /// Ready lines that are not in the chunk yet: in larger pieces, compressing costs less for each.
    private var readyLines = JSONWriter()
    private var readyCount = 0
    private static let readyBytes = 64 << 10
    /// The reject line that is being made.
    private var rejectLine: [UInt8] = []
    private var outcomes: [RecordOutcome] = []
    private var rejectRows: [Reject] = []
    private var tagged: [Int] = []
    private var mergeGroups = 0
    private var linkOutcomes: [StreamName: [RecordOutcome]] = [:]
    private var linkRejects: [StreamName: [Reject]] = [:]
    /// Outcomes of records and of links since the last commit.
    private var pendingOutcomes = 0
    private(set) var tally = TransformTally()

    /// - Parameter mapping: counts what is done to the records that are put in here; each commit keeps what came since
    ///   the one before.
    init(staging: StagingArea, stream: StreamName, mapping: MappingTally?, ownerTag: String?) {
        self.staging = staging
        self.stream = stream
        self.mapping = mapping
        self.ownerTag = ownerTag
    }

    /// Makes sure that the writers are open; to be called before a block of lines is worked through.
    mutating func open() async throws {
        if ready == nil { ready = try await staging.openChunkWriter(stream, .ready) }
        if rejects == nil { rejects = try await staging.openChunkWriter(stream, .rejects) }
    }

    mutating func append(_ line: ReadyLine) throws {
        line.write(to: &readyLines)
        try countLine()
    }

    /// Puts in the line of a link that has nothing but its ends.
    mutating func append(_ link: Int, from: Int, to: Int, by writer: borrowing LinkLineWriter) throws {
        writer.write(link, from: from, to: to, into: &readyLines)
        try countLine()
    }

    private mutating func countLine() throws {
        readyCount += 1
        tally.ready += 1
        if readyLines.bytes.count >= Self.readyBytes { try flush() }
    }

    private mutating func flush() throws {
        guard readyCount > 0 else { return }
        try ready?.append(readyLines.bytes, records: readyCount)
        readyLines.removeAll()
        readyCount = 0
    }

    mutating func reject(
        ordinal: Int, sourceID: String?, _ rejection: Rejection, record: UnsafeBufferPointer<UInt8>,
        references: [ReadyLine.Reference] = [], provenance: RecordProvenance = RecordProvenance()
    ) throws {
        rejectLine.removeAll(keepingCapacity: true)
        RejectLine(
            stage: .transform, ordinal: ordinal, sourceID: sourceID ?? "", rejection: rejection, record: Array(record),
            references: references, provenance: provenance
        ).append(to: &rejectLine)
        let line = rejects?.records
        try rejects?.append(rejectLine, records: 1)
        rejectRows.append(
            Reject(
                ordinal: ordinal, stage: .transform, sourceID: sourceID, code: rejection.code,
                fields: rejection.fields, chunkSequence: rejects?.address.sequence, line: line))
        settle(ordinal, sourceID: sourceID, .rejected, rejection.code)
        tally.rejected += 1
    }

    mutating func settle(
        _ ordinal: Int, sourceID: String?, _ outcome: Outcome, _ code: ErrorCode? = nil, survivor: Int? = nil
    ) {
        outcomes.append(
            RecordOutcome(ordinal: ordinal, outcome: outcome, code: code, sourceID: sourceID, survivor: survivor))
        pendingOutcomes += 1
        tally.settled += 1
    }

    /// Notes that one record stands for others, too.
    mutating func countMergeGroup() { mergeGroups += 1 }

    /// Notes that the record belongs to somebody else than in the source.
    mutating func tagOwner(_ ordinal: Int) {
        if ownerTag != nil { tagged.append(ordinal) }
    }

    mutating func settleLink(_ link: StreamName, _ edge: Int, _ outcome: Outcome, _ code: ErrorCode? = nil) {
        pendingOutcomes += 1
        linkOutcomes[link, default: []].append(RecordOutcome(ordinal: edge, outcome: outcome, code: code))
        if outcome == .rejected {
            linkRejects[link, default: []].append(
                Reject(ordinal: edge, stage: .transform, sourceID: nil, code: code ?? .parentMissing))
        }
    }

    /// Whether it is time for a commit.
    var isFull: Bool {
        mutating get throws {
            try flush()
            if ready?.isFull == true { return true }
            if rejects?.isFull == true { return true }
            return pendingOutcomes >= Self.outcomesMax
        }
    }

    /// Makes everything durable, with `position` as the place to go on from.
    mutating func commit(_ position: TransformPosition, isLast: Bool = false) async throws {
        try flush()
        if let writer = self.rejects.take() {
            if writer.records > 0 { _ = try await writer.seal() } else { try await writer.withdraw() }
        }
        let change = change(position, isLast: isLast)
        if let writer = self.ready.take() {
            if writer.records > 0 {
                _ = try await writer.seal { transaction, _ in try change(transaction) }
            } else {
                try await writer.withdraw()
                try await staging.manifest.commit(change)
            }
        } else {
            try await staging.manifest.commit(change)
        }
        outcomes.removeAll(keepingCapacity: true)
        rejectRows.removeAll(keepingCapacity: true)
        tagged.removeAll(keepingCapacity: true)
        mergeGroups = 0
        linkOutcomes.removeAll()
        linkRejects.removeAll()
        pendingOutcomes = 0
    }

    /// Gives up what has not been committed.
    mutating func discard() async {
        if let writer = self.rejects.take() { await writer.discard() }
        if let writer = self.ready.take() { await writer.discard() }
    }

    private func change(
        _ position: TransformPosition, isLast: Bool
    ) -> @Sendable (ManifestTransaction) throws -> Void {
        let (stream, outcomes, rejectRows) = (stream, outcomes, rejectRows)
        let (linkOutcomes, linkRejects) = (linkOutcomes, linkRejects)
        let (tagged, ownerTag) = (tagged, ownerTag)
        let counts =
            (mapping?.takeCounts() ?? [])
            + (mergeGroups > 0 ? [FieldCount(field: "", measure: FieldCount.mergeGroups, count: mergeGroups)] : [])
        return { transaction in
            try transaction.recordOutcomes(
                outcomes.sorted { $0.ordinal < $1.ordinal }, of: stream, in: .transform)
            try transaction.recordRejects(rejectRows, of: stream)
            try transaction.add(counts, of: stream)
            if let ownerTag, !tagged.isEmpty { try transaction.tag(tagged, of: stream, as: ownerTag) }
            for (link, outcomes) in linkOutcomes {
                try transaction.recordOutcomes(
                    outcomes.sorted { $0.ordinal < $1.ordinal }, of: link, in: .transform)
                try transaction.recordRejects(linkRejects[link] ?? [], of: link)
            }
            try transaction.setNote(TransformPosition.key(stream), isLast ? nil : position.text)
            try transaction.set(.transform, of: stream, to: isLast ? .done : .running)
        }
    }
}

extension MappingTally {
    /// What was counted since the last call, as the manifest keeps it.
    package func takeCounts() -> [FieldCount] {
        let (records, entries) = take()
        guard records > 0 else { return [] }
        return [FieldCount(field: "", measure: FieldCount.mapped, count: records)]
            + entries.map { FieldCount(field: $0.field, measure: $0.event.name, count: $0.count) }
    }
}

/// What happened since the start of the transform, for progress.
struct TransformTally {
    var ready = 0
    var settled = 0
    var rejected = 0
}

/// How far the second pass of a transform has got: first all records in order, then the groups in order.
enum TransformPosition: Equatable {
    /// Records before this ordinal that have no duplicates are done.
    case record(Int)
    /// Groups whose smallest ordinal is below this one are done.
    case group(Int)

    static let start = TransformPosition.record(0)

    /// The manifest note that holds it.
    static func key(_ stream: StreamName) -> String { "transform.\(stream)" }

    var text: String {
        switch self {
        case .record(let ordinal): "record \(ordinal)"
        case .group(let ordinal): "group \(ordinal)"
        }
    }

    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 2, let ordinal = Int(words[1]) else { return nil }
        switch words[0] {
        case "record": self = .record(ordinal)
        case "group": self = .group(ordinal)
        default: return nil
        }
    }
}
