// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezTestKit
import Testing

/// Whole migrations in memory, each with the troubles that its seed decides. A seed that fails is printed with the
/// command that runs it again, in the same course.
@Suite(.serialized, .timeLimit(.minutes(30))) struct `Simulated migrations` {
    private static let environment = ProcessInfo.processInfo.environment
    /// `MIGRATEZ_SEEDS`: how many; `MIGRATEZ_SEED`: the first one.
    private static let count = environment["MIGRATEZ_SEEDS"].flatMap { UInt64($0) } ?? 200
    private static let first = environment["MIGRATEZ_SEED"].flatMap { UInt64($0) } ?? 1

    @Test func `lose nothing, double nothing and leave nothing, whatever happens to them`() async throws {
        var (sessions, steps, deaths, failures) = (0, 0, 0, 0)
        for seed in Self.first..<Self.first + Self.count {
            let report = try await SimulatedMigration.run(seed: seed)
            #expect(report.findings.isEmpty, "scripts/torture --seeds 1 --seed \(seed)")
            sessions += report.sessions
            steps += report.steps
            deaths += report.deaths
            failures += report.failures
        }
        #expect(deaths > 0 && failures > 0 || Self.count < 20, "nothing happened to them")
        if Self.environment["MIGRATEZ_SEEDS"] != nil {
            print("\(Self.count) seeds: \(sessions) sessions, \(steps) steps, \(deaths) ends, \(failures) failed calls")
        }
    }

    /// Sets and dictionaries have an order of their own each time, unless the process was started with this.
    private static let hasFixedOrder = environment["SWIFT_DETERMINISTIC_HASHING"] != nil

    @Test(
        .enabled(if: hasFixedOrder, "SWIFT_DETERMINISTIC_HASHING is not set; scripts/torture --seeds sets it"),
        arguments: 1...20 as ClosedRange<UInt64>
    ) func `take the same course each time`(seed: UInt64) async throws {
        let first = try await SimulatedMigration.run(seed: seed)
        let second = try await SimulatedMigration.run(seed: seed)
        #expect(first.course == second.course && first.steps == second.steps)
    }

    /// How many of the seeds are found to be wrong.
    private func findings(_ sabotage: SimulatedMigration.Sabotage, seeds: UInt64) async throws -> [String] {
        var findings: [String] = []
        for seed in 1...seeds { findings += try await SimulatedMigration.run(seed: seed, sabotage).findings }
        return findings
    }

    @Test func `a disk that says it is durable and is not is found out`() async throws {
        #expect(try await !findings(.init(ignoresSync: true), seeds: 30).isEmpty)
    }

    @Test func `a write that was acknowledged and forgotten is found out`() async throws {
        #expect(try await findings(.init(betrayal: .forgets), seeds: 10).contains { $0.hasPrefix("lost:") })
    }

    @Test func `a record that was made twice is found out`() async throws {
        #expect(try await findings(.init(betrayal: .doubles), seeds: 10).contains { $0.hasPrefix("nobody asked for") })
    }

    @Test func `a value in the clear is found out`() async throws {
        #expect(try await findings(.init(leaksText: true), seeds: 2).contains { $0.hasSuffix("in the clear") })
    }
}
