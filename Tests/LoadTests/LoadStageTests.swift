// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

@Suite struct LoadStageTests {
    @Test(arguments: [0, 1, 9, 10, 11, 57])
    func `every row is written once, in batches within the limits`(count: Int) async throws {
        try await withTemporaryFolder { path in
            let area = try await Scene.create(StagedRun(path), contacts: count)
            let destination = MemoryDestination()
            try await Scene.load(destination, area)
            #expect(destination.held.count == count)
            #expect(destination.held.allSatisfy { $0.writes == 1 })
            #expect(destination.batches.allSatisfy { (1...10).contains($0.rows.count) })
            #expect(destination.batches.count == (count + 9) / 10)
            #expect(destination.runningMax <= 3)
            try await Scene.expectBalance(area, [.created: count])
            #expect(try await area.chunks(of: contact, kind: .ready).allSatisfy { $0.state == .spent })
            let outcomes = try await area.outcomes(of: contact)
            for outcome in outcomes {
                #expect(outcome.targetID == destination.record("memory-contact-\(outcome.ordinal)", of: "Contact")?.id)
            }
            let writes = destination.batches.count
            try await Scene.load(destination, area)
            #expect(destination.batches.count == writes, "what is done is not written again")
            try await area.close()
        }
    }

    @Test func `batches keep to the bytes that are allowed, a larger row goes alone`() async throws {
        try await withTemporaryFolder { path in
            let area = try await Scene.create(StagedRun(path), contacts: 20, padding: 300)
            let destination = MemoryDestination(recordsMax: 100, bytesMax: ByteCount(1000))
            try await Scene.load(destination, area)
            #expect(destination.held.count == 20)
            #expect(destination.batches.allSatisfy { (1...3).contains($0.rows.count) })
            let small = MemoryDestination(recordsMax: 100, bytesMax: ByteCount(10))
            let second = try await Scene.create(StagedRun("\(path)/second"), contacts: 3)
            try await Scene.load(small, second)
            #expect(small.batches.map(\.rows.count) == [1, 1, 1])
            try await area.close()
            try await second.close()
        }
    }

    @Test func `refused rows go to the rejects with the reason, their links with them`() async throws {
        try await withTemporaryFolder { path in
            let area = try await Scene.create(StagedRun(path), contacts: 25, companies: 5)
            let destination = MemoryDestination { row in
                row.key.hasSuffix("contact-7") || row.key.hasSuffix("contact-23")
                    ? Rejection(
                        .notInPicklist, fields: ["Source"], vendorCode: "BAD_VALUE", vendorText: "no such thing")
                    : nil
            }
            try await Scene.loadAll(destination, area)
            try await Scene.expectBalance(area, [.created: 23, .rejected: 2])
            try await Scene.expectBalance(area, of: link, [.created: 23, .rejected: 2])
            let rejects = try await area.manifest.read { try $0.rejects(of: contact, limit: 10) }
            #expect(rejects.map(\.ordinal) == [7, 23])
            #expect(rejects.allSatisfy { $0.vendorCode == "BAD_VALUE" && $0.fields == ["Source"] && $0.stage == .load })
            let lines = try await area.texts(of: contact, .rejects)
            for (reject, text) in zip(rejects, lines) {
                var index = RecordIndex(fields: nil)
                let parsed = try Array(text.utf8).withUnsafeBufferPointer { try RejectLine.parse($0, with: &index) }
                #expect(parsed.ordinal == reject.ordinal)
                #expect(parsed.code == "MZ-PICK-01")
                #expect(parsed.vendorText == "no such thing")
                var reader = ReadyLineReader()
                let ready = try parsed.record.withUnsafeBufferPointer { try reader.read($0) }
                #expect(ready.sourceID == "\(reject.ordinal)")
            }
            try await area.close()
        }
    }

