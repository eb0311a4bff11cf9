// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezModel
import MigratezStaging
import MigratezTransform

/// Brings the links that were left out because a record was rejected, once that record is tried again.
///
/// Which records are is told by notes on the ready chunks that they were put in, so that a process that ends in between
/// loses none. Whatever else was brought without them is looked through: a record that waited for one of them is tried
/// again, too, and a field that stayed empty for lack of one becomes a link of its own, written like one that leads back
/// to where it starts. Nothing else of a record that was loaded is written again: somebody may have edited it since.
struct LateLinks {
    private let run: Run
    private static let notePrefix = "retried."

    init(_ run: Run) { self.run = run }

    /// The note that says that the chunk's records were tried again.
    static func note(_ address: ChunkAddress) -> String { "\(notePrefix)\(address.stream).\(address.sequence)" }

    /// Puts what waited for the records that are tried again into ready chunks.
    func ready() async throws {
        guard try await !run.staging.manifest.read({ try $0.notes(prefix: Self.notePrefix) }).isEmpty else { return }
        let spec = run.plan.transform
        var retried: [StreamName: OrdinalSet] = [:]
        for stream in spec.loadOrder {
            try await readyWaiting(in: stream, spec.routes.filter { $0.from == stream && $0.isLookup }, for: retried)
            retried[stream] = try await retriedRecords(of: stream)
        }
        for route in spec.routes where !route.isLookup {
            try await readyWaiting(in: route.stream, [route], for: retried)
        }
        try await run.staging.manifest.commit { transaction in
            for note in try transaction.notes(prefix: Self.notePrefix) { try transaction.setNote(note.key, nil) }
        }
    }

    /// The records of the chunks that were noted.
    private func retriedRecords(of stream: StreamName) async throws -> OrdinalSet? {
        let prefix = "\(Self.notePrefix)\(stream)."
        let sequences = try await run.staging.manifest.read { try $0.notes(prefix: prefix) }
            .compactMap { Int($0.key.dropFirst(prefix.count)) }
        guard !sequences.isEmpty else { return nil }
        var ordinals = OrdinalSet()
        for chunk in try await run.staging.chunks(of: stream, kind: .ready)
        where sequences.contains(chunk.address.sequence) {
            try await run.staging.forEachReadyLine(of: chunk) { _ = ordinals.insert($0.ordinal) }
        }
        return ordinals
    }

    /// - Parameter routes: those whose links stand in the lines of the stream.
    private func readyWaiting(
        in stream: StreamName, _ routes: [LinkRoute], for retried: [StreamName: OrdinalSet]
    ) async throws {
        let streams = routes.filter { retried[$0.from] != nil || retried[$0.to] != nil }.map(\.stream)
        guard !streams.isEmpty, try await isAnyLeftOut(of: streams) else { return }
        let readying = Readying(run)
        try await run.staging.forEachReadyBatch(
            of: stream, upTo: Readying.chunkRecordsMax, facts: { _ in },
            where: { line in line.references.contains { retried[$0.stream]?.contains($0.ordinal) == true } },
            do: { lines, _ in
                let outcomes = try await run.staging.outcomes(of: stream, lines.map(\.ordinal))
                let leftOut = lines.filter { outcomes[$0.ordinal]?.isLeftOut == true }
                try await readying.stage(leftOut.map { .init(line: $0) }, of: stream, counts: [])
                let brought = lines.filter { outcomes[$0.ordinal]?.targetID != nil }
                for link in streams where link != stream {
                    let late = try await late(link, in: brought, of: stream, for: retried)
                    try await readying.stage(late.map { .init(line: $0) }, of: link, counts: [])
                }
            })
    }

    /// The links of one stream that stayed empty fields of these records, as lines of their own.
    private func late(
        _ link: StreamName, in records: [ReadyLine], of stream: StreamName, for retried: [StreamName: OrdinalSet]
    ) async throws -> [ReadyLine] {
        let lines = records.flatMap { record in
            record.references.compactMap { reference -> ReadyLine? in
                guard reference.link == link, let edge = reference.edge,
                    retried[reference.stream]?.contains(reference.ordinal) == true
                else { return nil }
                let onMissing = reference.onMissing
                return ReadyLine(
                    ordinal: edge, sourceID: "", fields: Array("{}".utf8),
                    references: [
                        .init(field: "", stream: stream, ordinal: record.ordinal, onMissing: onMissing),
                        .init(
                            field: reference.field, stream: reference.stream, ordinal: reference.ordinal,
                            onMissing: onMissing),
                    ])
            }
        }
        let outcomes = try await run.staging.outcomes(of: link, lines.map(\.ordinal))
        return lines.filter { outcomes[$0.ordinal]?.isLeftOut == true }
    }

    /// Spares the look through a million records where there is nothing to be found.
    private func isAnyLeftOut(of streams: [StreamName]) async throws -> Bool {
        try await run.staging.manifest.read { view in
            try streams.contains { try view.hasSkipped(of: $0, code: .parentNotLoaded) }
        }
    }
}

extension RecordOutcome {
    /// Whether it was not brought because something that it refers to was not.
    fileprivate var isLeftOut: Bool { outcome == .skipped && code == ErrorCode.parentNotLoaded.description }
}
