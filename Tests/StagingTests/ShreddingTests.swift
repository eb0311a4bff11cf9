// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Synchronization
import Testing

@Suite struct ShreddingTests {
    /// A text that is in every record and must be nowhere on disk.
    private static let canary = "canary.77@example.com"

    /// A run with chunks of every kind and state, outcomes and rejects, confirmed.
    private func confirmedRun() async throws -> TestRun {
        let run = try TestRun()
        let area = try await run.create()
        for kind in [ChunkKind.raw, .ready, .rejects, .before] {
            _ = try await area.withChunkWriter(contact, kind, firstOrdinal: 0) { writer in
                try writer.append(Array("{\"id\":\"77\",\"email\":\"\(Self.canary)\"}\n".utf8), records: 1)
            }
        }
        let raw = try #require(try await area.claim(contact, .raw, for: .transform))
        try await area.spend(raw)
        try await area.shred(spent: [try #require(try await area.current(raw.chunk))])
        _ = try await area.claim(contact, .ready, for: .load)
        let failed = try await area.seal(0..<5)
        try await area.manifest.commit { transaction in
            try transaction.failChunk(failed.address, .chunkCorrupt)
            try transaction.cut(contact, into: [Cursor("slice-77"), Cursor("slice-78")])
            try transaction.moveCursor(of: contact, to: Cursor("cursor-512"), recordsRead: 1)
            try transaction.recordOutcomes(
                [RecordOutcome(ordinal: 0, outcome: .created, sourceID: "source-77", targetID: "003xx77")],
                of: contact, in: .load)
            try transaction.recordRejects(
                [Reject(ordinal: 0, stage: .load, sourceID: "source-77", code: .tooLong)], of: contact)
            try transaction.setNote("prepared", "note-77")
            try transaction.advance(to: .loaded)
            try transaction.advance(to: .verified)
            try transaction.confirm(by: "ana", basis: "verified")
        }
        try await area.close()
        return run
    }

    @Test func `no certificate is given while anything is left, and one is once it is gone`() async throws {
        let run = try await confirmedRun()
        let stray = "\(run.folder.path)/export.csv"
        _ = try LocalFileSystem().open(stray, .new)
        #expect(await code { _ = try await Shredding.run(run.folder, clock: run.clock) } == .shredIncomplete)
        let before = try run.names(run.folder.path)
        #expect(!before.contains("certificate"))
        try LocalFileSystem().remove(stray)
        _ = try await Shredding.run(run.folder, clock: run.clock)
        #expect(try run.names(run.folder.path).contains("certificate"))
    }

    @Test func `a confirmed run ends with nothing but counts, hashes and a certificate that verifies`() async throws {
        let run = try await confirmedRun()
        let files = try await Shredding.run(run.folder, clock: run.clock)
        let certificate = try files.verify(trusting: SigningKey.loadOrCreate(run.folder.signingKey).publicKey)
        #expect(certificate.run == "9f3c01aa")
        #expect(certificate.confirmedBy == "ana")
        #expect(certificate.chunkCount == 5)
        #expect(certificate.recordCount == 9)
        #expect(certificate.balances.first?.outcomes == ["created": 1])
        #expect(
            try run.names(run.folder.path).filter { !$0.hasSuffix("-shm") && !$0.hasSuffix("-wal") }
                == ["certificate", "lock", "manifest.sqlite"])
        #expect(try run.names(run.folder.keys) == ["signing-key"])
        for planted in [Self.canary, "source-77", "003xx77", "cursor-512", "slice-77", "note-77"] {
            #expect(try !holds(run.temporary.path, planted), "\(planted)")
        }
        #expect(await code { _ = try await run.open() } == .keyMissing)
        // Again: nothing happens.
        #expect(try await Shredding.run(run.folder, clock: run.clock) == files)
    }

    @Test func `no value of a record is on disk while the run is at work`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        _ = try await area.withChunkWriter(contact, .raw) { writer in
            try writer.append(Array("{\"email\":\"\(Self.canary)\"}\n".utf8), records: 1)
        }
        do {
            var sorter = area.makeSorter(entryBytes: 32, memory: .MiB(2))
            let entry = Array((Self.canary + "            ").utf8.prefix(32))
            for _ in 0..<60_000 { try entry.withUnsafeBytes { try sorter.append($0) } }
            #expect(try !run.names(run.folder.spill).isEmpty)
            #expect(try !holds(run.temporary.path, Self.canary))
        }
        try await area.close()
    }

