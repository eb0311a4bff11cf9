// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

@Suite struct ChunkTests {
    @Test func `what is sealed is read back as it was, and known with its measures`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunk = try await area.seal(10..<500)
        #expect(chunk.state == .sealed)
        #expect(chunk.address.description == "contact-raw-000001")
        #expect(chunk.records == 490)
        #expect(chunk.firstOrdinal == 10)
        #expect(chunk.plaintextBytes == lines(10..<500).count)
        #expect(try LocalFileSystem().length(run.folder.file(of: chunk)) == chunk.storedBytes)
        #expect(try await area.contents(chunk) == lines(10..<500))
        try await area.close()
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 1_000_003])
    func `a chunk of any size is read back`(size: Int) async throws {
        let run = try TestRun()
        let area = try await run.create()
        var generator = SeededGenerator(seed: 11)
        var bytes = (0..<size).map { _ in UInt8.random(in: 32...126, using: &generator) }
        if size > 0 { bytes[size - 1] = 0x0A }
        let expected = bytes
        let chunk = try await area.withChunkWriter(contact, .raw) { writer in
            for start in stride(from: 0, to: size, by: 10_007) {
                try writer.append(Array(expected[start..<min(start + 10_007, size)]), records: 0)
            }
        }
        #expect(chunk.plaintextBytes == size)
        #expect(try await area.contents(chunk) == expected)
        try await area.close()
    }

    @Test func `a seal and what belongs to it commit together`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunk = try await area.withChunkWriter(contact, .raw, firstOrdinal: 0) { transaction, chunk in
            try transaction.moveCursor(of: contact, to: Cursor("page 2"), recordsRead: chunk.records)
        } _: { writer in
            try writer.append(lines(0..<3), records: 3)
        }
        let stream = try #require(try await area.manifest.read { try $0.stream(contact) })
        #expect(stream.cursor == Cursor("page 2"))
        #expect(stream.recordsRead == 3)
        #expect(chunk.records == 3)
        try await area.close()
    }

    @Test func `when the commit fails, nothing of the chunk is left`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let failure = await code {
            _ = try await area.withChunkWriter(contact, .raw) { transaction, _ in
                try transaction.moveCursor(of: contact, to: Cursor("lost"), recordsRead: 1)
                throw MigratezError(.countMismatch, "no")
            } _: { writer in
                try writer.append(lines(0..<3), records: 3)
            }
        }
        #expect(failure == .countMismatch)
        #expect(try await area.manifest.read { try $0.chunks() }.isEmpty)
        #expect(try await area.manifest.read { try $0.stream(contact)?.cursor } == nil)
        #expect(try run.names(run.folder.chunks).isEmpty)
        #expect(area.budget.usage.used == ByteCount(0))
        try await area.close()
    }

    @Test func `a writer whose body fails leaves nothing`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let failure = await code {
            _ = try await area.withChunkWriter(contact, .raw) { writer in
                try writer.append(lines(0..<3), records: 3)
                #expect(try run.names(run.folder.chunks) == ["contact-raw-000001.ndjson.zst.age.1.writing"])
                throw MigratezError(.brokenResponse, "cut off")
            }
        }
        #expect(failure == .brokenResponse)
        #expect(try await area.manifest.read { try $0.chunks() }.isEmpty)
        #expect(try run.names(run.folder.chunks).isEmpty)
        // The number is free again, under another key.
        #expect(try await area.seal(0..<1).address.sequence == 1)
        try await area.close()
    }

    @Test func `a chunk in the place of another one is refused`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let first = try await area.seal(0..<10)
        let second = try await area.seal(10..<20)
        let files = [run.folder.file(of: first), run.folder.file(of: second)]
        try LocalFileSystem().rename(files[0], to: files[0] + ".kept")
        try LocalFileSystem().rename(files[1], to: files[0])
        try LocalFileSystem().rename(files[0] + ".kept", to: files[1])
        for chunk in [first, second] {
            let failure = await code { _ = try await area.contents(chunk) }
            #expect(failure == .chunkMismatch || failure == .chunkCorrupt)
        }
        try await area.close()
    }

    @Test func `a flipped bit is found before the first line when the digest is asked for`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunk = try await area.seal(0..<100)
        let path = run.folder.file(of: chunk)
        let last = try contents(ofFile: path)[chunk.storedBytes - 1]
        try overwrite(path, with: [last ^ 1], at: chunk.storedBytes - 1)
        #expect(await code { _ = try area.openChunkReader(chunk, verifyDigest: true) } == .chunkCorrupt)
        #expect(await code { _ = try await area.contents(chunk) } == .chunkAuthentication)
        try await area.close()
    }

    @Test func `an older attempt at the same chunk is refused`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunk = try await area.seal(0..<10)
        let old = try contents(ofFile: run.folder.file(of: chunk))
        try await area.manifest.commit { try $0.failChunk(chunk.address, .chunkCorrupt) }
        var writer = try await area.openChunkWriter(again: chunk.address, firstOrdinal: 0)
        try writer.append(lines(0..<10), records: 10)
        let again = try await writer.seal()
        #expect(again.attempt == 2)
        #expect(again.id == chunk.id)
        #expect(try await area.contents(again) == lines(0..<10))
        try overwrite(run.folder.file(of: chunk), with: old, at: 0)
        let failure = await code { _ = try await area.contents(again) }
        #expect(failure == .chunkMismatch || failure == .chunkCorrupt)
        try await area.close()
    }

    @Test func `another root key opens nothing`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        _ = try await area.seal(0..<10)
        try await area.close()
        let other = RootKey.passphrase(Secret("hunter2"))
        #expect(await code { _ = try await StagingArea.open(run.folder, root: other) } == .keyWrong)
        #expect(await code { _ = try RunInspection(run.folder, root: other) } == .keyWrong)
    }

    @Test func `with the key destroyed the root key opens nothing`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunk = try await area.seal(0..<10)
        let kept = try contents(ofFile: run.folder.file(of: chunk))
        let lease = try #require(try await area.claim(contact, .raw, for: .transform))
        try await area.spend(lease)
        let spent = try #require(try await area.current(chunk))
        try await area.shred(spent: [spent])
        #expect(try await area.current(chunk)?.state == .shredded)
        #expect(try run.names(run.folder.chunks).isEmpty)
        #expect(area.budget.usage.used == ByteCount(0))
        // A copy of the file, from a backup for instance, does not help.
        let file = try LocalFileSystem().open(run.folder.file(of: chunk), .new)
        try kept.withUnsafeBytes { try file.write($0, at: 0) }
        #expect(await code { _ = try area.openChunkReader(spent) } == .keyMissing)
        try await area.close()
    }

    @Test func `chunks are claimed in order, once, and come back when released or overdue`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        for start in 0..<3 { _ = try await area.seal(start..<start + 1) }
        let first = try #require(try await area.claim(contact, .raw, for: .transform, holding: .seconds(60)))
        let second = try #require(try await area.claim(contact, .raw, for: .transform, holding: .seconds(600)))
        #expect([first, second].map(\.chunk.address.sequence) == [1, 2])
        try await area.release(first)
        let again = try #require(try await area.claim(contact, .raw, for: .transform, holding: .seconds(60)))
        #expect(again.chunk.address.sequence == 1)
        #expect(await code { try await area.spend(first) } == .invalidTransition)
        run.clock.advance(by: .seconds(61))
        let taken = try #require(try await area.claim(contact, .raw, for: .transform, holding: .seconds(60)))
        #expect(taken.chunk.address.sequence == 1)
        #expect(await code { _ = try await area.renew(again) } == .invalidTransition)
        let renewed = try await area.renew(taken, by: .seconds(500))
        #expect(renewed.deadline == run.clock.now.advanced(by: .seconds(500)))
        try await area.spend(renewed)
        #expect(try await area.claim(contact, .raw, for: .transform)?.chunk.address.sequence == 3)
        #expect(try await area.claim(contact, .raw, for: .transform) == nil)
        #expect(try await area.claim(contact, .ready, for: .load) == nil)
        try await area.close()
    }

    @Test func `whoever meets a chunk that is not as it was sealed is told which one, and the way out`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunks = [try await area.seal(0..<10), try await area.seal(10..<20), try await area.seal(20..<30)]
        let paths = chunks.map { run.folder.file(of: $0) }
        try overwrite(paths[0], with: [0, 0], at: chunks[0].storedBytes - 20)
        try overwrite(paths[1], with: [0], at: chunks[1].storedBytes)
        try LocalFileSystem().remove(paths[2])
        for (chunk, failure) in zip(chunks, [ErrorCode.chunkAuthentication, .chunkCorrupt, .chunkCorrupt]) {
            let error = #expect(throws: MigratezError.self) {
                var reader = try area.openChunkReader(chunk)
                try reader.forEachLine { _ in }
            }
            #expect(error?.code == failure)
            #expect(error?.message.hasPrefix("chunk \(chunk.address): ") == true, "\(error?.message ?? "")")
            #expect(error?.hint?.hasSuffix("migratez chunks retry \(run.folder.run)") == true)
        }
        try await area.close()
    }

    @Test func `a failed chunk comes back if its file is good, and is made anew if not`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let good = try await area.seal(0..<10)
        let bad = try await area.seal(10..<20)
        try await area.manifest.commit { transaction in
            try transaction.failChunk(good.address, .rowLocked)
            try transaction.failChunk(bad.address, .chunkCorrupt)
        }
        #expect(try await area.current(good)?.failure == "MZ-LOCK-01")
        try overwrite(run.folder.file(of: bad), with: [0, 0], at: bad.storedBytes / 2)
        #expect(try await area.retry(good.address)?.state == .sealed)
        #expect(try await area.retry(bad.address) == nil)
        #expect(try await area.current(bad)?.state == .failed)
        let writer = try await area.openChunkWriter(again: bad.address)
        await writer.discard()
        #expect(try await area.current(bad)?.failure == "MZ-STAGE-13")
        try await area.close()
    }
}
