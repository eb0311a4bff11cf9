// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

@Suite struct DiskBudgetTests {
    @Test func `what is more than the whole budget is refused at once`() async throws {
        let budget = DiskBudget(limit: ByteCount(100))
        try await budget.reserve(ByteCount(100))
        #expect(await code { try await budget.reserve(ByteCount(101)) } == .diskBudget)
        #expect(budget.usage.used == ByteCount(100))
    }

    @Test func `who comes first is served first, however little the others want`() async throws {
        let budget = DiskBudget(limit: ByteCount(100))
        try await budget.reserve(ByteCount(60))
        let order = Order()
        try await withThrowingTaskGroup(of: Void.self) { group in
            // The first leaves no room beside it: two that were let in at once could note themselves in either order.
            for (index, bytes) in [100, 1, 10].enumerated() {
                group.addTask {
                    try await budget.reserve(ByteCount(bytes))
                    await order.append(index)
                    budget.release(ByteCount(bytes))
                }
                while budget.usage.waiters <= index { await Task.yield() }
            }
            #expect(budget.usage.used == ByteCount(60))
            budget.release(ByteCount(60))
            try await group.waitForAll()
        }
        #expect(await order.values.first == 0)
        #expect(budget.usage.used == ByteCount(0) && budget.usage.waiters == 0)
    }

    @Test func `the time in which somebody waits is measured`() async throws {
        let budget = DiskBudget(limit: ByteCount(100))
        try await budget.reserve(ByteCount(60))
        #expect(budget.waits.waiting == 0, "who is let in at once has not waited")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await budget.reserve(ByteCount(90)) }
            // The second one would be let in at once if it came first.
            while budget.usage.waiters < 1 { await Task.yield() }
            group.addTask { try await budget.reserve(ByteCount(10)) }
            while budget.usage.waiters < 2 { await Task.yield() }
            #expect(budget.waits.waiting == 2)
            budget.release(ByteCount(60))
            try await group.waitForAll()
        }
        #expect(budget.waits.waiting == 0)
    }

    @Test func `a waiter that is cancelled leaves its place to the next`() async throws {
        let budget = DiskBudget(limit: ByteCount(100))
        try await budget.reserve(ByteCount(60))
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    try await budget.reserve(ByteCount(90))
                    return false
                } catch { return error is CancellationError }
            }
            while budget.usage.waiters < 1 { await Task.yield() }
            group.cancelAll()
            #expect(await group.next() == true)
        }
        #expect(budget.usage.waiters == 0)
        try await budget.reserve(ByteCount(40))
        #expect(budget.usage.used == ByteCount(100))
    }

    @Test func `a charge makes others wait but never waits itself`() async throws {
        let budget = DiskBudget(limit: ByteCount(100))
        budget.charge(ByteCount(150))
        #expect(budget.usage.used == ByteCount(150))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await budget.reserve(ByteCount(1)) }
            while budget.usage.waiters < 1 { await Task.yield() }
            budget.release(ByteCount(50))
            #expect(budget.usage.waiters == 1)
            budget.release(ByteCount(1))
            try await group.waitForAll()
        }
        #expect(budget.usage.used == ByteCount(100))
    }

    @Test func `a full disk budget stops the writer until a chunk is shredded`() async throws {
        let run = try TestRun()
        let area = try await run.create(run.settings(limit: .KiB(80), chunkBytes: .KiB(64)))
        // 20 KiB that do not compress: what is left is less than the next chunk needs.
        var generator = SeededGenerator(seed: 5)
        let noise = (0..<20 << 10).map { _ in UInt8.random(in: 11...255, using: &generator) } + [0x0A]
        let first = try await area.withChunkWriter(contact, .raw) { try $0.append(noise, records: 1) }
        try await area.spend(try #require(try await area.claim(contact, .raw, for: .transform)))
        let spent = try #require(try await area.current(first))
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask { try await area.seal(0..<1).address.sequence }
            while area.budget.usage.waiters < 1 { await Task.yield() }
            try await area.shred(spent: [spent])
            #expect(try await group.next() == 2)
        }
        try await area.close()
    }

    private actor Order {
        var values: [Int] = []
        func append(_ value: Int) { values.append(value) }
    }
}
