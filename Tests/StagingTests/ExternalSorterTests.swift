// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

@Suite struct ExternalSorterTests {
    private static let seed: UInt64 = 42

    private func sorted(
        _ entries: [[UInt8]], width: Int?, memory: ByteCount = .MiB(2)
    ) async throws -> (sorted: [[UInt8]], files: Int, used: ByteCount) {
        let run = try TestRun()
        let area = try await run.create()
        var files = 0
        var result: [[UInt8]] = []
        do {
            var sorter = area.makeSorter(entryBytes: width, memory: memory)
            for entry in entries { try entry.withUnsafeBytes { try sorter.append($0) } }
            #expect(sorter.count == entries.count)
            var entries = try sorter.sorted()
            files = try run.names(run.folder.spill).count
            while let entry = try entries.withNext({ Array($0) }) { result.append(entry) }
        }
        #expect(try run.names(run.folder.spill).isEmpty)
        let used = area.budget.usage.used
        try await area.close()
        return (result, files, used)
    }

    @Test(arguments: [0, 1, 2, 3, 1000])
    func `what fits into memory is sorted without a file`(count: Int) async throws {
        var generator = SeededGenerator(seed: Self.seed)
        let entries = (0..<count).map { _ in (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) } }
        let result = try await sorted(entries, width: 16)
        #expect(result.files == 0)
        #expect(result.sorted == entries.sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test(arguments: [1_000, 100_000])
    func `entries that come in order, and in the other order, come out in order`(count: Int) async throws {
        let entries = (0..<count).map { number in
            (0..<16).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) : 0 }
        }
        #expect(try await sorted(entries, width: 16).sorted == entries)
        #expect(try await sorted(entries.reversed(), width: 16).sorted == entries)
    }

    @Test(arguments: [1, 7, 8, 9, 24])
    func `entries of any width are sorted over several passes, duplicates kept`(width: Int) async throws {
        var generator = SeededGenerator(seed: Self.seed)
        // Few different bytes: many duplicates and many equal prefixes. 2 MiB merge three runs at once.
        let entries = (0..<160_000).map { _ in (0..<width).map { _ in UInt8.random(in: 0...3, using: &generator) } }
        let result = try await sorted(entries, width: width)
        #expect(result.files > 1)
        #expect(result.used == ByteCount(0))
        #expect(result.sorted == entries.sorted { $0.lexicographicallyPrecedes($1) }, "seed \(Self.seed)")
    }

    @Test func `entries of different lengths are sorted, the shorter of two equal ones first`() async throws {
        var generator = SeededGenerator(seed: Self.seed)
        let entries = (0..<100_000).map { _ in
            (0..<Int.random(in: 0...24, using: &generator)).map { _ in UInt8.random(in: 0...2, using: &generator) }
        }
        let result = try await sorted(entries, width: nil)
        #expect(result.files > 1)
        #expect(result.sorted == entries.sorted { $0.lexicographicallyPrecedes($1) }, "seed \(Self.seed)")
    }

    @Test func `long entries are sorted`() async throws {
        let longest = ExternalSorter.fixedEntryBytesMax
        let entries = (0..<100).map { [UInt8](repeating: UInt8(($0 * 37) % 101), count: longest - $0 % 3) }
        let result = try await sorted(entries, width: nil)
        #expect(result.sorted == entries.sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test func `entries larger than the memory are sorted among small ones`() async throws {
        var generator = SeededGenerator(seed: Self.seed)
        var entries = (0..<20_000).map { _ in
            (0..<Int.random(in: 0...24, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }
        for (number, count) in [3 << 20, 700 << 10, 65_535, 65_536, 65_537, 17 << 20, 1 << 20].enumerated() {
            let first = UInt8.random(in: 0...255, using: &generator)
            entries.insert([first] + [UInt8](repeating: UInt8(number), count: count - 1), at: number * 3000)
        }
        let result = try await sorted(entries, width: nil)
        #expect(result.sorted == entries.sorted { $0.lexicographicallyPrecedes($1) }, "seed \(Self.seed)")
        #expect(result.used == ByteCount(0))
    }

    @Test func `an entry that is too long is refused`() async throws {
        let entry = [UInt8](repeating: 0, count: ExternalSorter.entryBytesMax + 1)
        let failure = await code { _ = try await sorted([entry], width: nil) }
        #expect(failure == .limitExceeded)
    }

    @Test func `a million entries come out as an in-memory sort has them`() async throws {
        let run = try TestRun()
        let area = try await run.create()
        var generator = SeededGenerator(seed: Self.seed)
        var expected: [UInt64] = []
        do {
            var sorter = area.makeSorter(entryBytes: 32, memory: .MiB(8))
            for _ in 0..<1_000_000 {
                let key = generator.next() % 600_000
                expected.append(key)
                withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { entry in
                    _ = entry.initializeMemory(as: UInt8.self, repeating: 9)
                    entry.storeBytes(of: key.bigEndian, as: UInt64.self)
                    do { try sorter.append(UnsafeRawBufferPointer(entry)) } catch { Issue.record(error) }
                }
            }
            expected.sort()
            var entries = try sorter.sorted()
            var index = 0
            while let key = try entries.withNext({ UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }) {
                guard key == expected[index] else {
                    Issue.record("entry \(index) is out of order, seed \(Self.seed)")
                    break
                }
                index += 1
            }
            #expect(index == 1_000_000)
        }
        try await area.close()
    }
}
