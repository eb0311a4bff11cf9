// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezLoad
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Synchronization
import Testing

private let down = MigratezError(.serverFailed, "down as told", remedy: .stop)
private let flaky = MigratezError(.timedOut, "no answer, as told", remedy: .retry(after: nil))

@Suite struct LoadCrashTests {
    /// Runs that stop with an error at some write, are opened again, and go on.
    private func survive(_ faults: [Int: MemoryDestination.Fault], stops: Bool) async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path)
            var area = try await Scene.create(run, contacts: 75, companies: 5)
            let destination = MemoryDestination(faults: faults) { row in
                row.key.hasSuffix("contact-11") ? Rejection(.ruleViolated) : nil
            }
            do {
                try await Scene.loadAll(destination, area)
                #expect(!stops)
            } catch let error as MigratezError {
                #expect(error.code == .serverFailed)
                destination.set([:])
                try await area.close()
                area = try await run.open()
                try await Scene.loadAll(destination, area)
            }
            #expect(destination.held.filter { $0.object == "Contact" }.count == 74)
            #expect(Set(destination.held.map { "\($0.object) \($0.key ?? "")" }).count == 79)
            #expect(destination.held.allSatisfy { $0.writes == 1 }, "nothing was sent again that had arrived")
            try await Scene.expectBalance(area, [.created: 74, .rejected: 1])
            try await Scene.expectBalance(area, of: link, [.created: 74, .rejected: 1])
            try await Scene.expectBalance(area, of: company, [.created: 5])
            try await area.close()
        }
    }

    @Test(arguments: 1...9)
    func `a crash before any write is made good by the next run`(number: Int) async throws {
        try await survive([number: .refused(down)], stops: true)
    }

    @Test(arguments: 1...9, [0, 1, 4, 10])
    func `a crash after a write arrived doubles nothing and loses nothing`(number: Int, arrived: Int) async throws {
        try await survive([number: .lost(after: arrived, down)], stops: true)
    }

    @Test(arguments: 1...9, [0, 1, 4, 10])
    func `an answer that is lost is looked up, and only the rest is sent again`(
        number: Int, arrived: Int
    ) async throws {
        try await survive([number: .lost(after: arrived, flaky)], stops: false)
    }

    @Test func `a destination that stays away is given up after some attempts`() async throws {
        try await withTemporaryFolder { path in
            let area = try await Scene.create(StagedRun(path), contacts: 1)
            let faults = Dictionary(uniqueKeysWithValues: (1...20).map { ($0, MemoryDestination.Fault.refused(flaky)) })
            let destination = MemoryDestination(faults: faults)
            let failure = await #expect(throws: MigratezError.self) { try await Scene.load(destination, area) }
            #expect(failure?.code == .timedOut)
            #expect(destination.batches.count == 4)
            try await area.close()
        }
    }

    @Test(arguments: [1, 2, 9, 10])
    func `a batch that is refused as a whole is halved down to the row`(rows: Int) async throws {
        try await withTemporaryFolder { path in
            let area = try await Scene.create(StagedRun(path), contacts: rows)
            let destination = HalvingDestination(poison: "memory-contact-\(rows - 1)")
            try await Scene.load(destination, area)
            #expect(destination.inner.held.count == rows - 1)
            try await Scene.expectBalance(area, [.created: rows - 1, .rejected: 1])
            #expect(try await area.manifest.read { try $0.rejects(of: contact, limit: 5) }.map(\.ordinal) == [rows - 1])
            try await area.close()
        }
    }

    @Test(arguments: 1...12)
    func `a load that is cancelled anywhere goes on as if it had not been`(write: Int) async throws {
        try await withTemporaryFolder { path in
            let run = StagedRun(path)
            var area = try await Scene.create(run, contacts: 75, companies: 5)
            let calls = Mutex(0)
            let destination = MemoryDestination(beforeWrite: {
                let number = calls.withLock { calls in
                    calls += 1
                    return calls
                }
                if number == write { withUnsafeCurrentTask { $0?.cancel() } }
                try Task.checkCancellation()
            })
            do { try await Scene.loadAll(destination, area) } catch { #expect(error is CancellationError) }
            try await area.close()
            area = try await run.open()
            try await Scene.loadAll(destination, area)
            #expect(destination.held.count == 80)
            #expect(destination.held.allSatisfy { $0.writes == 1 })
            try await Scene.expectBalance(area, [.created: 75])
            try await Scene.expectBalance(area, of: link, [.created: 75])
            try await area.close()
        }
    }
}

/// Refuses every batch that holds one certain row, as a service does whose parser trips over it.
private struct HalvingDestination: Destination {
    let inner = MemoryDestination()
    let poison: String

    var name: String { inner.name }
    var readBatchSize: Int { inner.readBatchSize }

    func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        if batch.rows.contains(where: { $0.key == poison }) {
            throw MigratezError(.requestRefused, "a row of the batch is not understood", remedy: .rejectRecord)
        }
        return try await inner.write(batch, by: route, intent: intent)
    }

    func discover(_ objects: [String]) async throws -> [ObjectSchema] { try await inner.discover(objects) }
    func requirements(of object: ObjectSchema) -> [FieldCreation] { [] }
    func prepare(_ creations: [FieldCreation]) async throws {}
    func people() async throws -> [Person] { [] }
    func route(for object: String, expectedRows: Int) -> WriteRoute { inner.route(for: object, expectedRows: 1) }
    func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        try await inner.resolve(batch, by: route, note: note)
    }
    func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] { [] }
    func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] { [] }
    func sample(object: String, fields: [String], count: Int) async throws -> [ReadBack] { [] }
    func delete(object: String, ids: [String]) async throws -> [Deletion] {
        try await inner.delete(object: object, ids: ids)
    }
    func count(object: String, keyPrefix: String) async throws -> Int? { nil }
    func identity() async throws -> String { "halving" }
    func account(for objects: [String]) async throws -> AccountReport { AccountReport(account: "halving") }
    func finish() async throws {}
}