    @Test(arguments: ["quarantine", "empty", "skip"])
    func `a parent that was not loaded is treated as the pipeline says`(policy: String) async throws {
        try await withTemporaryFolder { path in
            let area = try await Scene.create(StagedRun(path), contacts: 20, companies: 5, onMissing: policy)
            let destination = MemoryDestination { row in row.key == "memory-company-3" ? Rejection(.ruleViolated) : nil
            }
            try await Scene.loadAll(destination, area)
            // Contacts 3, 8, 13 and 18 belong to company 3.
            let lost: [String: (Outcome, Outcome)] = [
                "quarantine": (.rejected, .rejected), "empty": (.created, .skipped), "skip": (.skipped, .skipped),
            ]
            let (record, edge) = try #require(lost[policy])
            for outcome in try await area.outcomes(of: contact) {
                #expect(outcome.outcome == (outcome.ordinal % 5 == 3 ? record : .created))
            }
            for outcome in try await area.outcomes(of: link) {
                #expect(outcome.outcome == (outcome.ordinal % 5 == 3 ? edge : .created))
                #expect(outcome.code == (outcome.ordinal % 5 == 3 ? "MZ-REF-02" : nil))
            }
            let loaded = try #require(destination.record("memory-contact-4", of: "Contact"))
            let parent = try #require(destination.record("memory-company-4", of: "Account"))
            #expect(
                loaded.references == [
                    .init(field: "AccountId", object: "Account", key: "memory-company-4", targetID: parent.id)
                ])
            if policy == "empty" {
                #expect(destination.record("memory-contact-3", of: "Contact")?.references == [])
            }
            for stream in [contact, link] {
                let total = try await area.manifest.read { try $0.reconciliation() }.first { $0.stream.name == stream }
                #expect(total?.isClosed == true)
            }
            try await area.close()
        }
    }

    @Test func `links that are records get a key of both ends and the label's tag`() async throws {
        try await withTemporaryFolder { path in
            let area = try await Scene.create(StagedRun(path), contacts: 3, companies: 2)
            let lines = (0..<3).map { number in
                Scene.line(
                    ReadyLine(
                        ordinal: number, sourceID: "", tag: number == 2 ? "0a1b2c3d" : nil, fields: Array("{}".utf8),
                        references: [
                            .init(field: "ContactId", stream: contact, ordinal: number, onMissing: "skip"),
                            .init(
                                field: "AccountId", stream: company, ordinal: number == 1 ? 99 : 1, onMissing: "skip"),
                        ]))
            }
            try await area.manifest.commit { try $0.declare(junction, .link) }
            try await area.stage(lines, of: junction, .raw)
            try await area.stage(lines, of: junction, .ready)
            try await area.manifest.commit { try $0.set(.transform, of: junction, to: .done) }
            let destination = MemoryDestination()
            try await Scene.loadAll(destination, area)
            let target = LoadTarget(
                stream: junction, object: "Role", keyPrefix: "memory-role-", isLink: true, parents: Scene.parents)
            try await Scene.load(destination, area, target)
            #expect(
                destination.held.filter { $0.object == "Role" }.compactMap(\.key)
                    == ["memory-role-0-1", "memory-role-2-1-0a1b2c3d"])
            try await Scene.expectBalance(area, of: junction, [.created: 2, .skipped: 1])
            try await area.close()
        }
    }

    @Test func `a chunk that was altered stops the load and is named`() async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path)
            let area = try await Scene.create(run, contacts: 5)
            let chunk = try #require(try await area.chunks(of: contact, kind: .ready).first)
            let file = try run.settings.fileSystem.open("\(area.folder.chunks)/\(chunk.fileName)", .updating)
            try [UInt8](repeating: 0x55, count: 4).withUnsafeBytes { try file.write($0, at: chunk.storedBytes - 30) }
            let destination = MemoryDestination()
            let failure = await #expect(throws: MigratezError.self) { try await Scene.load(destination, area) }
            #expect(failure?.code == .chunkAuthentication)
            #expect(failure?.message.contains("contact-ready-000001") == true)
            #expect(destination.held.isEmpty)
            #expect(try await area.manifest.read { try $0.leases() }.isEmpty)
            try await area.close()
        }
    }

    @Test func `a chunk whose file is gone does not pass for loaded`() async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path)
            var area = try await Scene.create(run, contacts: 5)
            let chunk = try #require(try await area.chunks(of: contact, kind: .ready).first)
            try run.settings.fileSystem.remove("\(area.folder.chunks)/\(chunk.fileName)")
            try await area.close()
            area = try await run.open()
            let reopened = area
            let failure = await #expect(throws: MigratezError.self) {
                try await Scene.load(MemoryDestination(), reopened)
            }
            #expect(failure?.code == .invalidTransition)
            #expect(try await area.manifest.read { try $0.stream(contact)?.state(of: .load) } != .done)
            try await area.close()
        }
    }
}
