// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
package import MigratezCrypto
import MigratezJSON
package import MigratezModel
package import MigratezStaging

/// A person's request about what is staged of her in one run: to have it erased, or held back.
///
/// It works on records that the destination does not hold yet; of those that were loaded it tells the destination's ids.
/// Each record keeps its place and gets the outcome `skipped` with the reason, so that the balance closes; its links are
/// skipped with it. First the records are held back, in one commit, so that nothing can load them any more; then the
/// lines are replaced, chunk by chunk. Cut off between, the request is made again.
///
/// What stays of an erased record until the run is shredded: its id in the source, where the mapping noted it before, and
/// links that name that id.
package struct SubjectRequest: Sendable {
    /// What was done, for the person and for whoever handled the request.
    package struct Receipt: Sendable {
        /// The keyed name of the person; nobody can learn the address from it.
        package var subject: Pseudonym
        /// Records that are held back from now on, or were before.
        package var held: [SubjectRecord]
        /// Records that the destination holds; their staged copies stay until the run is shredded.
        package var loaded: [SubjectRecord]
        /// Chunks that were sealed anew without the person's values.
        package var chunks: [ChunkAddress] = []
    }

    private let staging: StagingArea
    private let wanted: SubjectIdentifiers

    /// - Parameter staging: of a run that this process owns.
    package init(_ wanted: SubjectIdentifiers, in staging: StagingArea) {
        self.staging = staging
        self.wanted = wanted
    }

    /// - Parameters:
    ///   - kind: whether the values are to be destroyed, or only not loaded.
    ///   - person: who handles the request.
    /// - Throws: `wrongRunState` if records of the person may still come or be under way.
    package func hold(as kind: HoldKind, by person: String) async throws -> Receipt {
        let scan = SubjectScan(run: staging)
        try await scan.requireRest(of: staging.folder.run)
        let records = try await scan.records(of: wanted)
        var receipt = Receipt(
            subject: wanted.subject, held: records.filter { !$0.isLoaded }, loaded: records.filter(\.isLoaded))
        guard !receipt.held.isEmpty else { return receipt }
        var links: [StreamName: [RecordOutcome]] = [:]
        let byStream = Dictionary(grouping: receipt.held, by: \.stream)
        for (stream, records) in byStream {
            var reader = ReadyLineReader()
            try await scan.forEachLine(of: stream, .ready, about: Self.open(records)) { line, _ in
                for reference in try reader.read(line.bytes).references {
                    guard let link = reference.link, let edge = reference.edge else { continue }
                    links[link, default: []].append(RecordOutcome(ordinal: edge, outcome: .skipped, code: kind.code))
                }
            }
        }
        try await commit(kind, byStream, links, by: person)
        if kind == .erased {
            for (stream, records) in byStream {
                receipt.chunks += try await erase(Set(records.map(\.ordinal)), of: stream, scan)
            }
        }
        for place in receipt.held.indices where receipt.held[place].hold != .erased { receipt.held[place].hold = kind }
        return receipt
    }

    /// Records that have no end yet, or were rejected and could be tried again.
    private static func open(_ records: [SubjectRecord]) -> Set<Int> {
        Set(records.filter { $0.outcome == nil || $0.outcome?.outcome == .rejected }.map(\.ordinal))
    }

    private func commit(
        _ kind: HoldKind, _ byStream: [StreamName: [SubjectRecord]], _ links: [StreamName: [RecordOutcome]],
        by person: String
    ) async throws {
        let subject = wanted.subject
        try await staging.manifest.commit { transaction in
            for (stream, records) in byStream.sorted(by: { $0.key.text < $1.key.text }) {
                try transaction.hold(records.map(\.ordinal), of: stream, as: kind, subject: subject)
                let open = Self.open(records).union(records.filter { $0.hold != nil }.map(\.ordinal)).sorted()
                let outcomes = open.map { RecordOutcome(ordinal: $0, outcome: .skipped, code: kind.code) }
                let isMapped = try transaction.stream(stream)?.state(of: .transform) == .done
                try transaction.recordOutcomes(outcomes, of: stream, in: isMapped ? .load : .transform)
                try transaction.removeRejects(of: stream, ordinals: open)
                try transaction.audit(actor: person, action: kind.rawValue, detail: "\(records.count) of \(stream)")
            }
            for (link, outcomes) in links {
                try transaction.recordOutcomes(outcomes.sorted { $0.ordinal < $1.ordinal }, of: link, in: .load)
            }
        }
    }

    /// Replaces every line that is about one of the records.
    private func erase(
        _ records: Set<Int>, of stream: StreamName, _ scan: SubjectScan
    ) async throws -> [ChunkAddress] {
        var replaced: [ChunkAddress] = []
        for kind in SubjectScan.kinds + [.content] where kind != .before {
            var lines: [Chunk: [Int: [UInt8]]] = [:]
            try await scan.forEachLine(of: stream, kind, about: records) { line, _ in
                let blank = try Self.blank(line, kind)
                if !line.bytes.elementsEqual(blank.dropLast()) { lines[line.chunk, default: [:]][line.number] = blank }
            }
            for (chunk, lines) in lines.sorted(by: { $0.key.address.sequence < $1.key.address.sequence }) {
                try await staging.replaceLines(of: chunk) { number, _ in lines[number] }
                replaced.append(chunk.address)
            }
        }
        return replaced
    }

    /// What stands in the place of a line: its place, and nothing of the record but its id.
    private static func blank(_ line: SubjectLine, _ kind: ChunkKind) throws(MigratezError) -> [UInt8] {
        var blank: [UInt8] = []
        switch kind {
        case .raw: return ErasedLine.bytes
        case .ready:
            var reader = ReadyLineReader()
            let ready = try reader.read(line.bytes)
            ReadyLine(ordinal: ready.ordinal, sourceID: ready.sourceID, fields: Array("{}".utf8)).append(to: &blank)
        case .rejects:
            var index = RecordIndex(fields: nil)
            let reject = try RejectLine.parse(line.bytes, with: &index)
            RejectLine(
                stage: reject.stage, ordinal: reject.ordinal, sourceID: reject.sourceID,
                rejection: Rejection(.erasedOnRequest), record: Array("{}".utf8)
            ).append(to: &blank)
        case .content:
            var index = RecordIndex(fields: nil)
            return ContentLine.part(ordinal: try line.ordinal(with: &index), number: 0, data: []).bytes
        case .before, .spill: preconditionFailure("only lines of records that are not loaded are erased")
        }
        return blank
    }
}
