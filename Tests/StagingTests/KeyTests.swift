// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite struct KeyTests {
    @Test func `a run under a passphrase opens with it and with nothing else`() async throws {
        let run = try TestRun()
        let description = RunDescription(pipeline: "p", digest: "d", source: "a", destination: "b")
        let right = RootKey.passphrase(Secret("correct horse"))
        try await StagingArea.create(run.folder, description, root: right).close()
        for wrong in [RootKey.passphrase(Secret("correct horsf")), run.root] {
            #expect(await code { _ = try await StagingArea.open(run.folder, root: wrong) } == .keyWrong)
        }
        let (area, _) = try await StagingArea.open(run.folder, root: right)
        try await area.close()
    }

    @Test func `a slot with any byte changed, or of another run, does not open`() async throws {
        let run = try TestRun()
        try await run.create().close()
        let slot = try contents(ofFile: run.folder.keySlot)
        #expect(slot.count == 96)
        for index in slot.indices {
            try overwrite(run.folder.keySlot, with: [slot[index] ^ 1], at: index)
            let failure = await code { _ = try await run.open() }
            #expect(failure == .keyWrong || failure == .keyDamaged, "byte \(index)")
            try overwrite(run.folder.keySlot, with: [slot[index]], at: index)
        }
        try overwrite(run.folder.keySlot, with: [UInt8](repeating: 0, count: 96), at: 0)
        #expect(await code { _ = try await run.open() } == .keyMissing, "its destruction had begun")
        try overwrite(run.folder.keySlot, with: slot, at: 0)
        let other = RunFolder(
            run: try #require(RunID("00000001")), staging: run.folder.staging, keys: run.folder.keys)
        try LocalFileSystem().rename(run.folder.path, to: other.path)
        try LocalFileSystem().rename(run.folder.keySlot, to: other.keySlot)
        #expect(await code { _ = try await StagingArea.open(other, root: run.root) } == .keyWrong)
    }

    @Test func `a ring of another run, or with slots exchanged, opens no chunk`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunks = [try await area.seal(0..<1), try await area.seal(1..<2)]
        let ring = try contents(ofFile: run.folder.ringKeys)
        #expect(ring.count == 64 * 3)
        try overwrite(run.folder.ringKeys, with: Array(ring[128..<192] + ring[64..<128]), at: 64)
        for chunk in chunks { #expect(await code { _ = try area.openChunkReader(chunk) } == .keyWrong) }
        try await area.close()
        try overwrite(run.folder.ringKeys, with: Array("00000001".utf8), at: 16)
        #expect(await code { _ = try await run.open() } == .keyMissing)
    }

    @Test func `two runs have other keys, and other pseudonyms`() async throws {
        let runs = [try TestRun(), try TestRun()]
        var pseudonyms: Set<Pseudonym> = []
        for run in runs {
            let area = try await run.create()
            pseudonyms.insert(area.keys.pseudonyms.pseudonym(of: "person@example.com"))
            let same = area.keys.pseudonyms.pseudonym(of: "person@example.com")
            #expect(pseudonyms.contains(same))
            try await area.close()
        }
        #expect(pseudonyms.count == 2)
    }

    @Test func `each key of a ring is wrapped under a nonce of its own`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        for start in 0..<20 { _ = try await area.seal(start..<(start + 1)) }
        try await area.close()
        // The layout is in the comment of `KeyRing`: slots of 64 bytes from 1 upward, the nonce in bytes 4 to 15.
        let ring = try contents(ofFile: run.folder.ringKeys)
        var nonces: Set<[UInt8]> = []
        for slot in 1...20 { nonces.insert(Array(ring[(64 * slot + 4)..<(64 * slot + 16)])) }
        #expect(nonces.count == 20)
    }

    @Test func `a ring whose sync failed takes no more keys, and says why each time`() async throws {
        let run = try TestRun()
        let fails = Mutex(false)
        let disk = SimulatedDisk(seed: 1) { operation, path throws(MigratezError) in
            if operation == .sync, path.hasSuffix("ring/keys"), fails.withLock({ $0 }) {
                throw MigratezError(.diskFull, "no room")
            }
        }
        let area = try await run.create(run.settings(fileSystem: disk))
        fails.withLock { $0 = true }
        await #expect { _ = try await area.seal(0..<1) } throws: { ($0 as? MigratezError)?.code == .diskFull }
        fails.withLock { $0 = false }
        // What the disk holds of the ring is unknown: that a later sync succeeds says nothing of what came before.
        await #expect { _ = try await area.seal(1..<2) } throws: { error in
            guard let error = error as? MigratezError else { return false }
            return error.code == .diskFailed && (error.cause as? MigratezError)?.code == .diskFull
        }
        try await area.close()
    }

    @Test func `a key file is made once, for its owner only, and read again`() throws {
        let temporary = try TemporaryFolder()
        let path = "\(temporary.path)/a/b/root-key"
        let (key, isNew) = try KeyFile.loadOrCreate(path)
        #expect(isNew)
        let (again, isNewAgain) = try KeyFile.loadOrCreate(path)
        #expect(!isNewAgain && key.isEqual(to: again))
        var status = stat()
        #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(try contents(ofFile: path).count == 65)
        #expect(try LocalFileSystem().list("\(temporary.path)/a/b").map(\.name) == ["root-key"])
    }

    @Test func `what a process left that was killed while it made a key file is removed`() throws {
        let temporary = try TemporaryFolder()
        let path = "\(temporary.path)/root-key"
        _ = try KeyFile.loadOrCreate(path)
        // No process has that number (proc(5): pid_max is at most 2^22); one is still at work, and one is not ours.
        let mine = "root-key.\(getpid()).new"
        for name in ["root-key.4194304.new", mine, "root-key.new"] {
            _ = try LocalFileSystem().open("\(temporary.path)/\(name)", .new)
        }
        _ = try KeyFile.loadOrCreate(path)
        #expect(try Set(LocalFileSystem().list(temporary.path).map(\.name)) == ["root-key", mine, "root-key.new"])
    }

    @Test(arguments: [0o640, 0o604, 0o666] as [mode_t])
    func `a key file that others may read or write is refused`(mode: mode_t) async throws {
        let temporary = try TemporaryFolder()
        let path = "\(temporary.path)/root-key"
        _ = try KeyFile.loadOrCreate(path)
        #expect(chmod(path, mode) == 0)
        #expect(await code { _ = try KeyFile.load(path) } == .keyExposed)
        #expect(await code { try KeyFile.requireUnexposed(path) } == .keyExposed)
    }

    @Test(arguments: [
        "", "00", String(repeating: "0", count: 63), String(repeating: "g", count: 64),
        String(repeating: "0", count: 66),
    ])
    func `a key file with something else in it is refused`(text: String) async throws {
        let temporary = try TemporaryFolder()
        let path = "\(temporary.path)/root-key"
        let file = try LocalFileSystem().open(path, .new)
        try Array(text.utf8).withUnsafeBytes { try file.write($0, at: 0) }
        #expect(await code { _ = try KeyFile.load(path) } == .keyDamaged)
    }

    @Test func `a key file that is there is not made anew, and one that is destroyed is overwritten first`()
        async throws
    {
        let temporary = try TemporaryFolder()
        let path = "\(temporary.path)/root-key"
        let key = try KeyFile.create(path)
        #expect(await code { _ = try KeyFile.create(path) } == .invalidSetting)
        #expect(try KeyFile.load(path).isEqual(to: key))
        let file = try LocalFileSystem().open(path, .reading)
        try KeyFile.destroy(path)
        try KeyFile.destroy(path)
        #expect(try file.read(100, at: 0) == [UInt8](repeating: 0, count: 65))
        #expect(await code { _ = try KeyFile.load(path) } == .keyMissing)
    }

    @Test func `a link in the place of a key file is not followed`() async throws {
        let temporary = try TemporaryFolder()
        _ = try KeyFile.loadOrCreate("\(temporary.path)/real")
        #expect(symlink("real", "\(temporary.path)/root-key") == 0)
        #expect(await code { _ = try KeyFile.load("\(temporary.path)/root-key") } == .diskFailed)
    }

    @Test func `the keys folder follows the XDG specification`() {
        #expect(RunFolder.defaultKeys(environment: ["XDG_STATE_HOME": "/x/", "HOME": "/h"]) == "/x/migratez/keys")
        #expect(
            RunFolder.defaultKeys(environment: ["XDG_STATE_HOME": "x", "HOME": "/h"])
                == "/h/.local/state/migratez/keys")
        #expect(RunFolder.defaultKeys(environment: [:]) == nil)
    }

    @Test func `the root over leaves is the one of RFC 6962`() {
        // The first leaves of the test data of Certificate Transparency's reference implementation.
        let leaves: [[UInt8]] = [[], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43]]
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        ]
        for (count, root) in roots.enumerated() {
            #expect(Hex.encode(MerkleTree.root(of: Array(leaves.prefix(count)))) == root, "\(count) leaves")
        }
    }
}
