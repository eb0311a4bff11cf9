// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What opening a run had to put right.
package struct RecoveryReport: Sendable, Hashable {
    /// The process that ended without giving the run up, if one did.
    package var crashedOwner: Int32?
    /// Files of chunks that were being written.
    package var temporaryFilesRemoved = 0
    /// Rows of chunks that were being written.
    package var chunksDiscarded = 0
    /// Files that belong to no chunk.
    package var orphansRemoved = 0
    /// Spill files of stages that ended in the middle.
    package var spillFilesRemoved = 0
    /// Claims of the process that is gone.
    package var leasesReleased = 0
    /// Writes of which it is unknown whether they arrived.
    package var batchesAmbiguous = 0
    /// Chunks whose shredding had begun.
    package var shreddingsFinished = 0
    /// Chunks whose lines were being replaced.
    package var replacementsFinished = 0
    /// Chunks whose file is gone or has another length: now `failed`.
    package var chunksFailed: [ChunkAddress] = []

    /// Whether there was nothing to do.
    package var isClean: Bool { self == RecoveryReport(crashedOwner: crashedOwner) }

    init(crashedOwner: Int32? = nil) { self.crashedOwner = crashedOwner }
}

/// Puts right what a crash, a power cut or a full disk left. Runs before anybody else uses the run, and may itself be
/// cut off anywhere: running it again finishes it.
///
/// | found | done | why it is safe |
/// |---|---|---|
/// | lines of a chunk that were to be replaced | replaced | that was decided, and the new file was durable before |
/// | `*.writing` | removed | not named by any sealed chunk |
/// | a chunk `writing` | row deleted, key destroyed; a later attempt becomes `failed` | its seal was not committed, so the cursor has not moved either |
/// | a file without a row, or of a chunk that is `writing` or `shredded` | removed | renamed, but its commit did not happen (or did, and only the unlink is missing) |
/// | a chunk `leased` | `sealed`, lease deleted | one process owns a run, and this is it |
/// | a chunk `sealed` whose file is gone or has another length | `failed` | damage: the stage that wrote it makes it anew |
/// | a chunk `spent` whose key is destroyed or whose file is gone | shredded to the end | `spent` was durable before |
/// | a batch `open` | `ambiguous` | it may have been sent |
/// | spill files | removed | their stage begins its sort again |
struct Recovery {
    let folder: RunFolder
    let manifest: Manifest
    let ring: KeyRing
    let fileSystem: any FileSystem

    func run() async throws -> RecoveryReport {
        var report = RecoveryReport()
        report.spillFilesRemoved = try removeSpill()
        report.replacementsFinished = try await ChunkReplacements(
            folder: folder, manifest: manifest, ring: ring, fileSystem: fileSystem
        ).finish()
        let chunks = try await manifest.read { try $0.chunks() }
        try removeFiles(chunks, &report)
        try await discardWriting(chunks.filter { $0.state == .writing }, &report)
        try await finishShredding(chunks.filter { $0.state == .spent }, &report)
        let damaged = try chunks.filter { try isDamaged($0) }
        report.chunksFailed = damaged.map(\.address)
        (report.leasesReleased, report.batchesAmbiguous) = try await manifest.commit { transaction in
            let counts = (try transaction.releaseAllLeases(), try transaction.doubtOpenBatches())
            for chunk in damaged { try transaction.failChunk(chunk.address, .chunkCorrupt) }
            return counts
        }
        return report
    }

    private func removeSpill() throws -> Int {
        let files = try fileSystem.list(folder.spill).filter { !$0.isFolder }
        for file in files { try fileSystem.remove("\(folder.spill)/\(file.name)") }
        if !files.isEmpty { try fileSystem.syncFolder(folder.spill) }
        return files.count
    }

    private func removeFiles(_ chunks: [Chunk], _ report: inout RecoveryReport) throws {
        let kept = Set(chunks.filter { ![.writing, .shredded].contains($0.state) }.map(\.fileName))
        var isChanged = false
        for file in try fileSystem.list(folder.chunks) where !file.isFolder && !kept.contains(file.name) {
            let isTemporary = file.name.hasSuffix(".writing")
            // What somebody else put there is not ours to remove.
            guard isTemporary || file.name.hasSuffix(".ndjson.zst.age") else { continue }
            try fileSystem.remove("\(folder.chunks)/\(file.name)")
            isChanged = true
            if isTemporary { report.temporaryFilesRemoved += 1 } else { report.orphansRemoved += 1 }
        }
        if isChanged { try fileSystem.syncFolder(folder.chunks) }
    }

    private func discardWriting(_ chunks: [Chunk], _ report: inout RecoveryReport) async throws {
        guard !chunks.isEmpty else { return }
        try ring.destroy(slots: chunks.map(\.slot))
        try await manifest.commit { transaction in
            for chunk in chunks { try transaction.discardChunk(chunk) }
        }
        report.chunksDiscarded = chunks.count
    }

    private func finishShredding(_ chunks: [Chunk], _ report: inout RecoveryReport) async throws {
        let begun = try chunks.filter { chunk in
            let hasFile = try fileSystem.length(folder.file(of: chunk)) != nil
            return try !ring.holdsKey(slot: chunk.slot) || !hasFile
        }
        try await EarlyShredding(folder: folder, manifest: manifest, ring: ring, fileSystem: fileSystem).shred(begun)
        report.shreddingsFinished = begun.count
    }

    private func isDamaged(_ chunk: Chunk) throws -> Bool {
        guard chunk.state == .sealed || chunk.state == .leased else { return false }
        return try fileSystem.length(folder.file(of: chunk)) != chunk.storedBytes
    }
}
