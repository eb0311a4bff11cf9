// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

@Suite struct ChunkRetryTests {
    @Test func `damaged raw chunks are found, read again alone, and the run ends as if nothing had happened`()
        async throws
    {
        try await MainJobWorld.with(records: 600) { world in
            let (run, setup) = try await world.begin()
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract])
            let chunks = try await run.staging.manifest.read { try $0.chunks(kind: .raw) }
            #expect(chunks.count >= 8)
            for chunk in chunks {
                let file = URL(filePath: "\(run.staging.folder.chunks)/\(chunk.fileName)")
                var bytes = try Data(contentsOf: file)
                bytes[bytes.count - 20] ^= 0x40
                try bytes.write(to: file)
            }
            let results = try await ChunkRetry(run).retry()
            #expect(results.map(\.chunk) == chunks.map(\.address))
            for (chunk, result) in results {
                guard case .remade = result else {
                    Issue.record("\(chunk) is \(result)")
                    continue
                }
            }
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.transform, .load])
            let reports = try await Verification(run, progress: SilentProgress()).verify()
            #expect(reports.allSatisfy { $0.isGood })
            #expect(reports.contains { $0.loaded > 100 })
            try await run.close()
        }
    }

    @Test func `what the transform has begun to use is lost, and that is said`() async throws {
        let keepsAll: (String) -> String = { $0.replacing("spent_chunks: shred", with: "spent_chunks: keep") }
        try await MainJobWorld.with(records: 300, edit: keepsAll) { world in
            let (run, setup) = try await world.begin()
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform])
            let ready = try #require(try await run.staging.manifest.read { try $0.chunks(kind: .ready).first })
            try FileManager.default.removeItem(atPath: "\(run.staging.folder.chunks)/\(ready.fileName)")
            let results = try await ChunkRetry(run).retry()
            #expect(results.map(\.chunk) == [ready.address])
            guard case .lost(let error)? = results.first?.result else {
                Issue.record("\(results)")
                return
            }
            #expect(error.code == .notSupported)
            let chunk = try await run.staging.manifest.read { try $0.chunk(ready.address) }
            #expect(chunk?.state == .failed)
            try await run.close()
        }
    }
}
