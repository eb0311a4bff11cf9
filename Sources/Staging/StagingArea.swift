// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezChunkFormat
package import MigratezModel

/// How a run is staged.
package struct StagingSettings: Sendable {
    /// The most that chunks and spill files may take on disk.
    package var diskLimit: ByteCount
    /// The plaintext size at which a stage begins the next chunk.
    package var chunkBytes: ByteCount
    /// The number of records at which a stage begins the next chunk.
    package var chunkRecordsMax: Int
    /// How hard chunks are compressed.
    package var compression: CompressionLevel
    /// Who may open chunks as well, with plain `age -d`; only where somebody asked for their retention.
    package var recipients: [AgeRecipient]
    package var fileSystem: any FileSystem
    package var clock: any WallClock
    /// Lets commits of the manifest fail, in tests.
    package var onCommit: @Sendable (Manifest.CommitMoment) throws -> Void = { _ in }

    package init(
        diskLimit: ByteCount = .GiB(20), chunkBytes: ByteCount = .MiB(16), chunkRecordsMax: Int = 50_000,
        compression: CompressionLevel = .fast, recipients: [AgeRecipient] = [],
        fileSystem: any FileSystem = LocalFileSystem(), clock: any WallClock = SystemWallClock()
    ) {
        self.diskLimit = diskLimit
        self.chunkBytes = chunkBytes
        self.chunkRecordsMax = chunkRecordsMax
        self.compression = compression
        self.recipients = recipients
        self.fileSystem = fileSystem
        self.clock = clock
    }
}

/// What is staged of one run: the only place where stages meet.
///
/// One process owns a run; `create` and `open` throw `runBusy` at once if another one does. To look at a run without
/// owning it, use `RunInspection`.
package final class StagingArea: Sendable {
    package let folder: RunFolder
    package let settings: StagingSettings
    package let manifest: Manifest
    /// What may still be written; reserve before you read from a source.
    package let budget: DiskBudget
    package let keys: RunKeys
    let ring: KeyRing
    private let lock: RunLock
    var fileSystem: any FileSystem { settings.fileSystem }

    private init(
        _ folder: RunFolder, _ settings: StagingSettings, _ manifest: Manifest, _ budget: DiskBudget, _ keys: RunKeys,
        _ ring: KeyRing, _ lock: RunLock
    ) {
        self.folder = folder
        self.settings = settings
        self.manifest = manifest
        self.budget = budget
        self.keys = keys
        self.ring = ring
        self.lock = lock
    }

    /// Makes the folder, the keys and the manifest of a new run and becomes its owner.
    ///
    /// Throws `wrongRunState` if there is such a run. A crash in the middle leaves a folder that `open` refuses with
    /// `runNotFound` and that holds no data.
    ///
    /// - Parameter declare: notes what the run consists of, in the commit with which it begins to exist: no crash leaves
    ///   a run that does not know its streams.
    package static func create(
        _ folder: RunFolder, _ description: RunDescription, root: RootKey,
        settings: StagingSettings = StagingSettings(),
        declaring declare: @escaping @Sendable (ManifestTransaction) throws -> Void = { _ in }
    ) async throws -> StagingArea {
        let fileSystem = settings.fileSystem
        try fileSystem.createFolder(folder.staging)
        guard try !fileSystem.list(folder.staging).contains(where: { $0.name == folder.run.text }) else {
            throw MigratezError(.wrongRunState, "there is a run \(folder.run) already")
        }
        for path in [folder.path, folder.chunks, folder.spill] { try fileSystem.createFolder(path) }
        let lock = try RunLock(folder.lock)
        let keys = try RunKeys.create(in: folder, under: root, fileSystem)
        let ring = try KeyRing.create(in: folder, keys: keys, fileSystem)
        // Made here, as SQLite would let the umask decide who may read it; its log gets the same rights.
        _ = try fileSystem.open(folder.manifest, .new)
        let manifest = try Manifest(path: folder.manifest, clock: settings.clock, onCommit: settings.onCommit)
        for path in [folder.path, folder.staging] { try fileSystem.syncFolder(path) }
        try await manifest.commit { transaction in
            try transaction.insertRun(folder.run, description)
            try declare(transaction)
        }
        return StagingArea(folder, settings, manifest, DiskBudget(limit: settings.diskLimit), keys, ring, lock)
    }

    /// Opens an existing run, becomes its owner, and puts right what a crash left (`RecoveryReport` says what).
    package static func open(
        _ folder: RunFolder, root: RootKey, settings: StagingSettings = StagingSettings()
    ) async throws -> (area: StagingArea, recovery: RecoveryReport) {
        let fileSystem = settings.fileSystem
        guard try fileSystem.length(folder.manifest) != nil else { throw RunInspection.notFound(folder) }
        let lock = try RunLock(folder.lock)
        try fileSystem.remove(folder.request)
        let keys = try RunKeys.open(in: folder, under: root, fileSystem)
        let ring = try KeyRing.open(in: folder, keys: keys, fileSystem)
        let manifest = try Manifest(path: folder.manifest, clock: settings.clock, onCommit: settings.onCommit)
        _ = try await manifest.read { try $0.run() }
        var report = try await Recovery(folder: folder, manifest: manifest, ring: ring, fileSystem: fileSystem).run()
        report.crashedOwner = lock.crashedOwner
        let used = try await manifest.read { try $0.chunks() }.filter { $0.state != .shredded }
            .reduce(0) { $0 + $1.storedBytes }
        let budget = DiskBudget(limit: settings.diskLimit, used: ByteCount(used))
        return (StagingArea(folder, settings, manifest, budget, keys, ring, lock), report)
    }

    /// Gives the run up in good order; every writer and reader must have ended. The area is not used afterwards.
    package func close() async throws {
        try manifest.close()
        lock.release()
    }
}

