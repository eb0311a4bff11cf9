// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezCrypto
package import MigratezModel

/// The keys of one run: everything that is derived from, or wrapped by, its 32 random bytes.
package final class RunKeys: Sendable {
    /// A public name for the run key, which a rotation of the root key does not change.
    package let id: String
    /// For keyed hashes of values: match keys of duplicates, ids in spill files, pseudonyms in logs.
    package let pseudonyms: PseudonymKey
    /// Wraps the file keys of spill files.
    let spill: SymmetricKey
    /// Wraps the chunk keys in the key ring.
    let ring: SymmetricKey
    /// Wraps the key of the baseline that the run goes on from.
    let baseline: SymmetricKey

    init(_ runKey: SymmetricKey) {
        id = runKey.id(for: "run")
        pseudonyms = PseudonymKey(derivedFrom: HKDFSHA256.derive(from: runKey, info: "pseudonym"))
        spill = HKDFSHA256.derive(from: runKey, info: "spill")
        ring = HKDFSHA256.derive(from: runKey, info: "ring")
        baseline = HKDFSHA256.derive(from: runKey, info: "baseline")
    }

    /// Makes the key of a new run and its slot file.
    static func create(
        in folder: RunFolder, under root: RootKey, _ fileSystem: any FileSystem
    ) throws(MigratezError) -> RunKeys {
        let runKey = try SymmetricKey(randomBytes: 32)
        let slot = try KeySlot.wrap(runKey, for: folder.run, under: root)
        try fileSystem.createFolder(folder.keys)
        let file = try fileSystem.open(folder.keySlot, .new)
        try file.write(slot, at: 0)
        try file.sync()
        try fileSystem.syncFolder(folder.keys)
        return RunKeys(runKey)
    }

    /// Unwraps the key of an existing run.
    static func open(
        in folder: RunFolder, under root: RootKey, _ fileSystem: any FileSystem
    ) throws(MigratezError) -> RunKeys {
        guard try fileSystem.length(folder.keySlot) != nil else {
            throw MigratezError(
                .keyMissing, "the key slot of run \(folder.run) is not in \(folder.keys)", remedy: .fixConfiguration,
                hint: "if the run was shredded, its data is gone for good; else give the right keys folder")
        }
        let file = try fileSystem.open(folder.keySlot, .reading)
        return RunKeys(try KeySlot.unwrap(try file.read(KeySlot.bytes, at: 0), for: folder.run, under: root))
    }

    /// Overwrites the slot in place, unlinks it, and makes both durable; the same of what a rotation left that was cut
    /// off. Does nothing if it is gone.
    static func destroy(in folder: RunFolder, _ fileSystem: any FileSystem) throws(MigratezError) {
        for slot in [folder.keySlot, folder.nextKeySlot] {
            guard let length = try fileSystem.length(slot) else { continue }
            let file = try fileSystem.open(slot, .updating)
            try file.write([UInt8](repeating: 0, count: max(length, KeySlot.bytes)), at: 0)
            try file.sync()
            try fileSystem.remove(slot)
        }
        try fileSystem.syncFolder(folder.keys)
    }
}

extension OpenFile {
    /// Up to `count` bytes from `offset` on; fewer at the end of the file.
    package func read(_ count: Int, at offset: Int) throws(MigratezError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            var failure: MigratezError?
            let got = bytes.withUnsafeMutableBytes { buffer -> Int in
                do throws(MigratezError) {
                    return try read(
                        into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]), at: offset + done)
                } catch {
                    failure = error
                    return 0
                }
            }
            if let failure { throw failure }
            if got == 0 { break }
            done += got
        }
        return Array(bytes[..<done])
    }

    /// Writes all of `bytes` at `offset`.
    package func write(_ bytes: [UInt8], at offset: Int) throws(MigratezError) {
        try bytes.span.bytes.withUnsafeBytes { buffer throws(MigratezError) in try write(buffer, at: offset) }
    }
}
