// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezCrypto
import MigratezModel
import Synchronization

/// One key for each chunk, in a file of fixed slots that can be destroyed one by one.
///
/// A chunk's key is 32 random bytes wrapped by the run key. Destroying it, which makes the chunk unreadable for
/// everybody, is overwriting 64 bytes in place and syncing the file.
///
/// The file is a header of 64 bytes (`migratez ring 1\n`, the run's id, zeros) and slots of 64 bytes; slot n, from 1
/// upward, is at 64 × n:
///
/// | bytes | |
/// |---|---|
/// | 0 | 0 = never used, 1 = a key, 2 = destroyed |
/// | 1–3 | 0 |
/// | 4–15 | nonce |
/// | 16–63 | the chunk key under ChaCha20-Poly1305; the run's id and the slot's number are authenticated with it |
final class KeyRing: Sendable {
    static let slotBytes = 64
    private static let magic = Array("migratez ring 1\n".utf8)

    private struct State {
        var file: any OpenFile
        /// Why a sync failed: what the file holds is unknown until it is opened anew.
        var failure: MigratezError?
        var hasUnsynced = false
    }

    private let state: Mutex<State>
    private let run: RunID
    private let wrappingKey: SymmetricKey

    private init(_ file: any OpenFile, _ run: RunID, _ wrappingKey: SymmetricKey) {
        state = Mutex(State(file: file))
        self.run = run
        self.wrappingKey = wrappingKey
    }

    /// Makes an empty ring.
    static func create(
        in folder: RunFolder, keys: RunKeys, _ fileSystem: any FileSystem
    ) throws(MigratezError) -> KeyRing {
        try fileSystem.createFolder(folder.ring)
        let file = try fileSystem.open(folder.ringKeys, .new)
        try file.write(header(folder.run), at: 0)
        try file.sync()
        try fileSystem.syncFolder(folder.ring)
        return KeyRing(file, folder.run, keys.ring)
    }

    /// Opens the ring of an existing run.
    static func open(
        in folder: RunFolder, keys: RunKeys, mode: OpenMode = .updating, _ fileSystem: any FileSystem
    ) throws(MigratezError) -> KeyRing {
        guard try fileSystem.length(folder.ringKeys) != nil else {
            throw MigratezError(.keyMissing, "the key ring of run \(folder.run) is gone")
        }
        let file = try fileSystem.open(folder.ringKeys, mode)
        guard try file.read(slotBytes, at: 0) == header(folder.run) else {
            throw MigratezError(.keyMissing, "the key ring of run \(folder.run) is damaged or another run's")
        }
        return KeyRing(file, folder.run, keys.ring)
    }

    /// Puts a fresh key into the slot, replacing what is there. Not durable before `sync`.
    func makeKey(slot: Int64) throws(MigratezError) -> ChunkKey {
        let key = try SymmetricKey(randomBytes: ChunkKey.keyBytes)
        let nonce = try randomBytes(ChaCha20Poly1305.nonceBytes)
        var cipher = try ChaCha20Poly1305(key: wrappingKey)
        let sealed = try cipher.seal(key, nonce: nonce, authenticating: context(slot))
        try write([1, 0, 0, 0] + nonce + sealed, slot: slot)
        return ChunkKey(id: name(slot), key: key)
    }

    /// The key in the slot; throws `keyMissing` if it was destroyed, `keyWrong` if it is not this run's.
    func key(slot: Int64) throws(MigratezError) -> ChunkKey {
        let bytes = try read(slot)
        guard bytes.count == KeyRing.slotBytes, bytes[0] == 1 else {
            throw MigratezError(.keyMissing, "the key of chunk \(slot) was destroyed")
        }
        var cipher = try ChaCha20Poly1305(key: wrappingKey)
        let key = try cipher.openKey(
            Array(bytes[16...]), nonce: Array(bytes[4..<16]), authenticating: context(slot))
        guard let key else { throw MigratezError(.keyWrong, "the key of chunk \(slot) does not open") }
        return ChunkKey(id: name(slot), key: key)
    }

    /// Whether the slot holds a key.
    func holdsKey(slot: Int64) throws(MigratezError) -> Bool { try read(slot).first == 1 }

    /// Overwrites the slots in place and makes that durable.
    func destroy(slots: [Int64]) throws(MigratezError) {
        guard !slots.isEmpty else { return }
        for slot in slots { try write(KeyRing.destroyed, slot: slot) }
        try sync()
    }

    /// Makes every change durable; a failure ends the use of the ring in this process.
    func sync() throws(MigratezError) {
        try state.withLock { state throws(MigratezError) in
            try check(state)
            guard state.hasUnsynced else { return }
            do throws(MigratezError) {
                try state.file.sync()
                state.hasUnsynced = false
            } catch {
                state.failure = error
                throw error
            }
        }
    }

    /// Overwrites the whole ring of a run in place, whatever it holds, unlinks it, and makes both durable. Needs no key.
    static func destroyAll(in folder: RunFolder, _ fileSystem: any FileSystem) throws(MigratezError) {
        if let length = try fileSystem.length(folder.ringKeys) {
            let file = try fileSystem.open(folder.ringKeys, .updating)
            let zeros = [UInt8](repeating: 0, count: 64 << 10)
            var offset = 0
            while offset < length {
                try file.write(Array(zeros[..<min(zeros.count, length - offset)]), at: offset)
                offset += zeros.count
            }
            try file.sync()
            try fileSystem.remove(folder.ringKeys)
        }
        if try !fileSystem.list(folder.path).filter({ $0.name == "ring" }).isEmpty {
            try fileSystem.syncFolder(folder.ring)
        }
    }

    private static let destroyed = [2] + [UInt8](repeating: 0, count: slotBytes - 1)

    private static func header(_ run: RunID) -> [UInt8] {
        let start = magic + Array(run.text.utf8)
        return start + [UInt8](repeating: 0, count: slotBytes - start.count)
    }

    private func name(_ slot: Int64) -> String { "\(run):\(slot)" }
    private func context(_ slot: Int64) -> [UInt8] { Array("migratez.dev/ring-v1:\(run):\(slot)".utf8) }

    private func read(_ slot: Int64) throws(MigratezError) -> [UInt8] {
        try state.withLock { state throws(MigratezError) in
            try state.file.read(KeyRing.slotBytes, at: KeyRing.slotBytes * Int(slot))
        }
    }

    private func write(_ bytes: [UInt8], slot: Int64) throws(MigratezError) {
        precondition(slot >= 1 && bytes.count == KeyRing.slotBytes, "a slot has 64 bytes and a number from 1 upward")
        try state.withLock { state throws(MigratezError) in
            try check(state)
            state.hasUnsynced = true
            try state.file.write(bytes, at: KeyRing.slotBytes * Int(slot))
        }
    }

    private func check(_ state: borrowing State) throws(MigratezError) {
        if let failure = state.failure {
            throw MigratezError(
                .diskFailed, "the key ring could not be made durable before", remedy: .fixConfiguration,
                hint: "check the disk, then resume", cause: failure)
        }
    }
}
