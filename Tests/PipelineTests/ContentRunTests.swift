// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

/// Files move with their records, through the whole program.
@Suite struct `Runs with contents` {
    private static let file = StreamName("file").unsafelyUnwrapped

    private static func balance(_ run: Run) async throws -> Reconciliation {
        let balances = try await run.staging.manifest.read { try $0.reconciliation() }
        return try #require(balances.first { $0.stream.name == file })
    }

    private static func expectContents(_ world: ContentWorld, sourceLocation: SourceLocation = #_sourceLocation) {
        for number in ContentWorld.sizes.indices.dropLast() {
            #expect(
                world.content(number) == ContentWorld.bytes(number), "file \(number)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: ["16MiB", "64KiB"]) func `bring every byte, and reject what the source has lost`(
        chunk: String
    ) async throws {
        try await ContentWorld.with(chunk: chunk) { world in
            let run = try await world.move()
            Self.expectContents(world)
            let balance = try await Self.balance(run)
            #expect(balance.isClosed && balance[.created] == 5 && balance[.rejected] == 1)
            let counts = try await run.staging.manifest.read { try $0.rejectCounts() }
            #expect(counts.contains { $0.stream == Self.file && $0.code == ErrorCode.contentUnavailable.description })
            #expect(try world.text("out/files.ndjson").contains("files.files/ndjson-file-f3"))
            let content = try await run.staging.manifest.read { try $0.chunks(of: Self.file, kind: .content) }
            #expect(!content.isEmpty && content.allSatisfy { $0.state == .shredded })
            let verified = try await Verification(run, progress: SilentProgress()).verify()
            let result = try #require(verified.first { $0.stream == Self.file })
            #expect(result.isGood && result.files == 5 && result.filesDifferent == 0)
            #expect(result.fileBytes == ContentWorld.sizes.dropLast().reduce(0, +))
            try await run.close()
        }
    }

    @Test func `verify finds a byte that is another one`() async throws {
        try await ContentWorld.with { world in
            let run = try await world.move()
            var bytes = ContentWorld.bytes(2)
            bytes[17] ^= 1
            try Data(bytes).write(to: URL(fileURLWithPath: "\(world.folder)/out/files.files/ndjson-file-f2"))
            let result = try #require(
                try await Verification(run, progress: SilentProgress()).verify().first { $0.stream == Self.file })
            #expect(!result.isGood && result.filesDifferent == 1 && result.examples == ["f2"])
            try await run.close()
        }
    }

    @Test func `a content that was lost is read when its record is tried again`() async throws {
        try await ContentWorld.with { world in
            try await world.move().close()
            try world.writeContent(ContentWorld.bytes(5), 5)
            let (connection, setup) = try await world.connect()
            let run = try await Run.reopen(RunRegistry(world.workplace).find(nil), connection, in: world.workplace) {
                _ in
            }
            let counts = try await IssueReplay(run, setup).prepare(code: ErrorCode.contentUnavailable.description)
            #expect(counts.tried == 1)
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            #expect(world.content(5) == ContentWorld.bytes(5))
            let balance = try await Self.balance(run)
            #expect(balance.isClosed && balance[.created] == 6)
            try await run.close()
        }
    }

    @Test func `a run that goes on writes the contents that changed, and no others`() async throws {
        try await ContentWorld.with { world in
            try await world.move().close()
            let other = [UInt8](repeating: 9, count: 300_000)
            try world.writeContent(other, 2)
            try world.writeFiles(titles: [1: "Renamed"])
            let dates = try (0..<5).map { try modified(world, $0) }
            let run = try await world.move(goesOn: true)
            #expect(world.content(2) == other)
            for number in [0, 1, 3, 4] {
                #expect(world.content(number) == ContentWorld.bytes(number))
                #expect(try modified(world, number) == dates[number], "file \(number) was written again")
            }
            #expect(try world.text("out/files.ndjson").contains("Renamed 1"))
            let balance = try await Self.balance(run)
            #expect(balance.isClosed && balance[.updated] == 2 && balance[.skipped] == 3)
            let verified = try await Verification(run, scope: .all, progress: SilentProgress()).verify()
            for result in verified { #expect(result.isGood, "\(result)") }
            try await run.close()
        }
    }

    private func modified(_ world: ContentWorld, _ number: Int) throws -> Date? {
        let path = "\(world.folder)/out/files.files/ndjson-file-f\(number)"
        return try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
    }

    @Test func `an undo takes the files away with their records`() async throws {
        try await ContentWorld.with { world in
            let run = try await world.move()
            _ = try await RunUndo(run).execute(isDryRun: false)
            #expect((0..<6).allSatisfy { world.content($0) == nil })
            #expect(!FileManager.default.fileExists(atPath: "\(world.folder)/out/files.files"))
            try await run.close()
        }
    }

    @Test(arguments: ["../secret", "/etc/hostname", "docs/../../secret", "docs/link.pdf"])
    func `a path that leads out of its folder is not followed`(path: String) async throws {
        try await ContentWorld.with { world in
            try world.write("secret", "secret")
            try FileManager.default.createSymbolicLink(
                atPath: "\(world.folder)/source/docs/link.pdf", withDestinationPath: "\(world.folder)/secret")
            try world.write(#"{"id":"f0","title":"T","path":"\#(path)","person":[]}"# + "\n", "source/files.ndjson")
            let run = try await world.move()
            #expect(try await Self.balance(run)[.rejected] == 1)
            #expect(world.content(0) == nil)
            try await run.close()
        }
    }
}