    @Test func `what is not confirmed, or is retained, is not shredded`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        #expect(await code { _ = try await Shredding.run(run.folder, clock: run.clock) } == .runBusy)
        try await area.close()
        #expect(await code { _ = try await Shredding.run(run.folder, clock: run.clock) } == .wrongRunState)
        let failure = await code {
            try await RunControl.withManifest(of: run.folder) { manifest in
                try await manifest.commit { try $0.confirm(by: "ana", basis: "too early") }
            }
        }
        #expect(failure == .wrongRunState)
        try await RunControl.withManifest(of: run.folder) { manifest in
            try await manifest.commit { transaction in
                try transaction.confirm(by: "ana", basis: "abandoned: wrong account", isAbandoned: true)
                let until = run.clock.now.advanced(by: .seconds(3600))
                try transaction.retain(until: until, by: "ben", reason: "audit")
            }
        }
        #expect(await code { _ = try await Shredding.run(run.folder, clock: run.clock) } == .wrongRunState)
        run.clock.advance(by: .seconds(3600))
        let certificate = try await Shredding.run(run.folder, clock: run.clock).verify()
        #expect(certificate.confirmedOn == "abandoned: wrong account")
    }

    @Test func `shredding that stops at any operation is finished by the next one`() async throws {
        let seedRun = try await confirmedRun()
        var stop = 0
        while true {
            let run = try seedRun.crashCopy()
            let fileSystem = StoppingFileSystem(after: stop)
            let failure = await code {
                _ = try await Shredding.run(run.folder, fileSystem: fileSystem, clock: run.clock)
            }
            if failure == nil { break }
            #expect(failure == .diskFailed, "stopped after \(stop) operations")
            _ = try await Shredding.run(run.folder, clock: run.clock).verify()
            #expect(try !holds(run.temporary.path, "source-77"), "stopped after \(stop) operations")
            stop += 1
        }
        #expect(stop > 25)
    }

    @Test func `any edit of a certificate is found out`() async throws {
        let run = try await confirmedRun()
        let files = try await Shredding.run(run.folder, clock: run.clock)
        let key = try SigningKey.loadOrCreate(run.folder.signingKey)
        let json = try contents(ofFile: files.json)
        let signature = try contents(ofFile: files.signature)
        for (path, whole) in [(files.json, json), (files.signature, signature)] {
            for index in whole.indices {
                try overwrite(path, with: [whole[index] ^ 1], at: index)
                #expect(await code { _ = try files.verify() } == .certificateInvalid, "byte \(index) of \(path)")
                try overwrite(path, with: [whole[index]], at: index)
            }
        }
        let lines = json.split(separator: 0x0A).map { $0 + [0x0A] }
        var edits = [json + [0x0A], []]
        for index in lines.indices {
            var missing = lines
            missing.remove(at: index)
            edits += [missing.flatMap(\.self), lines[..<index].flatMap(\.self)]
        }
        for edited in edits {
            #expect(throws: MigratezError.self) {
                try Certificate.verified(edited, signature: signature, key: key.publicKey)
            }
        }
        // Signed again by somebody else: found out by who knows the right key.
        let other = try Ed25519.PrivateKey()
        #expect(throws: MigratezError.self) {
            try Certificate.verified(json, signature: other.signature(of: json), key: other.publicKey)
        }
        #expect(throws: MigratezError.self) {
            try Certificate.verified(
                json, signature: signature, key: key.publicKey, trusting: other.publicKey)
        }
        try overwrite(files.signature, with: [signature[0] ^ 1], at: 0)
        #expect(await code { _ = try files.verify() } == .certificateInvalid)
    }

    @Test(.enabled(if: isInstalled("openssl"), "openssl is not installed"))
    func `the certificate is checked with plain openssl, as its text says, and names what it does not cover`()
        async throws
    {
        let run = try await confirmedRun()
        let files = try await Shredding.run(run.folder, clock: run.clock)
        let text = String(decoding: try contents(ofFile: files.text), as: UTF8.self)
        let command = try #require(text.split(separator: "\n").first { $0.contains("openssl pkeyutl") })
        let checked = shell("cd '\(files.path)' && \(command)")
        #expect(checked.status == 0)
        #expect(String(decoding: checked.output, as: UTF8.self).contains("Signature Verified Successfully"))
        let json = try contents(ofFile: files.json)
        try overwrite(files.json, with: [json[100] ^ 1], at: 100)
        #expect(shell("cd '\(files.path)' && \(command) 2>&1").status != 0)
        for limit in ["backups, snapshots and copies", "swap", "the source and the destination themselves"] {
            #expect(text.contains(limit), "\(limit)")
        }
    }

    @Test func `copies of chunks, key ring, manifest and log that were made before open no more`() async throws {
        let run = try await confirmedRun()
        let copied = [run.folder.manifest, "\(run.folder.manifest)-wal", run.folder.ringKeys]
        var copies: [(path: String, bytes: [UInt8])] = []
        for path in copied + (try run.names(run.folder.chunks).map({ "\(run.folder.chunks)/\($0)" })) {
            if try LocalFileSystem().length(path) != nil { copies.append((path, try contents(ofFile: path))) }
        }
        #expect(copies.count >= 6)
        _ = try await Shredding.run(run.folder, clock: run.clock)
        for path in [run.folder.chunks, run.folder.ring] { try LocalFileSystem().createFolder(path) }
        for copy in copies {
            try LocalFileSystem().remove(copy.path)
            try LocalFileSystem().open(copy.path, .new).write(copy.bytes, at: 0)
        }
        // Everything is back but the run key, and the root key is there.
        #expect(await code { _ = try await run.open() } == .keyMissing)
        #expect(await code { _ = try RunInspection(run.folder, root: run.root) } == .keyMissing)
        #expect(try run.root.opensRun(run.folder) == nil)
    }

    /// Whether any file under `path` holds the text.
    private func holds(_ path: String, _ text: String) throws -> Bool {
        let needle = Array(text.utf8)
        for entry in try LocalFileSystem().list(path) {
            let inner = "\(path)/\(entry.name)"
            if entry.isFolder {
                if try holds(inner, text) { return true }
            } else {
                let bytes = try contents(ofFile: inner)
                let isFound = bytes.indices.contains { start in
                    bytes[start] == needle[0] && bytes[start...].starts(with: needle)
                }
                if isFound { return true }
            }
        }
        return false
    }
}

