// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Somebody who may make links in the staging or keys folder gets no other file read, written or removed by that.
@Suite struct SymbolicLinkTests {
    private enum File: CaseIterable {
        case manifest, lock, ring, slot

        func path(in folder: RunFolder) -> String {
            switch self {
            case .manifest: folder.manifest
            case .lock: folder.lock
            case .ring: folder.ringKeys
            case .slot: folder.keySlot
            }
        }
    }

    @Test(arguments: File.allCases) private func `a link in the place of a run's file is not followed`(
        _ file: File
    ) async throws {
        let run = try TestRun()
        try await run.create().close()
        let path = file.path(in: run.folder)
        let (other, before) = try replaceByLink(path, in: run)
        let failure = await code { _ = try await run.open() }
        // What is no file of the run's own is not there.
        let expected: ErrorCode =
            switch file {
            case .manifest: .runNotFound
            case .lock: .diskFailed
            case .ring, .slot: .keyMissing
            }
        #expect(failure == expected)
        #expect(try contents(ofFile: other) == before)
        if file != .lock {
            #expect(await code { _ = try RunInspection(run.folder, root: run.root) } != nil)
        }
    }

    @Test func `a link in the place of a sealed chunk is not followed`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let chunk = try await area.seal(0..<10)
        let (other, before) = try replaceByLink(run.folder.file(of: chunk), in: run)
        #expect(await code { _ = try await area.contents(chunk) } != nil)
        try await area.close()
        let (reopened, _) = try await run.open()
        #expect(try await reopened.current(chunk)?.state == .failed)
        #expect(try contents(ofFile: other) == before)
        try await reopened.close()
    }

    /// The name of the file that the next chunk is written to is no secret.
    @Test func `a link in the place of a file to be made is not written through`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        let other = "\(run.temporary.path)/other"
        _ = try LocalFileSystem().open(other, .new)
        let planted = "\(run.folder.chunks)/contact-raw-000001.ndjson.zst.age.1.writing"
        #expect(symlink(other, planted) == 0)
        #expect(await code { _ = try await area.seal(0..<10) } == .diskFailed)
        #expect(try contents(ofFile: other) == [])
        try await area.close()
    }

    /// Puts a link to the file, which now lies elsewhere, in its place.
    private func replaceByLink(_ path: String, in run: TestRun) throws -> (other: String, bytes: [UInt8]) {
        let other = "\(run.temporary.path)/other"
        let bytes = try contents(ofFile: path)
        try LocalFileSystem().rename(path, to: other)
        try #require(symlink(other, path) == 0)
        return (other, bytes)
    }
}
