// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezPipeline
import MigratezTestKit
import Synchronization
import Testing
import migratez

/// The progress of a run as a person sees it.
@Suite struct `The progress lines` {
    private static func snapshot(at time: Timestamp = ManualClock().now) throws -> ProgressSnapshot {
        func stream(
            _ name: String, _ extracted: Int, of total: Int?, transformed: Int, loaded: Int, rejected: Int = 0,
            isDone: Bool = false
        ) throws -> ProgressCounts.Stream {
            var stream = ProgressCounts.Stream(try #require(StreamName(name)))
            stream.expected = total
            stream.rejected = rejected
            stream[.extract] = .init(done: extracted, isComplete: isDone)
            stream[.transform] = .init(done: transformed, isComplete: isDone)
            stream[.load] = .init(done: loaded, isComplete: isDone)
            stream.ready = transformed
            return stream
        }
        let streams = [
            try stream(
                "company", 388_120, of: 388_120, transformed: 388_120, loaded: 388_120, rejected: 12, isDone: true),
            try stream("contact", 2_964_000, of: 4_812_330, transformed: 2_950_000, loaded: 2_610_500, rejected: 612),
            try stream("deal", 118_000, of: 900_000, transformed: 0, loaded: 0),
            try stream("note", 0, of: nil, transformed: 0, loaded: 0),
        ]
        var snapshot = ProgressSnapshot(
            time: time, stages: [.extract, .transform, .load], counts: ProgressCounts(streams))
        snapshot.counts.staged = ByteCount(3_330_000_000)
        snapshot.rates = [.extract: 1482, .load: 1460]
        snapshot.limit = "hubspot rate (150/10s)"
        snapshot.timeToGo = .seconds(1560...2280)
        let times: [TimeToGo] = [.done, .seconds(1200...1320), .seconds(1700...1900), .waiting]
        for (stream, time) in zip(streams, times) { snapshot.streamTimes[stream.name] = time }
        return snapshot
    }

    private static let wide = """
        Object   Extract                      Transform                    Load                         Rejected   ETA
        company  ██████████    388,120 100 %  ██████████    388,120 100 %  ██████████    388,120 100 %        12  done
        contact  ██████░░░░  2,964,000  61 %  ██████░░░░  2,950,000  61 %  █████░░░░░  2,610,500  54 %       612   21m
        deal     █░░░░░░░░░    118,000  13 %                            –                            –         –   30m
        note                               –                            –                            –         –  wait
        1,482 rec/s in · 1,460 rec/s out · staging 3.1 GiB · limited by: hubspot rate (150/10s) · ETA 32m ±6m
        """

    @Test func `have bars, counts and shares where there is room`() throws {
        #expect(ProgressText(try Self.snapshot(), columns: 111).lines.joined(separator: "\n") == Self.wide)
    }

    @Test(arguments: [20, 40, 60, 79, 90, 100, 120, 139, 300]) func `never pass the width`(_ columns: Int) throws {
        let lines = ProgressText(try Self.snapshot(), columns: columns).lines
        for line in lines { #expect(line.count <= columns, "\(line)") }
        #expect(lines.count >= 6)
    }

    @Test func `at eighty columns say counts and shares without bars`() throws {
        let lines = ProgressText(try Self.snapshot(), columns: 79).lines
        #expect(lines[2] == "contact  2,964,000  61 %  2,950,000  61 %  2,610,500  54 %       612   21m")
        #expect(lines.dropFirst(5).joined(separator: "\n").contains("limited by: hubspot rate (150/10s)"))
    }

    @Test func `in a low window keep what is under way`() throws {
        let lines = ProgressText(try Self.snapshot(), columns: 139, rows: 5).lines
        #expect(lines.count <= 5)
        #expect(!lines.contains { $0.hasPrefix("company") })
        #expect(lines.contains { $0.hasPrefix("contact") })
        #expect(lines.contains("… and 1 more"))
    }

    @Test func `are one a minute where they cannot be drawn`() throws {
        let clock = ManualClock()
        let notes = Mutex<[String]>([])
        let reporter = ProgressReporter(
            .plain, tellsEvents: false, draw: { _ in Issue.record("nothing is drawn") },
            note: { line in notes.withLock { $0.append(line) } }, emit: { _ in Issue.record("no event was asked for") })
        for _ in 0..<300 {
            reporter.show(try Self.snapshot(at: clock.now))
            clock.advance(by: .milliseconds(500))
        }
        let lines = notes.withLock { $0 }
        #expect(lines.count == 2)
        #expect(
            lines[0]
                == "2026-11-23T12:01:00Z  company 100/100/100 %, contact 61/61/54 %, deal 13/–/– %, note –/–/– % · "
                + "624 rejected · 1,482 rec/s in · 1,460 rec/s out · staging 3.1 GiB · "
                + "limited by: hubspot rate (150/10s) · ETA 32m ±6m")
    }
}
