// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezModel
import MigratezStaging

/// Gives the rows of a stream their contents, and lets go of the chunks of those that are done.
///
/// Rows come in the order in which their contents lie, so one reader serves all small contents. A large one gets a reader
/// of its own when it is sent.
actor ContentShelf {
    private let staging: StagingArea
    private let stream: StreamName
    private let target: LoadTarget.Content
    private let lines: ContentLines
    /// The chunk that the last row's content begins in.
    private var sequence: Int?

    init(_ staging: StagingArea, _ stream: StreamName, _ target: LoadTarget.Content) {
        self.staging = staging
        self.stream = stream
        self.target = target
        lines = ContentLines(staging, stream)
    }

    /// What becomes of a row by its content.
    enum Verdict {
        case ready(LoadRow)
        case refused(Rejection)
        /// It is not staged yet.
        case awaited
    }

    /// Looks for the content of a row.
    func supply(_ row: LoadRow) async throws -> Verdict {
        let (stream, ordinal) = (stream, row.record.ordinal)
        guard
            let content = try await staging.manifest.read({ try $0.contents(of: stream, ordinals: [ordinal]) }).first
        else { return .awaited }
        var row = row
        row.staged = content
        switch content.state {
        case .partial: return .awaited
        case .unchanged: return .ready(row)
        case .unavailable: return .refused(try await rejection(content))
        case .whole:
            row.row.content = try await rowContent(content)
            return .ready(row)
        }
    }

    /// Whether the row's content begins in another chunk than that of the row before.
    func movesOn(to row: LoadRow) -> Bool {
        defer { sequence = row.staged?.place?.sequence ?? sequence }
        return row.staged?.place.map { $0.sequence != sequence } ?? false
    }

    /// Ends the use of chunks that no row needs any more.
    ///
    /// - Parameter finished: ordinals of rows that get their outcome when their ready chunk is spent.
    func release(finished: Set<Int>) async throws {
        let stream = stream
        let spent = try await staging.manifest.commit { transaction in
            let done = try transaction.contentChunksDone(of: stream, finished: finished)
            for chunk in done { try transaction.retire(chunk.address) }
            return try done.compactMap { try transaction.chunk($0.address) }
        }
        if target.shredsSpent { try await staging.shred(spent: spent) }
    }

    private func rowContent(_ content: StagedContent) async throws -> RowContent {
        let digest = content.sha256 ?? []
        guard content.bytes > RowContent.pieceBytesMax else {
            let pieces = StagedPieces(content, of: lines)
            var data: [UInt8] = []
            while let piece = try await pieces.next() { data += piece }
            return RowContent(field: target.field, sha256: digest, data)
        }
        let (staging, stream) = (staging, stream)
        return RowContent(field: target.field, bytes: content.bytes, sha256: digest) {
            let pieces = StagedPieces(content, of: ContentLines(staging, stream))
            return { try await pieces.next() }
        }
    }

    private func rejection(_ content: StagedContent) async throws -> Rejection {
        if let place = content.place {
            try await lines.seek(place)
            if case .unavailable(content.ordinal, var rejection) = try await lines.next() {
                rejection.fields = [target.field]
                return rejection
            }
        }
        throw MigratezError(.chunkCorrupt, "content chunks of '\(stream)' do not say why a content is missing")
    }
}
