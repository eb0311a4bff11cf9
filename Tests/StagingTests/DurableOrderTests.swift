// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import Synchronization
import Testing

/// In which order things become durable. A kill does not show it, as the kernel keeps what was written; a power cut would.
@Suite struct DurableOrderTests {
    private static let chunk = "chunks/contact-raw-000001.ndjson.zst.age"

    private func withRecordedArea(_ body: (StagingArea, OperationLog) async throws -> Void) async throws {
        let run = try TestRun()
        let log = OperationLog(below: run.folder.path)
        var settings = run.settings(fileSystem: RecordingFileSystem(log: log))
        settings.onCommit = { moment in if moment == .before { log.note("commit") } }
        let area = try await run.create(settings)
        try await body(area, log)
        try await area.close()
    }

    @Test func `a chunk is synced, renamed, its folder and its key synced, and only then committed`() async throws {
        try await withRecordedArea { area, log in
            log.clear()
            _ = try await area.seal(0..<10)
            let expected = [
                "commit", "write ring/keys", "write \(Self.chunk).1.writing", "sync \(Self.chunk).1.writing",
                "rename \(Self.chunk).1.writing", "sync chunks", "sync ring/keys", "commit",
            ]
            #expect(log.operations == expected)
        }
    }

    @Test func `a spent chunk's key is destroyed for good before its file is unlinked`() async throws {
        try await withRecordedArea { area, log in
            _ = try await area.seal(0..<10)
            let lease = try #require(try await area.claim(contact, .raw, for: .transform))
            try await area.spend(lease)
            let spent = try #require(try await area.current(lease.chunk))
            log.clear()
            try await area.shred(spent: [spent])
            let expected = ["write ring/keys", "sync ring/keys", "remove \(Self.chunk)", "sync chunks", "commit"]
            #expect(log.operations == expected)
        }
    }
}

/// What was done, in its order; paths are relative to one folder.
private final class OperationLog: Sendable {
    private let folder: String
    private let entries = Mutex<[String]>([])

    init(below folder: String) { self.folder = folder }

    var operations: [String] { entries.withLock { $0 } }
    func note(_ operation: String) { entries.withLock { $0.append(operation) } }
    func note(_ verb: String, _ path: String) {
        note("\(verb) \(path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : path)")
    }
    func clear() { entries.withLock { $0 = [] } }
}

/// The machine's files, with a note of each change and each sync.
private struct RecordingFileSystem: FileSystem {
    let log: OperationLog
    private let local = LocalFileSystem()

    init(log: OperationLog) { self.log = log }

    func createFolder(_ path: String) throws(MigratezError) { try local.createFolder(path) }

    func open(_ path: String, _ mode: OpenMode) throws(MigratezError) -> any OpenFile {
        RecordingFile(file: try local.open(path, mode), path: path, log: log)
    }

    func rename(_ path: String, to newPath: String) throws(MigratezError) {
        log.note("rename", path)
        try local.rename(path, to: newPath)
    }

    func remove(_ path: String) throws(MigratezError) {
        log.note("remove", path)
        try local.remove(path)
    }

    func removeFolder(_ path: String) throws(MigratezError) { try local.removeFolder(path) }

    func syncFolder(_ path: String) throws(MigratezError) {
        log.note("sync", path)
        try local.syncFolder(path)
    }

    func list(_ path: String) throws(MigratezError) -> [FolderEntry] { try local.list(path) }
    func length(_ path: String) throws(MigratezError) -> Int? { try local.length(path) }
}

/// A file of `RecordingFileSystem`.
private final class RecordingFile: OpenFile {
    private let file: any OpenFile
    private let path: String
    private let log: OperationLog

    init(file: any OpenFile, path: String, log: OperationLog) {
        self.file = file
        self.path = path
        self.log = log
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(MigratezError) -> Int {
        try file.read(into: buffer, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(MigratezError) {
        log.note("write", path)
        try file.write(bytes, at: offset)
    }

    func sync() throws(MigratezError) {
        log.note("sync", path)
        try file.sync()
    }

    func length() throws(MigratezError) -> Int { try file.length() }
}
