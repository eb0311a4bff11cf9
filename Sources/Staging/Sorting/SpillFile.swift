// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezCrypto
package import MigratezModel

/// Intermediate bytes of one stage on disk: in the chunk format, uncompressed, under a key of their own, without a row
/// in the manifest. The file is unlinked with the last reference; what a crash leaves is removed when the run is opened.
package final class SpillFile: Sendable {
    /// The length of what was put in, in bytes.
    package let plaintextBytes: Int
    private let area: StagingArea
    private let path: String
    private let context: ChunkContext
    private let storedBytes: Int

    fileprivate init(_ writer: borrowing SpillWriter, storedBytes: Int) {
        area = writer.area
        path = writer.path
        context = writer.context
        plaintextBytes = writer.plaintextBytes
        self.storedBytes = storedBytes
    }

    deinit {
        SpillFile.remove(path, area)
        area.budget.release(ByteCount(storedBytes))
    }

    /// Reads the file from its beginning.
    package func makeReader() throws(MigratezError) -> SpillReader { try SpillReader(self) }

    fileprivate func makeDecoder() throws(MigratezError) -> ChunkDecoder {
        let cursor = FileCursor(try area.fileSystem.open(path, .reading))
        return try ChunkDecoder(
            asking: context, key: area.spillKey, limits: ChunkLimits(plaintextMax: SpillWriter.bytesMax)
        ) { buffer throws(MigratezError) in try cursor.read(into: buffer) }
    }

    /// A file that cannot be removed now is removed when the run is opened the next time.
    fileprivate static func remove(_ path: String, _ area: StagingArea) {
        do { try area.fileSystem.remove(path) } catch { return }
    }
}

/// Writes a spill file. What was written is gone unless `finish` is called.
package struct SpillWriter: ~Copyable, Sendable {
    /// The bytes put in so far.
    package private(set) var plaintextBytes = 0
    fileprivate let area: StagingArea
    fileprivate let path: String
    fileprivate let context: ChunkContext
    private let file: any OpenFile
    private var encoder: ChunkEncoder?
    private var output: [UInt8]
    private var writtenBytes = 0
    private var isFinished = false
    private static let outputBytes = 256 << 10
    /// More than a disk holds: a spill file has no limit of its own.
    fileprivate static let bytesMax = ByteCount(1 << 50)

    init(_ area: StagingArea) throws(MigratezError) {
        // The number is random, so that files of two processes, or of two runs of a stage, cannot be mixed up.
        let number = try randomBytes(6).reduce(0) { $0 << 8 | Int($1) }
        guard let stream = StreamName("spill") else { preconditionFailure("'spill' is a stream name") }
        let address = ChunkAddress(stream: stream, kind: .spill, sequence: number)
        let context = ChunkContext(run: area.folder.run, address: address, attempt: 1, packing: .none)
        let path = "\(area.folder.spill)/\(address).age"
        var output: [UInt8] = []
        let encoder = try ChunkEncoder(
            context: context, key: area.spillKey, limits: ChunkLimits(plaintextMax: SpillWriter.bytesMax),
            digests: false, into: &output)
        file = try area.fileSystem.open(path, .new)
        self.encoder = consume encoder
        self.area = area
        self.context = context
        self.path = path
        self.output = output
    }

    deinit {
        guard !isFinished else { return }
        SpillFile.remove(path, area)
        area.budget.release(ByteCount(writtenBytes))
    }

    /// Puts in the next bytes.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) throws(MigratezError) {
        try encoder?.append(bytes, into: &output)
        plaintextBytes += bytes.count
        if output.count >= SpillWriter.outputBytes { try flush() }
    }

    /// Completes the file. It is not synced: after a crash its stage begins again.
    package consuming func finish() throws(MigratezError) -> SpillFile {
        _ = try encoder.take()?.finish(into: &output)
        try flush()
        isFinished = true
        return SpillFile(self, storedBytes: writtenBytes)
    }

    private mutating func flush() throws(MigratezError) {
        try file.write(output, at: writtenBytes)
        writtenBytes += output.count
        area.budget.charge(ByteCount(output.count))
        output.removeAll(keepingCapacity: true)
    }
}

/// Reads a spill file front to back.
package struct SpillReader: ~Copyable, Sendable {
    /// Keeps the file on disk while it is read.
    private let file: SpillFile
    private var decoder: ChunkDecoder

    fileprivate init(_ file: SpillFile) throws(MigratezError) {
        decoder = try file.makeDecoder()
        self.file = file
    }

    /// Appends the next bytes, about 64 KiB of them, to `block`; false at the end.
    package mutating func next(appendingTo block: inout [UInt8]) throws(MigratezError) -> Bool {
        try decoder.nextBytes(appendingTo: &block)
    }
}

extension StagingArea {
    /// Begins a spill file.
    package func makeSpillWriter() throws(MigratezError) -> SpillWriter { try SpillWriter(self) }

    fileprivate var spillKey: ChunkKey { ChunkKey(id: "\(folder.run):spill", key: keys.spill) }
}