/// A file system that fails from the n-th changing operation on, as after a pulled plug.
struct StoppingFileSystem: FileSystem {
    private let local = LocalFileSystem()
    private let counter: Counter

    /// Counts operations of all files of one file system.
    final class Counter: Sendable {
        private let left: Mutex<Int>
        init(_ count: Int) { left = Mutex(count) }

        func take() throws(MigratezError) {
            let isOver = left.withLock { left in
                left -= 1
                return left < 0
            }
            if isOver { throw MigratezError(.diskFailed, "stopped") }
        }
    }

    /// Fails after this many operations have passed.
    init(after count: Int) { counter = Counter(count) }

    func createFolder(_ path: String) throws(MigratezError) {
        try counter.take()
        try local.createFolder(path)
    }

    func open(_ path: String, _ mode: OpenMode) throws(MigratezError) -> any OpenFile {
        try counter.take()
        return StoppingFile(try local.open(path, mode), counter)
    }

    func rename(_ path: String, to newPath: String) throws(MigratezError) {
        try counter.take()
        try local.rename(path, to: newPath)
    }

    func remove(_ path: String) throws(MigratezError) {
        try counter.take()
        try local.remove(path)
    }

    func removeFolder(_ path: String) throws(MigratezError) {
        try counter.take()
        try local.removeFolder(path)
    }

    func syncFolder(_ path: String) throws(MigratezError) {
        try counter.take()
        try local.syncFolder(path)
    }

    func list(_ path: String) throws(MigratezError) -> [FolderEntry] { try local.list(path) }
    func length(_ path: String) throws(MigratezError) -> Int? { try local.length(path) }
}

/// A file of `StoppingFileSystem`.
final class StoppingFile: OpenFile {
    private let file: any OpenFile
    private let counter: StoppingFileSystem.Counter

    init(_ file: any OpenFile, _ counter: StoppingFileSystem.Counter) {
        self.file = file
        self.counter = counter
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(MigratezError) -> Int {
        try file.read(into: buffer, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(MigratezError) {
        try counter.take()
        try file.write(bytes, at: offset)
    }

    func sync() throws(MigratezError) {
        try counter.take()
        try file.sync()
    }

    func length() throws(MigratezError) -> Int { try file.length() }
}
