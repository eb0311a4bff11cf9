// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezPipeline
import MigratezTestKit
import Testing

/// Rates and the time to go, from what was done when.
@Suite struct `The history of progress` {
    private static func counts(
        _ done: Int, of total: Int?, loaded: Int = 0, isRead: Bool = false
    ) throws -> ProgressCounts {
        var contact = ProgressCounts.Stream(try #require(StreamName("contact")))
        contact.expected = total
        contact[.extract] = .init(done: done, isComplete: isRead)
        contact[.transform] = .init(done: done, isComplete: isRead)
        contact[.load] = .init(done: loaded)
        contact.ready = done
        return ProgressCounts([contact])
    }

    @Test func `says nothing before two percent or a minute`() throws {
        let clock = ManualClock()
        var history = ProgressHistory([.extract])
        let contact = try #require(StreamName("contact"))
        history.add(try Self.counts(0, of: 100_000), at: clock.now)
        #expect(history.timeToGo(of: contact) == .waiting)
        for second in 1...59 {
            clock.advance(by: .seconds(1))
            history.add(try Self.counts(second * 10, of: 100_000), at: clock.now)
            #expect(history.timeToGo == .unknown, "\(second) s")
        }
        clock.advance(by: .seconds(1))
        history.add(try Self.counts(600, of: 100_000), at: clock.now)
        guard case .seconds(let range) = history.timeToGo else {
            Issue.record("\(history.timeToGo)")
            return
        }
        #expect(range.contains(9940))
        #expect(history.rate(of: .extract) == 10)
    }

    @Test func `a stage that has not begun makes the time a lower bound`() throws {
        let clock = ManualClock()
        var history = ProgressHistory([.extract, .transform, .load])
        for second in 0...100 {
            history.add(try Self.counts(second * 10, of: 2000), at: clock.now)
            clock.advance(by: .seconds(1))
        }
        #expect(history.timeToGo == .atLeast(100))
    }

    @Test func `a stage that has stood still for a minute tells nothing about what is left`() throws {
        let clock = ManualClock()
        var history = ProgressHistory([.load])
        for second in 0...160 {
            history.add(try Self.counts(1000, of: 1000, loaded: min(second, 50) * 10, isRead: true), at: clock.now)
            clock.advance(by: .seconds(1))
        }
        #expect(history.timeToGo == .unknown)
    }

    @Test func `a total that nobody knows gives no time`() throws {
        let clock = ManualClock()
        var history = ProgressHistory([.extract])
        for second in 0...100 {
            history.add(try Self.counts(second * 10, of: nil), at: clock.now)
            clock.advance(by: .seconds(1))
        }
        #expect(history.timeToGo == .unknown)
        #expect(history.rate(of: .extract) == 10)
    }

    @Test func `the slower stage counts, and an unsteady rate widens the range`() throws {
        let clock = ManualClock()
        var history = ProgressHistory([.extract, .transform, .load])
        var loaded = 0
        for second in 0...200 {
            history.add(try Self.counts(100 * second, of: 40_000, loaded: loaded), at: clock.now)
            clock.advance(by: .seconds(1))
            loaded += second < 100 ? 20 : 60
        }
        guard case .seconds(let range) = history.timeToGo else {
            Issue.record("\(history.timeToGo)")
            return
        }
        // 32,060 are left to load, at 40 a second over all and at 60 of late.
        #expect(range.lowerBound > 480 && range.lowerBound < 560, "\(range)")
        #expect(range.upperBound > 760 && range.upperBound < 900, "\(range)")
    }

    @Test func `what the merging of duplicates took away has not to be loaded`() throws {
        var contact = ProgressCounts.Stream(try #require(StreamName("contact")))
        contact.expected = 1000
        contact[.extract] = .init(done: 400)
        contact[.transform] = .init(done: 400)
        contact.ready = 300
        #expect(contact.total(of: .extract) == 1000)
        #expect(contact.total(of: .load) == 750)
        contact[.extract] = .init(done: 1100, isComplete: true)
        #expect(contact.total(of: .transform) == 1100, "an estimate that was too low gives way")
        contact[.transform] = .init(done: 1100, isComplete: true)
        contact.ready = 900
        #expect(contact.total(of: .load) == 900)
    }

    @Test func `a snapshot that was written down is read as it was`() throws {
        var snapshot = ProgressSnapshot(
            time: ManualClock().now, stages: [.extract, .load], counts: try Self.counts(5, of: 10, isRead: true))
        snapshot.rates = [.extract: 12.5]
        snapshot.limitedBy = .targetRate
        snapshot.limit = "salesforce rate (25/s)"
        snapshot.timeToGo = .seconds(10...20.5)
        for stream in snapshot.counts.streams { snapshot.streamTimes[stream.name] = .waiting }
        #expect(ProgressSnapshot(json: snapshot.json) == snapshot)
    }
}
