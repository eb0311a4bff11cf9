// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezChunkLines
package import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
package import MigratezModel
package import MigratezStaging

/// Reads the contents of records that were transformed into content chunks, in the order of the records, several at once.
///
/// What is to be read follows from the manifest alone: the records of the raw chunks that have no outcome and of whose
/// content nothing is staged. So a run that was cut off anywhere goes on by doing the same again. A content that the
/// source does not give is noted as such, and its record is rejected when it is loaded.
package struct ContentExtraction: Sendable {
    /// Which contents, and how.
    package struct Request: Sendable {
        package var stream: StreamName
        /// What the source says of the content of its records.
        package var schema: ContentSchema
        /// A larger file is not read: its record is rejected.
        package var bytesMax: ByteCount?

        package init(stream: StreamName, schema: ContentSchema, bytesMax: ByteCount?) {
            self.stream = stream
            self.schema = schema
            self.bytesMax = bytesMax
        }
    }

    private let source: any Source
    private let staging: StagingArea
    private let progress: any ProgressSink
    /// How many contents may be on their way at once.
    private let concurrency: Int
    private let chunkAgeMax: Duration
    private let clock: any WallClock
    /// Of these records (their ids, and the versions of their contents), the ids of those whose content an earlier run
    /// has brought as it is now; `nil` = the run does not go on from any.
    private let unchanged: (@Sendable ([(id: String, version: String)]) throws -> Set<String>)?
    /// How often a content is begun before the error is passed on.
    private static let attemptsMax = 4
    /// How much of each content may wait for the chunk that it comes into.
    private static let bufferBytes = 512 << 10
    /// How long to wait before looking again whether contents have been loaded that fill the disk.
    private static let pollInterval = Duration.milliseconds(100)

    package init(
        source: any Source, staging: StagingArea, concurrency: Int = 4, chunkAgeMax: Duration = .seconds(5),
        clock: any WallClock, progress: any ProgressSink,
        unchanged: (@Sendable ([(id: String, version: String)]) throws -> Set<String>)? = nil
    ) {
        self.source = source
        self.staging = staging
        self.concurrency = max(1, concurrency)
        self.chunkAgeMax = chunkAgeMax
        self.clock = clock
        self.progress = progress
        self.unchanged = unchanged
    }

    /// Reads what is missing; the transform of the stream must be complete.
    package func extract(_ request: Request) async throws {
        let stream = request.stream
        try await staging.manifest.commit { try $0.removeUselessContents(of: stream) }
        var output = ContentOutput(staging: staging, stream: stream, chunkAgeMax: chunkAgeMax, clock: clock)
        do {
            try await forEachGroup(request) { records in
                try await read(try await withoutUnchanged(records, &output), request, &output)
            }
            try await forEachGroupAgain(request) { records in
                try await read(records, request, &output)
            }
            try await output.finish()
            try await requireAll(of: stream)
        } catch {
            await output.keepWhatIsComplete()
            throw error
        }
    }

    /// Every record has its content, or the reason why there is none: whoever loads the records waits until it has.
    private func requireAll(of stream: StreamName) async throws {
        let missing = try await staging.manifest.read { view in
            var (number, missing) = (0, 0)
            for chunk in try view.chunks(of: stream, kind: .raw) {
                missing += try view.ordinalsWithoutContent(of: stream, number..<number + chunk.records).count
                number += chunk.records
            }
            return missing
        }
        guard missing == 0 else {
            throw MigratezError(
                .internalError, "the contents of \(missing) records of '\(stream)' were neither staged nor given up")
        }
    }

    // MARK: What is to be read

    /// A record whose content is to be read.
    private struct Wanted: Sendable {
        var ordinal: Int
        var id: String
        var record: ArraySlice<UInt8>
        var bytes: Int? = nil
        var version: String? = nil
    }

    /// The wanted records in their order, some at a time.
    private func forEachGroup(
        _ request: Request, _ body: ([Wanted]) async throws -> Void
    ) async throws {
        let stream = request.stream
        let layout = source.layout(of: stream)
        var index = RecordIndex(fields: layout.fields)
        var number = 0
        for chunk in try await staging.manifest.read({ try $0.chunks(of: stream, kind: .raw) }) {
            // Nothing of a chunk is wanted whose data is gone: its records have their outcomes.
            guard chunk.state != .shredded else {
                number += chunk.records
                continue
            }
            var reader = try staging.openChunkReader(chunk)
            var block: [UInt8] = []
            while try reader.next(into: &block) {
                try Task.checkCancellation()
                let lines = Array(LineRanges(block))
                let ordinalsHere = number..<number + lines.count
                let first = number
                number += lines.count
                let open = try await staging.manifest.read { try $0.ordinalsWithoutContent(of: stream, ordinalsHere) }
                var group: [Wanted] = []
                for ordinal in open {
                    let line = block[lines[ordinal - first]]
                    if let wanted = try Self.wanted(line, ordinal, layout, request, &index) { group.append(wanted) }
                }
                if !group.isEmpty { try await body(group) }
            }
        }
    }

    /// The wanted records of which only the ready lines are left: those that are tried again once their raw chunks are
    /// gone. The source is asked for them by their ids.
    private func forEachGroupAgain(_ request: Request, _ body: ([Wanted]) async throws -> Void) async throws {
        let stream = request.stream
        let layout = source.layout(of: stream)
        let fields = request.schema.versionFields + [request.schema.sizeField].compactMap(\.self)
        var index = RecordIndex(fields: layout.fields)
        for chunk in try await staging.manifest.read({ try $0.chunks(of: stream, kind: .ready, state: .sealed) }) {
            var reader = try staging.openChunkReader(chunk)
            var block: [UInt8] = []
            while try reader.next(into: &block) {
                try Task.checkCancellation()
                var ids: [Int: String] = [:]
                for range in LineRanges(block) {
                    try block[range].withUnsafeBufferPointer { line in
                        let head = try ReadyLine.head(line)
                        ids[head.ordinal] = JSONText.string(head.id, of: line)
                    }
                }
                let wantedIDs = ids
                let open = try await staging.manifest.read { view in
                    try wantedIDs.keys.sorted().filter {
                        try !view.ordinalsWithoutContent(of: stream, $0..<$0 + 1).isEmpty
                    }
                }
                guard !open.isEmpty else { continue }
                let page = try await source.readRecords(
                    of: stream, ids: open.compactMap { ids[$0] }, fields: fields)
                var records: [String: ArraySlice<UInt8>] = [:]
                for range in page.records {
                    let record = page.bytes[range]
                    let id = try record.withUnsafeBufferPointer { bytes in
                        try index.indexLine(bytes)
                        return index.sourceID(layout, in: bytes)
                    }
                    if let id { records[id] = record }
                }
                var group: [Wanted] = []
                for ordinal in open {
                    guard let id = ids[ordinal] else { continue }
                    let record = records[id] ?? []
                    let known = try record.isEmpty ? nil : Self.wanted(record, ordinal, layout, request, &index)
                    group.append(known ?? Wanted(ordinal: ordinal, id: id, record: []))
                }
                try await body(group)
            }
        }
    }

    private static func wanted(
        _ record: ArraySlice<UInt8>, _ ordinal: Int, _ layout: RecordLayout, _ request: Request,
        _ index: inout RecordIndex
    ) throws -> Wanted? {
        try record.withUnsafeBufferPointer { bytes in
            try index.indexLine(bytes)
            guard let id = index.sourceID(layout, in: bytes) else { return nil }
            let size = request.schema.sizeField.flatMap { index.slice($0) }
            return Wanted(
                ordinal: ordinal, id: id, record: record, bytes: size.flatMap { Int(index.string($0, in: bytes)) },
                version: version(request.schema.versionFields, of: bytes, index))
        }
    }

    /// A digest of the fields that tell whether a content has changed; `nil` if the record has a value in none.
    private static func version(
        _ fields: [String], of record: UnsafeBufferPointer<UInt8>, _ index: borrowing RecordIndex
    ) -> String? {
        let slices = fields.map { index.slice($0) }
        guard slices.contains(where: { $0?.isBlank == false }) else { return nil }
        var hash = SHA256()
        for slice in slices {
            if let slice { hash.update(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: record[slice.range]))) }
            hash.update([0x1F])
        }
        return Hex.encode(hash.finish())
    }

    /// Leaves out the contents that an earlier run has brought as they are, and notes them.
    private func withoutUnchanged(_ records: [Wanted], _ output: inout ContentOutput) async throws -> [Wanted] {
        guard let unchanged else { return records }
        let known = try unchanged(records.compactMap { record in record.version.map { (record.id, $0) } })
        guard !known.isEmpty else { return records }
        let same = records.filter { $0.version != nil && known.contains($0.id) }
        try await output.note(
            same.map {
                StagedContent(ordinal: $0.ordinal, state: .unchanged, bytes: $0.bytes ?? 0, version: $0.version)
            })
        return records.filter { $0.version == nil || !known.contains($0.id) }
    }

    /// How much of contents that wait to be loaded may lie on the disk: half of it at most, so that the load has room for
    /// what it keeps.
    package static func waitingBytesMax(diskLimit: ByteCount) -> ByteCount {
        min(ByteCount(diskLimit.bytes / 2), .GiB(2))
    }

    private func waitForRoom(_ stream: StreamName) async throws {
        let bytesMax = Self.waitingBytesMax(diskLimit: staging.settings.diskLimit).bytes
        while try await staging.manifest.read({ view in
            try view.chunks(of: stream, kind: .content, state: .sealed).reduce(0) { $0 + $1.storedBytes }
        }) > bytesMax {
            try await clock.sleep(for: Self.pollInterval)
        }
    }

    // MARK: Reading

    /// Reads the contents of these records, some ahead of the one that is being staged.
    private func read(_ records: [Wanted], _ request: Request, _ output: inout ContentOutput) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var buffers: [PieceBuffer] = []
            // Whoever waits to put a piece in must not keep the group from ending.
            defer { for buffer in buffers { buffer.close() } }
            func begin(_ record: Wanted) -> PieceBuffer {
                let buffer = PieceBuffer(bytesMax: Self.bufferBytes)
                group.addTask { [self] in await fill(buffer, with: record, request) }
                return buffer
            }
            for (number, record) in records.enumerated() {
                while buffers.count < min(number + concurrency, records.count) {
                    buffers.append(begin(records[buffers.count]))
                }
                var attempt = 1
                while true {
                    let file = ContentOutput.File(ordinal: record.ordinal, version: record.version)
                    guard let failure = try await output.stage(file, from: buffers[number]) else { break }
                    guard case .retry(let delay) = failure.remedy, attempt < Self.attemptsMax else { throw failure }
                    attempt += 1
                    try await clock.sleep(for: min(delay ?? .seconds(1), .seconds(60)))
                    buffers[number] = begin(record)
                }
                if try await output.sealIfFull() { try await waitForRoom(request.stream) }
            }
        }
    }

    private func fill(_ buffer: PieceBuffer, with record: Wanted, _ request: Request) async {
        do {
            let bytesMax = request.bytesMax?.bytes ?? .max
            let tooLarge = Rejection(
                .contentTooLarge, fields: [request.schema.field], reason: "at most \(ByteCount(bytesMax)) are taken")
            if let bytes = record.bytes, bytes > bytesMax { throw tooLarge }
            if record.record.isEmpty {
                throw Rejection(.contentUnavailable, reason: "the source has no such record any more")
            }
            var count = 0
            try await source.readContent(of: request.stream, id: record.id, record: record.record) { piece in
                count += piece.count
                guard count <= bytesMax else { throw tooLarge }
                if !piece.isEmpty { try await buffer.send(piece) }
            }
            // Odoo answers so where the file store has lost one.
            if count == 0, let bytes = record.bytes, bytes > 0 {
                throw Rejection(
                    .contentUnavailable, reason: "the source gives none of the \(ByteCount(bytes)) that it says it has")
            }
            buffer.finish(.success(()))
        } catch {
            buffer.finish(.failure(error))
        }
    }
}