// MARK: Chunks

extension StagingArea {
    /// Begins the next chunk of a stream and kind, once there is room for it on the disk.
    ///
    /// - Parameters:
    ///   - slice: the slice of the stream that its lines are of, if it is read in slices: chunks are in their order.
    ///   - firstOrdinal: the ordinal of the record in the first line, where lines are records in order.
    package func openChunkWriter(
        _ stream: StreamName, _ kind: ChunkKind, slice: Int? = nil, firstOrdinal: Int? = nil
    ) async throws -> ChunkWriter {
        try await openChunkWriter(firstOrdinal) { try $0.beginChunk(stream, kind, slice: slice) }
    }

    /// Begins the next attempt at a chunk that has failed, to be made anew from what it was made of.
    package func openChunkWriter(
        again address: ChunkAddress, firstOrdinal: Int? = nil
    ) async throws -> ChunkWriter {
        let old = try await manifest.read { try $0.chunk(address) }
        let writer = try await openChunkWriter(firstOrdinal) { try $0.rewriteChunk(address) }
        if let old { budget.release(ByteCount(old.storedBytes)) }
        return writer
    }

    /// Writes one chunk: sealed when `body` returns, discarded when it throws.
    package func withChunkWriter(
        _ stream: StreamName, _ kind: ChunkKind, firstOrdinal: Int? = nil,
        sealing also: @escaping @Sendable (ManifestTransaction, Chunk) throws -> Void = { _, _ in },
        _ body: (inout ChunkWriter) async throws -> Void
    ) async throws -> Chunk {
        var writer = try await openChunkWriter(stream, kind, firstOrdinal: firstOrdinal)
        do {
            try await body(&writer)
        } catch {
            await writer.discard()
            throw error
        }
        return try await writer.seal(also)
    }

    /// Opens a sealed chunk for reading; an error means that the chunk is damaged, replaced or gone.
    ///
    /// - Parameter verifyDigest: checks the whole file against the manifest first. Not needed for safety, as the reader
    ///   authenticates all it hands out; it tells damage from tampering, and finds it before the first line.
    package func openChunkReader(_ chunk: Chunk, verifyDigest: Bool = false) throws(MigratezError) -> ChunkReader {
        try ChunkReader(chunk, in: folder, ring: ring, verifyDigest: verifyDigest, fileSystem)
    }

    /// Reads one chunk.
    package func withChunkReader<R>(
        _ chunk: Chunk, verifyDigest: Bool = false, _ body: (inout ChunkReader) async throws -> R
    ) async throws -> R {
        var reader = try openChunkReader(chunk, verifyDigest: verifyDigest)
        return try await body(&reader)
    }

