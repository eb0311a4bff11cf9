// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezModel

/// Destroys what is staged of a run, and proves it.
///
/// ```
/// confirmed ──► keysDestroyed ──► unlinked ──► residueChecked ──► certified
/// ```
/// Each arrow is one commit, made after the step has taken effect; each step may be done twice. A crash anywhere is
/// finished by calling `run` again. What makes the data unreadable is the first step; the others come on top:
///
/// 1. The run key's slot and the whole key ring are overwritten in place, synced, unlinked.
/// 2. Chunks (raw, ready, rejects, values before changes), spill files and the baseline are unlinked; the ids, links, rejects and
///    cursors in the manifest are deleted, which SQLite overwrites with zeros (`secure_delete`).
/// 3. The manifest is rewritten without its free pages and its log emptied, and the folders are looked through.
/// 4. The certificate is signed and written beside the manifest, which keeps counts, hashes and the audit trail.
package struct Shredding {
    private let folder: RunFolder
    private let manifest: Manifest
    private let fileSystem: any FileSystem
    private let clock: any WallClock

    /// Takes a confirmed run to its certificate, from wherever it is on this way.
    ///
    /// Nobody may have the run open. Throws `wrongRunState` if it was not confirmed or is retained, `runBusy`, and
    /// `shredIncomplete` if something is left.
    package static func run(
        _ folder: RunFolder, fileSystem: any FileSystem = LocalFileSystem(),
        clock: any WallClock = SystemWallClock()
    ) async throws -> CertificateFiles {
        try await RunControl.withManifest(of: folder, fileSystem: fileSystem, clock: clock) { manifest in
            try await Shredding(folder: folder, manifest: manifest, fileSystem: fileSystem, clock: clock).finish()
        }
    }

    private func finish() async throws -> CertificateFiles {
        var phase = try await checkedPhase()
        while phase != .certified {
            switch phase {
            case .confirmed:
                try destroyKeys()
                phase = try await reach(.keysDestroyed)
            case .keysDestroyed:
                try unlinkFiles()
                try await manifest.commit { try $0.forgetRecords() }
                phase = try await reach(.unlinked)
            case .unlinked:
                try await manifest.compact()
                try await manifest.truncateLog()
                try await checkResidue()
                phase = try await reach(.residueChecked)
            case .residueChecked:
                try await certify()
                phase = try await reach(.certified)
                // The audit entry of the last step is in the log by now.
                try await manifest.truncateLog()
            case .running, .loaded, .verified, .certified:
                preconditionFailure("only a confirmed run is shredded")
            }
        }
        return CertificateFiles(folder)
    }

    private func checkedPhase() async throws -> RunPhase {
        let run = try await manifest.read { try $0.run() }
        try Shredding.requireAllowed(run, at: clock.now)
        return run.phase
    }

    /// Throws `wrongRunState` if the run was not confirmed or is retained.
    package static func requireAllowed(_ run: RunStatus, at now: Timestamp) throws(MigratezError) {
        guard ![.running, .loaded, .verified].contains(run.phase) else {
            throw MigratezError(
                .wrongRunState, "run \(run.id) is \(run.phase.rawValue): it is shredded after it was confirmed",
                remedy: .fixConfiguration, hint: "migratez confirm \(run.id)")
        }
        if run.phase == .confirmed, let retention = run.retention, retention.until > now {
            throw MigratezError(
                .wrongRunState, "run \(run.id) is retained until \(retention.until) for \(retention.person)",
                remedy: .fixConfiguration,
                hint: "end the retention first: migratez retain \(run.id) --end --reason '…'")
        }
    }

    private func reach(_ phase: RunPhase) async throws -> RunPhase {
        try await manifest.commit { transaction in
            try transaction.advance(to: phase)
            try transaction.audit(actor: "migratez", action: "shred", detail: phase.rawValue)
        }
        return phase
    }

    private func destroyKeys() throws {
        try RunKeys.destroy(in: folder, fileSystem)
        try KeyRing.destroyAll(in: folder, fileSystem)
    }

    private func unlinkFiles() throws {
        for path in [folder.chunks, folder.spill, folder.ring] {
            let entries = try fileSystem.list(path)
            for entry in entries where !entry.isFolder { try fileSystem.remove("\(path)/\(entry.name)") }
            if !entries.isEmpty { try fileSystem.syncFolder(path) }
            try fileSystem.removeFolder(path)
        }
        for path in [folder.baseline, folder.baseline + "-journal"] { try fileSystem.remove(path) }
        try fileSystem.syncFolder(folder.path)
    }

    private func checkResidue() async throws {
        var left: [String] = []
        for path in [folder.chunks, folder.spill, folder.ring] {
            left += try fileSystem.list(path).map { "\(path)/\($0.name)" }
        }
        for slot in [folder.keySlot, folder.nextKeySlot] where try fileSystem.length(slot) != nil { left.append(slot) }
        let known: Set = [
            "manifest.sqlite", "manifest.sqlite-wal", "manifest.sqlite-shm", "lock", CertificateFiles.folderName,
        ]
        left += try fileSystem.list(folder.path).filter { !known.contains($0.name) }.map { "\(folder.path)/\($0.name)" }
        // The log may hold pages from before; truncated, it is gone or empty.
        if try fileSystem.length(folder.manifest + "-wal") ?? 0 > 0 { left.append(folder.manifest + "-wal") }
        let rows = try await manifest.read { try $0.personalRows() }
        if rows > 0 { left.append("\(rows) rows of the manifest") }
        guard left.isEmpty else {
            throw MigratezError(
                .shredIncomplete, "something is left: \(left.joined(separator: ", "))", remedy: .fixConfiguration,
                hint: "remove what is not Migratez's own from the run's folder, then shred again")
        }
    }

    private func certify() async throws {
        let (run, streams, chunks) = try await manifest.read { view in
            (try view.run(), try view.reconciliation(), try view.chunks())
        }
        let key = try SigningKey.loadOrCreate(folder.signingKey)
        let certificate = Certificate(
            run: run, streams: streams, chunks: chunks, certifiedAt: clock.now, signedBy: key.publicKey)
        try CertificateFiles(folder).write(certificate, signedWith: key, fileSystem)
    }
}
