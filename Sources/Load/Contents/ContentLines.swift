// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezChunkLines
import MigratezJSON
import MigratezModel
import MigratezStaging

/// Reads the lines of a stream's content chunks from some place on, over the ends of chunks. For one reader at a time.
actor ContentLines {
    private let staging: StagingArea
    private let stream: StreamName
    private var reader: ChunkReader?
    /// Where the next line is.
    private var place = StagedContent.Place(sequence: 0, line: 0)
    private var block: [UInt8] = []
    private var ranges: ArraySlice<Range<Int>> = []
    private var index = RecordIndex(fields: nil)

    init(_ staging: StagingArea, _ stream: StreamName) {
        self.staging = staging
        self.stream = stream
    }

    /// Goes to a place; one that lies further on in the chunk that is open costs the lines between only.
    func seek(_ place: StagedContent.Place) async throws {
        if reader == nil || place.sequence != self.place.sequence || place.line < self.place.line {
            try await open(place.sequence)
        }
        while self.place.line < place.line {
            guard try fill() else { throw missing(place.sequence) }
            let skipped = min(ranges.count, place.line - self.place.line)
            ranges.removeFirst(skipped)
            self.place.line += skipped
        }
    }

    /// The next line, which may be the first of the next chunk.
    func next() async throws -> ContentLine {
        while try !fill() { try await open(place.sequence + 1) }
        let range = ranges.removeFirst()
        place.line += 1
        return try block[range].withUnsafeBufferPointer { try ContentLine($0, with: &index) }
    }

    /// Whether there is a line left in the open chunk.
    private func fill() throws -> Bool {
        while ranges.isEmpty {
            guard var reader = self.reader.take() else { return false }
            let hasMore = try reader.next(into: &block)
            self.reader = consume reader
            guard hasMore else { return false }
            ranges = Array(LineRanges(block))[...]
        }
        return true
    }

    private func open(_ sequence: Int) async throws {
        let address = ChunkAddress(stream: stream, kind: .content, sequence: sequence)
        guard let chunk = try await staging.manifest.read({ try $0.chunk(address) }) else { throw missing(sequence) }
        ranges = []
        reader = try staging.openChunkReader(chunk)
        place = StagedContent.Place(sequence: sequence, line: 0)
    }

    private func missing(_ sequence: Int) -> MigratezError {
        MigratezError(.chunkCorrupt, "content chunk \(sequence) of '\(stream)' does not hold what the manifest says")
    }
}

/// The bytes of one staged content, from the first one on.
actor StagedPieces {
    private let lines: ContentLines
    private let content: StagedContent
    private var part = 0
    private var bytes = 0
    private var isOpen = false

    init(_ content: StagedContent, of lines: ContentLines) {
        self.content = content
        self.lines = lines
    }

    /// The next piece; `nil` after the last one.
    func next() async throws -> [UInt8]? {
        if !isOpen {
            guard let place = content.place else { throw damaged }
            try await lines.seek(place)
            isOpen = true
        }
        switch try await lines.next() {
        case .part(content.ordinal, part, let data):
            part += 1
            bytes += data.count
            return data
        case .end(content.ordinal, part, bytes, let sha256) where bytes == content.bytes && sha256 == content.sha256:
            return nil
        default: throw damaged
        }
    }

    private var damaged: MigratezError {
        MigratezError(.chunkCorrupt, "the staged content of record \(content.ordinal) is not the one that was noted")
    }
}