    /// Claims the next sealed chunk of a stream and kind in the order of sequence; nil if there is none now.
    ///
    /// - Parameter duration: how long the claim holds without `renew`.
    package func claim(
        _ stream: StreamName, _ kind: ChunkKind, for stage: Stage, holding duration: Duration = .seconds(600)
    ) async throws -> ChunkLease? {
        try await manifest.commit { transaction in
            try transaction.claim(stream, kind, for: stage, until: transaction.now.advanced(by: duration))
        }
    }

    /// Puts off the deadline of a lease; throws `invalidTransition` if somebody else has the chunk by now.
    package func renew(_ lease: ChunkLease, by duration: Duration = .seconds(600)) async throws -> ChunkLease {
        try await manifest.commit { try $0.renew(lease, until: $0.now.advanced(by: duration)) }
    }

    /// Gives a chunk back unspent.
    package func release(_ lease: ChunkLease) async throws { try await manifest.commit { try $0.release(lease) } }

    /// Ends the use of a chunk, in one commit with whatever `body` changes (outcomes, counters).
    package func spend(
        _ lease: ChunkLease, _ body: @escaping @Sendable (ManifestTransaction) throws -> Void = { _ in }
    ) async throws {
        try await manifest.commit { transaction in
            try body(transaction)
            try transaction.spend(lease)
        }
    }

    /// Brings a failed chunk back: `sealed` if its file is whole, as sealed and authentic to its end. Returns nil if it
    /// has to be made anew, for which `openChunkWriter(again:)` is there.
    package func retry(_ address: ChunkAddress) async throws -> Chunk? {
        guard let chunk = try await manifest.read({ try $0.chunk(address) }), chunk.state == .failed else {
            throw MigratezError(.invalidTransition, "chunk \(address) has not failed", remedy: .fixConfiguration)
        }
        do throws(MigratezError) {
            var reader = try openChunkReader(chunk, verifyDigest: true)
            var block: [UInt8] = []
            while try reader.next(into: &block) {}
        } catch { return nil }
        return try await manifest.commit { transaction in
            try transaction.reinstateChunk(chunk)
            return try transaction.chunk(address)
        }
    }

    /// Destroys the keys of spent chunks, unlinks their files, and gives their room back. A crash in the middle is
    /// finished by the next opening.
    package func shred(spent chunks: [Chunk]) async throws {
        guard !chunks.isEmpty else { return }
        try await EarlyShredding(folder: folder, manifest: manifest, ring: ring, fileSystem: fileSystem).shred(chunks)
        budget.release(ByteCount(chunks.reduce(0) { $0 + $1.storedBytes }))
    }
}

extension StagingArea {
    private func openChunkWriter(
        _ firstOrdinal: Int?, _ begin: @escaping @Sendable (ManifestTransaction) throws -> Chunk
    ) async throws -> ChunkWriter {
        try await budget.reserve(settings.chunkBytes)
        let chunk: Chunk
        do {
            chunk = try await manifest.commit(begin)
        } catch {
            budget.release(settings.chunkBytes)
            throw error
        }
        do {
            return try ChunkWriter(self, chunk, firstOrdinal: firstOrdinal)
        } catch {
            await discard(chunk)
            throw error
        }
    }

    /// Replaces the reservation of a sealed chunk by what its file takes.
    func settle(reservedFor chunk: Chunk) {
        let unused = settings.chunkBytes.bytes - chunk.storedBytes
        if unused >= 0 { budget.release(ByteCount(unused)) } else { budget.charge(ByteCount(-unused)) }
    }

    /// Leaves what was begun of a chunk to the next opening of the run.
    func abandon(_ chunk: Chunk) { budget.release(settings.chunkBytes) }

    /// Takes back what was begun of a chunk. Failures are left to the next opening of the run, which does the same.
    func discard(_ chunk: Chunk) async {
        do { try await withdraw(chunk) } catch { return }
    }

    /// Takes back what was begun of a chunk.
    func withdraw(_ chunk: Chunk) async throws {
        defer { budget.release(settings.chunkBytes) }
        try fileSystem.remove(folder.temporaryFile(of: chunk))
        // It may have its final name already, when the commit was what failed.
        try fileSystem.remove(folder.file(of: chunk))
        try ring.destroy(slots: [chunk.slot])
        try await manifest.commit { try $0.discardChunk(chunk) }
    }
}
