// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezCrypto
import MigratezModel
import MigratezStaging

/// The content chunk that is being filled, and what is to be noted when it is sealed.
struct ContentOutput: ~Copyable {
    /// A file that is being staged.
    struct File {
        var ordinal: Int
        var version: String?
        var place: StagedContent.Place?
        var parts = 0
        var bytes = 0
        /// What its sealed chunks take on the disk.
        var storedBytes = 0

        init(ordinal: Int, version: String?) {
            self.ordinal = ordinal
            self.version = version
        }
    }

    private let staging: StagingArea
    private let stream: StreamName
    private let chunkAgeMax: Duration
    private let clock: any WallClock
    private var writer: ChunkWriter?
    private var opened: Timestamp
    /// Contents of which the open chunk holds the end.
    private var complete: [StagedContent] = []
    /// Whether a line was being put in when something failed.
    private var isWhole = true

    init(staging: StagingArea, stream: StreamName, chunkAgeMax: Duration, clock: any WallClock) {
        self.staging = staging
        self.stream = stream
        self.chunkAgeMax = chunkAgeMax
        self.clock = clock
        opened = clock.now
    }

    /// Notes contents of which nothing is staged.
    mutating func note(_ contents: [StagedContent]) async throws {
        let stream = stream
        try await staging.manifest.commit { try $0.record(contents, of: stream) }
    }

    /// Stages one content to its end.
    ///
    /// - Returns: why the source was cut off in the middle; `nil` = the content is staged, or known to be unavailable.
    mutating func stage(_ file: consuming File, from buffer: PieceBuffer) async throws -> MigratezError? {
        var hash = SHA256()
        var pending: [UInt8] = []
        while true {
            let piece: [UInt8]?
            do {
                piece = try await buffer.next()
            } catch let rejection as Rejection {
                try await put(rejection, file)
                return nil
            } catch let error as MigratezError {
                guard error.remedy == .rejectRecord else { return error }
                try await put(Rejection(error.code, reason: error.message), file)
                return nil
            }
            guard let piece else { break }
            hash.update(piece)
            file.bytes += piece.count
            pending += piece
            while pending.count >= RowContent.pieceBytesMax {
                try await put(Array(pending[..<RowContent.pieceBytesMax]), &file)
                pending.removeFirst(RowContent.pieceBytesMax)
            }
        }
        if !pending.isEmpty { try await put(pending, &file) }
        let digest = hash.finish()
        let place = try await place(of: &file)
        try append(.end(ordinal: file.ordinal, parts: file.parts, bytes: file.bytes, sha256: digest))
        complete.append(
            StagedContent(
                ordinal: file.ordinal, state: .whole, place: place, lastSequence: writer?.address.sequence,
                bytes: file.bytes, sha256: digest, version: file.version))
        return nil
    }

    /// Seals the open chunk if it has its size or its age, and tells whether it was.
    mutating func sealIfFull() async throws -> Bool {
        guard let isFull = writer?.isFull, isFull || clock.now.duration(since: opened) >= chunkAgeMax else {
            return false
        }
        return try await seal(nil) != nil
    }

    /// Seals what is open.
    mutating func finish() async throws { try await seal(nil) }

    /// Seals the contents that were read before an error, so that they need not be read again. If that fails, too, they
    /// are: the error that came first is the one to tell.
    mutating func keepWhatIsComplete() async {
        if isWhole, !complete.isEmpty {
            do { try await seal(nil) } catch { return }
        } else if let writer = self.writer.take() {
            await writer.discard()
        }
    }

    private mutating func put(_ piece: [UInt8], _ file: inout File) async throws {
        if writer?.isFull == true {
            let chunk = try await seal(file)
            file.storedBytes += chunk?.storedBytes ?? 0
            try checkRoom(for: file)
        }
        _ = try await place(of: &file)
        try append(.part(ordinal: file.ordinal, number: file.parts, data: piece))
        file.parts += 1
    }

    /// Says that the source does not give the content.
    private mutating func put(_ rejection: Rejection, _ file: consuming File) async throws {
        // What came before it is not its beginning any more.
        file.place = nil
        let place = try await place(of: &file)
        try append(.unavailable(ordinal: file.ordinal, rejection))
        complete.append(
            StagedContent(
                ordinal: file.ordinal, state: .unavailable, place: place, lastSequence: place.sequence,
                version: file.version))
    }

    private mutating func append(_ line: ContentLine) throws {
        isWhole = false
        try writer?.append(line.bytes, records: 1)
        isWhole = true
    }

    /// Where the file begins: here, if it has not begun yet.
    private mutating func place(of file: inout File) async throws -> StagedContent.Place {
        if writer == nil {
            writer = try await staging.openChunkWriter(stream, .content)
            opened = clock.now
        }
        if let place = file.place { return place }
        guard let sequence = writer?.address.sequence, let line = writer?.records else {
            throw MigratezError(.internalError, "a content chunk was opened and is not there")
        }
        let place = StagedContent.Place(sequence: sequence, line: line)
        file.place = place
        return place
    }

    /// A file is loaded when all of it is staged, so it cannot be larger than the disk may hold.
    private func checkRoom(for file: borrowing File) throws(MigratezError) {
        let needed = file.storedBytes + 2 * staging.settings.chunkBytes.bytes
        guard needed > staging.settings.diskLimit.bytes else { return }
        throw MigratezError(
            .diskBudget, "record \(file.ordinal) of '\(stream)' has more content than staging may hold",
            remedy: .fixConfiguration,
            hint: "raise staging.disk_limit, or set a limit in the pipeline: content: {max: …}")
    }

    /// Seals the open chunk with what is complete in it.
    ///
    /// - Parameter open: the file that goes on in the next chunk.
    @discardableResult
    private mutating func seal(_ open: File?) async throws -> Chunk? {
        guard let writer = self.writer.take() else { return nil }
        let stream = stream
        var contents = complete
        complete = []
        if let open, let place = open.place {
            contents.append(StagedContent(ordinal: open.ordinal, state: .partial, place: place, bytes: open.bytes))
        }
        let noted = contents
        return try await writer.seal { transaction, _ in try transaction.record(noted, of: stream) }
    }
}
