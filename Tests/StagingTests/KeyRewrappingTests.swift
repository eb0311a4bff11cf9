// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

@Suite struct KeyRewrappingTests {
    private static let new = RootKey.key(SymmetricKey(copying: [UInt8](repeating: 9, count: 32)))

    @Test(arguments: [KeyRewrappingTests.new, .passphrase(Secret("correct horse"))])
    func `a run goes under another root key, and nothing else of it changes`(new: RootKey) async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunk = try await area.seal(0..<5)
        let id = area.keys.id
        try await area.close()
        let (file, ring) = (run.folder.file(of: chunk), run.folder.ringKeys)
        let before = (try contents(ofFile: file), try contents(ofFile: ring))

        let rewrapping = KeyRewrapping(from: run.root, to: new)
        #expect(try rewrapping.rewrapRunKey(run.folder) == .rewrapped)
        #expect(try rewrapping.rewrapRunKey(run.folder) == .unchanged)
        #expect(try rewrapping.rewrapKeptBaseline(run.folder) == .absent)

        #expect(await code { _ = try await run.open() } == .keyWrong)
        let (opened, _) = try await StagingArea.open(run.folder, root: new, settings: run.settings())
        #expect(opened.keys.id == id)
        #expect(try await opened.contents(chunk) == lines(0..<5))
        try await opened.close()
        #expect(try contents(ofFile: file) == before.0 && contents(ofFile: ring) == before.1)
        #expect(try run.names(run.folder.keys) == ["\(run.folder.run).slot"])
    }

    @Test func `a run under a third key, and one without a key, are left alone`() async throws {
        let run = try TestRun()
        try await run.create().close()
        let slot = try contents(ofFile: run.folder.keySlot)
        let third = RootKey.key(SymmetricKey(copying: [UInt8](repeating: 3, count: 32)))
        #expect(try KeyRewrapping(from: third, to: Self.new).rewrapRunKey(run.folder) == .foreign)
        #expect(try contents(ofFile: run.folder.keySlot) == slot)
        try LocalFileSystem().remove(run.folder.keySlot)
        #expect(try KeyRewrapping(from: run.root, to: Self.new).rewrapRunKey(run.folder) == .absent)
        #expect(try third.opensRun(run.folder) == nil)
    }

    @Test func `a run that somebody works on keeps its key`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        #expect(await code { _ = try KeyRewrapping(from: run.root, to: Self.new).rewrapRunKey(run.folder) } == .runBusy)
        #expect(try run.root.opensRun(run.folder) == true)
        try await area.close()
    }

    @Test func `wherever it is cut off, one of the two keys opens the run, and going on finishes it`() async throws {
        var stop = 0
        while true {
            let run = try TestRun()
            try await run.create().close()
            let fileSystem = StoppingFileSystem(after: stop)
            let failure = await code {
                _ = try KeyRewrapping(from: run.root, to: Self.new, fileSystem: fileSystem).rewrapRunKey(run.folder)
            }
            let opens = [try run.root.opensRun(run.folder), try Self.new.opensRun(run.folder)]
            #expect(opens == [true, false] || opens == [false, true], "stopped after \(stop) operations")
            if failure == nil { break }
            _ = try KeyRewrapping(from: run.root, to: Self.new).rewrapRunKey(run.folder)
            #expect(try Self.new.opensRun(run.folder) == true, "stopped after \(stop) operations")
            stop += 1
        }
        #expect(stop >= 8)
    }

    @Test func `what a cut-off rotation left of the run key goes when the run is shredded`() async throws {
        let run = try TestRun()
        try await run.create().close()
        // Open, remove, create, write, sync: the next operation would be the renaming.
        let fileSystem = StoppingFileSystem(after: 5)
        let failure = await code {
            _ = try KeyRewrapping(from: run.root, to: Self.new, fileSystem: fileSystem).rewrapRunKey(run.folder)
        }
        #expect(failure == .diskFailed)
        #expect(try run.names(run.folder.keys).count == 2)
        try await RunControl.withManifest(of: run.folder) { manifest in
            try await manifest.commit { try $0.confirm(by: "ana", basis: "abandoned", isAbandoned: true) }
        }
        _ = try await Shredding.run(run.folder, clock: run.clock)
        #expect(try run.names(run.folder.keys) == ["signing-key"])
    }

    @Test func `a key file is succeeded step by step, each of which may be the last before a crash`() throws {
        let temporary = try TemporaryFolder()
        let path = "\(temporary.path)/root-key"
        let old = try KeyFile.create(path)
        #expect(KeyFile.succession(path) == .none)
        let new = try KeyFile.successor(path)
        #expect(KeyFile.succession(path) == .underWay)
        #expect(try KeyFile.successor(path).isEqual(to: new), "an earlier attempt's")
        #expect(try KeyFile.load(path).isEqual(to: old))
        try KeyFile.succeed(path)
        #expect(try KeyFile.load(path).isEqual(to: new))
        #expect(KeyFile.succession(path) == .none)
        // The old key is under its last name only.
        try LocalFileSystem().rename(path, to: path + ".old")
        _ = try KeyFile.create(path)
        #expect(KeyFile.succession(path) == .oldKeyLeft)
        try KeyFile.succeed(path)
        #expect(try LocalFileSystem().list(temporary.path).map(\.name) == ["root-key"])
    }
}
