// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Puts what is wrapped by one root key under another one. The run keys, and so the chunks, stay as they are.
///
/// Each slot changes in one step: under its old name there is the old slot or the new one, whole. Doing it again is
/// harmless, so that whatever cuts a rotation off, going through all runs once more finishes it.
package struct KeyRewrapping: Sendable {
    /// What became of one slot.
    package enum Result: Sendable, Hashable {
        case rewrapped
        /// It was under the new key already.
        case unchanged
        /// Neither of the two keys opens it: it is under another root key.
        case foreign
        /// There is none.
        case absent
    }

    private let old: RootKey
    private let new: RootKey
    private let fileSystem: any FileSystem

    package init(from old: RootKey, to new: RootKey, fileSystem: any FileSystem = LocalFileSystem()) {
        self.old = old
        self.new = new
        self.fileSystem = fileSystem
    }

    /// Puts the key of a run under the new root key.
    ///
    /// - Throws: `runBusy` if a process works on the run, which might destroy its keys meanwhile; `keyDamaged`,
    ///   `keyMissing` if the slot is not whole.
    package func rewrapRunKey(_ folder: RunFolder) throws(MigratezError) -> Result {
        // Of a run whose folder is gone only the slot may be left, and nobody can work on it.
        let isThere = try fileSystem.length(folder.manifest) != nil
        let lock: RunLock? = isThere ? try RunLock(folder.lock) : nil
        defer { lock?.release() }
        guard let length = try fileSystem.length(folder.keySlot) else { return .absent }
        let file = try fileSystem.open(folder.keySlot, .updating)
        let (slot, result) = try rewrapped(try file.read(length, at: 0), folder.run)
        guard let slot else { return result }
        let next = folder.nextKeySlot
        try fileSystem.remove(next)
        let successor = try fileSystem.open(next, .new)
        try successor.write(slot, at: 0)
        try successor.sync()
        try fileSystem.rename(next, to: folder.keySlot)
        try fileSystem.syncFolder(folder.keys)
        // The name leads to the new slot by now; what is overwritten here is the old one, which has none any more.
        try file.write([UInt8](repeating: 0, count: length), at: 0)
        try file.sync()
        return result
    }

    /// Puts the key of the baseline that was kept of a run under the new root key.
    package func rewrapKeptBaseline(_ folder: RunFolder) throws -> Result {
        guard try fileSystem.length(folder.keptBaseline) ?? 0 > 0 else { return .absent }
        var result = Result.absent
        try Baseline.replaceSlot(folder.keptBaseline) { slot throws(MigratezError) in
            let (replacement, found) = try rewrapped(slot, folder.run)
            result = found
            return replacement
        }
        return result
    }

    /// The slot under the new key; `nil` if it is not to be replaced.
    private func rewrapped(_ slot: [UInt8], _ run: RunID) throws(MigratezError) -> (slot: [UInt8]?, result: Result) {
        if try new.opens(slot, of: run) { return (nil, .unchanged) }
        do throws(MigratezError) {
            let key = try KeySlot.unwrap(slot, for: run, under: old)
            return (try KeySlot.wrap(key, for: run, under: new), .rewrapped)
        } catch  where error.code == .keyWrong { return (nil, .foreign) }
    }
}

extension RootKey {
    /// Whether it opens the key of the run; nil if the run has none any more.
    package func opensRun(
        _ folder: RunFolder, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(MigratezError) -> Bool? {
        guard let length = try fileSystem.length(folder.keySlot) else { return nil }
        return try opens(try fileSystem.open(folder.keySlot, .reading).read(length, at: 0), of: folder.run)
    }

    /// Whether it opens the baseline that was kept of the run; nil if none was.
    package func opensKeptBaseline(
        _ folder: RunFolder, fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Bool? {
        do {
            guard let baseline = try KeptBaseline.open(folder, root: self, fileSystem: fileSystem) else { return nil }
            try baseline.close()
            return true
        } catch let error as MigratezError where error.code == .keyWrong { return false }
    }

    fileprivate func opens(_ slot: [UInt8], of run: RunID) throws(MigratezError) -> Bool {
        do throws(MigratezError) {
            _ = try KeySlot.unwrap(slot, for: run, under: self)
            return true
        } catch  where error.code == .keyWrong { return false }
    }
}
