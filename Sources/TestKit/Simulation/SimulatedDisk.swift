// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezStaging
import Synchronization

/// A disk in memory that loses in a power cut what nobody had made durable.
///
/// Contents are durable after `sync` of the file, names after `syncFolder`, each without the other. Of what was not
/// made durable a cut keeps some: of writes any, and of the one that was under way its first bytes; of changed names
/// the first ones, as file systems with a journal do. Folders are durable at once.
///
/// What SQLite and the lock open themselves (`manifest.sqlite`, its log, `lock`) lies in real folders of the same
/// names and is not this disk's.
package final class SimulatedDisk: FileSystem {
    /// What is about to happen; an error instead of it is the caller's to throw.
    package enum Operation: String, Sendable, CaseIterable {
        case createFolder, open, read, write, sync, syncFolder, rename, remove, removeFolder, list, length
    }

    private let state: Mutex<SimulatedVolume>
    private let real = LocalFileSystem()
    private let before: @Sendable (Operation, String) throws(MigratezError) -> Void

    /// - Parameters:
    ///   - ignoresSync: a disk that lies about having made something durable, for controls.
    ///   - before: called before each operation with its path; what it throws comes instead of it.
    package init(
        seed: UInt64, ignoresSync: Bool = false,
        before: @escaping @Sendable (Operation, String) throws(MigratezError) -> Void = { _, _ in }
    ) {
        state = Mutex(SimulatedVolume(seed: seed, ignoresSync: ignoresSync))
        self.before = before
    }

    /// The power goes off and on again. Files that were open are not used afterwards.
    package func cutPower() { state.withLock { $0.cutPower() } }

    /// The contents of all files by their paths.
    package var files: [String: [UInt8]] { state.withLock { $0.files } }

    package func createFolder(_ path: String) throws(MigratezError) {
        try before(.createFolder, path)
        try real.createFolder(path)
        state.withLock { $0.createFolder(path) }
    }

    package func open(_ path: String, _ mode: OpenMode) throws(MigratezError) -> any OpenFile {
        try before(.open, path)
        if SimulatedDisk.isReal(path) { return try real.open(path, mode) }
        let number = try state.withLock { state throws(MigratezError) in try state.open(path, mode) }
        return SimulatedFile(number, path, self)
    }

    package func rename(_ path: String, to newPath: String) throws(MigratezError) {
        try before(.rename, path)
        try state.withLock { state throws(MigratezError) in try state.rename(path, to: newPath) }
    }

    package func remove(_ path: String) throws(MigratezError) {
        try before(.remove, path)
        if SimulatedDisk.isReal(path) { return try real.remove(path) }
        state.withLock { $0.remove(path) }
    }

    package func removeFolder(_ path: String) throws(MigratezError) {
        try before(.removeFolder, path)
        try state.withLock { state throws(MigratezError) in try state.removeFolder(path) }
        try real.removeFolder(path)
    }

    package func syncFolder(_ path: String) throws(MigratezError) {
        try before(.syncFolder, path)
        try state.withLock { state throws(MigratezError) in try state.syncFolder(path) }
    }

    package func list(_ path: String) throws(MigratezError) -> [FolderEntry] {
        try before(.list, path)
        return try real.list(path) + state.withLock { $0.list(path) }
    }

    package func length(_ path: String) throws(MigratezError) -> Int? {
        try before(.length, path)
        if SimulatedDisk.isReal(path) { return try real.length(path) }
        return state.withLock { $0.length(path) }
    }

    fileprivate func withFile<R>(
        _ operation: Operation, _ path: String, _ body: (inout SimulatedVolume) throws(MigratezError) -> R
    ) throws(MigratezError) -> R {
        try before(operation, path)
        return try state.withLock { state throws(MigratezError) in try body(&state) }
    }

    private static func isReal(_ path: String) -> Bool {
        path.split(separator: "/").last?.hasPrefix("manifest.sqlite") == true
    }
}

/// A file of the disk that is open.
private final class SimulatedFile: OpenFile {
    private let number: Int
    private let path: String
    private let disk: SimulatedDisk

    init(_ number: Int, _ path: String, _ disk: SimulatedDisk) {
        self.number = number
        self.path = path
        self.disk = disk
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(MigratezError) -> Int {
        try disk.withFile(.read, path) { $0.read(number, into: buffer, at: offset) }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(MigratezError) {
        try disk.withFile(.write, path) { $0.write(number, Array(bytes), at: offset) }
    }

    func sync() throws(MigratezError) { try disk.withFile(.sync, path) { $0.sync(number) } }

    func length() throws(MigratezError) -> Int { try disk.withFile(.length, path) { $0.length(number) } }
}
