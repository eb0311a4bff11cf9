// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

@Suite struct ChunkReplacementTests {
    /// The lines of `seal(0..<100)` with the eighth one replaced.
    private static var replaced: [UInt8] { lines(0..<7) + blank + lines(8..<100) }
    private static let blank = Array("{}\n".utf8)

    private func replace(_ chunk: Chunk, in area: StagingArea) async throws {
        try await area.replaceLines(of: chunk) { number, line in
            #expect(line.elementsEqual(lines(number..<(number + 1)).dropLast()))
            return number == 7 ? Self.blank : nil
        }
    }

    @Test func `a line is replaced, the others stay, and the file from before opens no more`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let other = try await area.seal(100..<110)
        let chunk = try await area.seal(0..<100)
        let before = try contents(ofFile: run.folder.file(of: chunk))
        try await replace(chunk, in: area)

        let current = try #require(try await area.current(chunk))
        #expect(current.attempt == 2 && current.slot != chunk.slot && current.state == .sealed)
        #expect(current.records == 100 && current.sha256 != chunk.sha256)
        #expect(try await area.contents(current) == Self.replaced)
        #expect(try await area.contents(other) == lines(100..<110))
        let after = try contents(ofFile: run.folder.file(of: chunk))
        #expect(current.sha256 == SHA256.digest(of: after) && current.storedBytes == after.count)
        #expect(await code { _ = try area.openChunkReader(chunk) } == .chunkCorrupt)

        // With everything that is left and the file from before, the replaced line cannot be had.
        try LocalFileSystem().remove(run.folder.file(of: chunk))
        try LocalFileSystem().open(run.folder.file(of: chunk), .new).write(before, at: 0)
        #expect(await code { _ = try area.openChunkReader(chunk) } == .keyMissing)

        // Numbers of chunks that come later are not those of slots that were taken.
        let later = try await area.seal(110..<111)
        #expect(![chunk.slot, current.slot, other.slot].contains(later.slot))
        try await area.close()
    }

    @Test func `a chunk may be replaced again, and in any state in which it can be read`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunk = try await area.seal(0..<100)
        try await replace(chunk, in: area)
        let lease = try #require(try await area.claim(contact, .raw, for: .transform))
        try await area.spend(lease)
        let spent = try #require(try await area.current(chunk))
        try await area.replaceLines(of: spent) { number, _ in number == 8 ? Self.blank : nil }
        let current = try #require(try await area.current(chunk))
        #expect(current.attempt == 3 && current.state == .spent)
        #expect(try await area.contents(current) == lines(0..<7) + Self.blank + Self.blank + lines(9..<100))
        try await area.shred(spent: [current])
        #expect(await code { _ = try area.openChunkReader(current) } == .chunkCorrupt)
        try await area.close()
    }

    @Test func `cut off anywhere, the chunk is as it was or as it was to be, and nothing of the other is left`()
        async throws
    {
        var (stop, wasOld, wasNew) = (0, false, false)
        while true {
            let run = try TestRun()
            let area = try await run.create()
            let chunk = try await area.seal(0..<100)
            try await area.close()
            // Opening the run takes some operations as well.
            let settings = run.settings(fileSystem: StoppingFileSystem(after: stop))
            let failure = await code {
                let (area, _) = try await run.open(settings)
                try await replace(chunk, in: area)
            }
            let (opened, _) = try await run.open()
            let current = try #require(try await opened.current(chunk))
            let contents = try await opened.contents(current)
            wasOld = wasOld || contents == lines(0..<100)
            wasNew = wasNew || failure != nil && contents == Self.replaced
            #expect(contents == Self.replaced || contents == lines(0..<100), "stopped after \(stop) operations")
            #expect(try run.names(run.folder.chunks) == [chunk.fileName], "stopped after \(stop) operations")
            try await opened.close()
            guard failure != nil else { break }
            stop += 1
        }
        #expect(wasOld && wasNew && stop > 10, "\(stop) operations")
    }
}
