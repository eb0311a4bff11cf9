// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An empty folder that goes with its last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/migratez-staging-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { TemporaryFolder.remove(path) }

    private static func remove(_ path: String) {
        for entry in (try? LocalFileSystem().list(path)) ?? [] {
            if entry.isFolder { remove("\(path)/\(entry.name)") } else { unlink("\(path)/\(entry.name)") }
        }
        rmdir(path)
    }
}

/// A place on disk for one run of a test, and a clock that stands still.
struct TestRun: Sendable {
    let temporary: TemporaryFolder
    let folder: RunFolder
    let root = RootKey.key(SymmetricKey(copying: [UInt8](repeating: 7, count: 32)))
    let clock = ManualClock()

    init() throws {
        temporary = try TemporaryFolder()
        let run = try #require(RunID("9f3c01aa"))
        folder = RunFolder(run: run, staging: "\(temporary.path)/staging", keys: "\(temporary.path)/keys")
    }

    /// Settings with small chunks.
    func settings(
        limit: ByteCount = .GiB(1), chunkBytes: ByteCount = .KiB(64), fileSystem: any FileSystem = LocalFileSystem()
    ) -> StagingSettings {
        StagingSettings(
            diskLimit: limit, chunkBytes: chunkBytes, chunkRecordsMax: 1000, fileSystem: fileSystem, clock: clock)
    }

    /// Begins the run with the streams of the tests.
    func create(_ settings: StagingSettings? = nil) async throws -> StagingArea {
        let description = RunDescription(
            pipeline: "test", digest: "sha256:00", source: "hubspot", destination: "salesforce")
        let area = try await StagingArea.create(folder, description, root: root, settings: settings ?? self.settings())
        try await area.manifest.commit { transaction in
            try transaction.declare(contact, .object)
            try transaction.declare(company, .object)
            try transaction.declare(link, .link)
        }
        return area
    }

    /// Opens the run again.
    func open(_ settings: StagingSettings? = nil) async throws -> (area: StagingArea, recovery: RecoveryReport) {
        try await StagingArea.open(folder, root: root, settings: settings ?? self.settings())
    }

    /// The names in one folder of the run, sorted.
    func names(_ path: String) throws -> [String] { try LocalFileSystem().list(path).map(\.name).sorted() }
}

let contact = StreamName("contact").unsafelyUnwrapped
let company = StreamName("company").unsafelyUnwrapped
let link = StreamName("contact-to-company").unsafelyUnwrapped

/// `count` lines that begin with `{"id":"<n>"`, and their bytes.
func lines(_ range: Range<Int>) -> [UInt8] {
    range.flatMap { Array("{\"id\":\"\($0)\",\"email\":\"person\($0)@example.com\"}\n".utf8) }
}

extension StagingArea {
    /// Seals a chunk with the lines of `range`.
    func seal(_ range: Range<Int>, _ stream: StreamName = contact, _ kind: ChunkKind = .raw) async throws -> Chunk {
        try await withChunkWriter(stream, kind, firstOrdinal: range.lowerBound) { writer in
            try writer.append(lines(range), records: range.count)
        }
    }

    /// All bytes of a chunk.
    func contents(_ chunk: Chunk) async throws -> [UInt8] {
        try await withChunkReader(chunk) { reader in
            var all: [UInt8] = []
            var block: [UInt8] = []
            while try reader.next(into: &block) { all += block }
            return all
        }
    }

    /// The chunk as the manifest knows it now.
    func current(_ chunk: Chunk) async throws -> Chunk? {
        try await manifest.read { try $0.chunk(chunk.address) }
    }
}

/// The code of the error that `body` throws; nil if it throws none or another one.
func code(_ body: () async throws -> Void) async -> ErrorCode? {
    do {
        try await body()
        return nil
    } catch { return (error as? MigratezError)?.code }
}

/// Reads a whole file.
func contents(ofFile path: String) throws -> [UInt8] {
    let file = try LocalFileSystem().open(path, .reading)
    var bytes = [UInt8](repeating: 0, count: try file.length())
    let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
    return Array(bytes[..<count])
}

/// Overwrites a file in place, at `offset`.
func overwrite(_ path: String, with bytes: [UInt8], at offset: Int) throws {
    try bytes.withUnsafeBytes { try LocalFileSystem().open(path, .updating).write($0, at: offset) }
}
