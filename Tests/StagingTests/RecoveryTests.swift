// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezModel
import MigratezStaging
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite struct RecoveryTests {
    @Test func `a run that was closed in good order needs nothing`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunk = try await area.seal(0..<10)
        try await area.close()
        let (again, recovery) = try await run.open()
        #expect(recovery.isClean)
        #expect(recovery.crashedOwner == nil)
        #expect(again.budget.usage.used == ByteCount(chunk.storedBytes))
        #expect(try await again.contents(chunk) == lines(0..<10))
        try await again.close()
    }

    @Test func `a chunk that was being written is discarded, with its file and its key`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        var writer = try await area.openChunkWriter(contact, .raw, firstOrdinal: 0)
        try writer.append(lines(0..<10), records: 10)
        // What a crash leaves: the row, the key and the temporary file. Kept aside, as the writer has to end here.
        let copy = try run.crashCopy()
        await writer.discard()
        try await area.close()

        let (again, recovery) = try await copy.open()
        #expect(recovery.temporaryFilesRemoved == 1)
        #expect(recovery.chunksDiscarded == 1)
        #expect(try copy.names(copy.folder.chunks).isEmpty)
        #expect(try await again.manifest.read { try $0.chunks() }.isEmpty)
        let ring = try contents(ofFile: copy.folder.ringKeys)
        #expect(ring.count == 128 && ring[64] == 2 && ring[65...].allSatisfy { $0 == 0 })
        #expect(try await again.seal(0..<1).address.sequence == 1)
        try await again.close()
    }

    @Test func `a file that was renamed but not committed is removed`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        var copies: [TestRun] = []
        let failure = await code {
            _ = try await area.withChunkWriter(contact, .raw) { _, _ in
                // The file has its final name by now, the row is still 'writing'.
                throw MigratezError(.internalError, "stop")
            } _: { writer in
                try writer.append(lines(0..<10), records: 10)
                copies.append(try run.crashCopy())
            }
        }
        #expect(failure == .internalError)
        try await area.close()
        let copy = try #require(copies.first)
        let temporary = "\(copy.folder.chunks)/contact-raw-000001.ndjson.zst.age.1.writing"
        try LocalFileSystem().rename(temporary, to: "\(copy.folder.chunks)/contact-raw-000001.ndjson.zst.age")
        let (again, recovery) = try await copy.open()
        #expect(recovery.orphansRemoved == 1)
        #expect(recovery.chunksDiscarded == 1)
        #expect(try copy.names(copy.folder.chunks).isEmpty)
        try await again.close()
    }

    @Test func `a lease ends with its owner, an open batch becomes ambiguous`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        _ = try await area.seal(0..<10, contact, .ready)
        let lease = try #require(try await area.claim(contact, .ready, for: .load))
        let batch = try await area.manifest.commit {
            try $0.openBatch(of: contact, chunkSequence: 1, lines: 0...4, route: "collections")
        }
        try await area.manifest.commit { try $0.noteBatch(batch.id, "job 7") }
        try await area.close()
        let (again, recovery) = try await run.open()
        #expect(recovery.leasesReleased == 1)
        #expect(recovery.batchesAmbiguous == 1)
        #expect(await code { try await again.spend(lease) } == .invalidTransition)
        let batches = try await again.manifest.read { try $0.batches(of: contact) }
        #expect(batches.map(\.state) == [.ambiguous])
        #expect(batches.map(\.note) == ["job 7"])
        #expect(try await again.claim(contact, .ready, for: .load)?.chunk.address == lease.chunk.address)
        try await again.close()
    }

    @Test func `a sealed chunk that is gone or cut becomes failed`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunks = [try await area.seal(0..<10), try await area.seal(10..<20), try await area.seal(20..<30)]
        try await area.close()
        unlink(run.folder.file(of: chunks[0]))
        truncate(run.folder.file(of: chunks[1]), chunks[1].storedBytes - 1)
        let (again, recovery) = try await run.open()
        #expect(recovery.chunksFailed == chunks[..<2].map(\.address))
        let states = try await again.manifest.read { try $0.chunks() }
        #expect(states.map(\.state) == [.failed, .failed, .sealed])
        #expect(states.map(\.failure) == ["MZ-STAGE-01", "MZ-STAGE-01", nil])
        try await again.close()
    }

    @Test func `shredding that was cut off after the key or after the file is finished`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        for start in 0..<3 {
            _ = try await area.seal(start..<start + 1)
            try await area.spend(try #require(try await area.claim(contact, .raw, for: .transform)))
        }
        let chunks = try await area.manifest.read { try $0.chunks() }
        try await area.close()
        // The first: key destroyed, file still there. The second: both gone, only the commit is missing.
        for chunk in chunks[..<2] { try overwrite(run.folder.ringKeys, with: [2], at: 64 * Int(chunk.id)) }
        unlink(run.folder.file(of: chunks[1]))
        let (again, recovery) = try await run.open()
        #expect(recovery.shreddingsFinished == 2)
        #expect(try await again.manifest.read { try $0.chunks() }.map(\.state) == [.shredded, .shredded, .spent])
        #expect(try run.names(run.folder.chunks) == [chunks[2].fileName])
        try await again.close()
    }

    @Test func `spill files of a stage that ended in the middle are removed, foreign files are left`() async throws {
        let run = try TestRun()
        try await run.create().close()
        for path in ["\(run.folder.spill)/spill-spill-000001.age", "\(run.folder.chunks)/notes.txt"] {
            _ = try LocalFileSystem().open(path, .new)
        }
        let (again, recovery) = try await run.open()
        #expect(recovery.spillFilesRemoved == 1)
        #expect(try run.names(run.folder.spill).isEmpty)
        #expect(try run.names(run.folder.chunks) == ["notes.txt"])
        try await again.close()
    }

    @Test func `a second owner is refused at once, a reader is not`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunk = try await area.seal(0..<10)
        // flock(2) locks belong to the open file, so this stands for another process.
        #expect(await code { _ = try await run.open() } == .runBusy)
        let inspection = try RunInspection(run.folder, root: run.root)
        #expect(inspection.owner == getpid())
        #expect(try await inspection.manifest.read { try $0.run() }.phase == .running)
        var reader = try inspection.openChunkReader(chunk)
        var count = 0
        try reader.forEachLine { _ in count += 1 }
        #expect(count == 10)
        let failure = await code {
            try await inspection.manifest.commit { try $0.declare(contact, .link) }
        }
        #expect(failure != nil)
        try inspection.manifest.close()
        try await area.close()
        #expect(try RunInspection(run.folder).owner == nil)
    }

    @Test func `an owner that crashed is named`() async throws {
        let run = try TestRun()
        try await run.create().close()
        try overwrite(run.folder.lock, with: Array("4242\n".utf8), at: 0)
        let (again, recovery) = try await run.open()
        #expect(recovery.crashedOwner == 4242)
        try await again.close()
    }

    @Test func `a run that is not there, or there already, is refused`() async throws {
        let run = try TestRun()
        #expect(await code { _ = try await run.open() } == .runNotFound)
        #expect(await code { _ = try RunInspection(run.folder) } == .runNotFound)
        try await run.create().close()
        #expect(await code { _ = try await run.create() } == .wrongRunState)
        #expect(try RunFolder.runs(in: run.folder.staging) == [run.folder.run])
    }

    @Test func `a run that was cut off before it was noted is not there, and says so`() async throws {
        let run = try TestRun()
        var settings = run.settings()
        settings.onCommit = { _ in throw MigratezError(.internalError, "the process is killed here") }
        #expect(await code { _ = try await run.create(settings) } == .internalError)
        #expect(await code { _ = try await run.open() } == .runNotFound)
        let inspection = try RunInspection(run.folder)
        #expect(await code { _ = try await inspection.manifest.read { try $0.run() } } == .runNotFound)
        try inspection.manifest.close()
    }

    @Test func `a run whose manifest found no room for its tables is not there, and says so`() async throws {
        let run = try TestRun()
        try await run.create().close()
        try LocalFileSystem().remove(run.folder.manifest)
        let database = try DatabaseQueue(path: run.folder.manifest)
        try await database.write { try $0.execute(sql: "PRAGMA application_id = 1") }
        try database.close()
        let inspection = try RunInspection(run.folder)
        #expect(await code { _ = try await inspection.manifest.read { try $0.run() } } == .runNotFound)
        try inspection.manifest.close()
        #expect(await code { _ = try await run.open() } == .runNotFound)
    }

    @Test func `everything is for the owner only`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        _ = try await area.seal(0..<10)
        try await area.close()
        func check(_ path: String) throws {
            for entry in try LocalFileSystem().list(path) {
                var status = stat()
                #expect(lstat("\(path)/\(entry.name)", &status) == 0)
                #expect(status.st_mode & 0o077 == 0, "\(path)/\(entry.name)")
                if entry.isFolder { try check("\(path)/\(entry.name)") }
            }
        }
        try check(run.temporary.path)
    }
}

extension TestRun {
    /// The same run as a crash at this moment would leave it, in a folder of its own.
    func crashCopy() throws -> TestRun {
        let copy = try TestRun()
        // SQLite's files are copied as they are: what is committed is in them.
        try TestRun.copy(temporary.path, copy.temporary.path)
        return copy
    }

    private static func copy(_ from: String, _ to: String) throws {
        for entry in try LocalFileSystem().list(from) {
            let (source, target) = ("\(from)/\(entry.name)", "\(to)/\(entry.name)")
            if entry.isFolder {
                try LocalFileSystem().createFolder(target)
                try copy(source, target)
            } else {
                let bytes = try StagingTests.contents(ofFile: source)
                let file = try LocalFileSystem().open(target, .new)
                try bytes.withUnsafeBytes { try file.write($0, at: 0) }
            }
        }
    }
}
