// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSimulatorKit
import MigratezStaging
import MigratezTestKit
import Testing

/// Measuring a pipeline between both simulated CRMs.
@Suite(.serialized) struct `Measuring a pipeline` {
    @Test(arguments: [true, false])
    func `counts what went through, writes to nobody and leaves nothing`(isSynthetic: Bool) async throws {
        try await MainJobWorld.with(records: 300) { world in
            let (connection, setup) = try await world.connect()
            let bench = PipelineBench(connection, in: world.workplace, isSynthetic: isSynthetic)
            world.hubspot.journal.reset()
            let turn = try await bench.turn(setup, size: 40)
            #expect(turn.costs.map(\.stage) == [.extract, .transform, .load])
            for cost in turn.costs {
                #expect(cost.wall > .zero && cost.processor > .zero && cost.perMillion > 0)
                #expect(isSynthetic ? cost.records == 160 : (100...160).contains(cost.records), "\(cost)")
                #expect(cost.links > 0)
            }
            #expect((turn.samples.map(\.extracted).max() ?? 0) >= 100)
            #expect((turn.samples.last?.loaded ?? 0) > 0, "rows reached the sink")
            let reads = world.hubspot.journal.counts.byRoute.filter { $0.key == "list contacts" }
            #expect(reads.isEmpty == isSynthetic, "\(reads)")
            #expect(world.salesforce.journal.counts.writes == 0)
            #expect(try RunRegistry(world.workplace).entries().isEmpty)
            let left = try FileManager.default.contentsOfDirectory(atPath: "\(world.folder)/staging")
            #expect(left.isEmpty, "\(left)")
        }
    }

    @Test func `a turn that is broken off leaves nothing either`() async throws {
        try await MainJobWorld.with(records: 2000) { world in
            let (connection, setup) = try await world.connect()
            let bench = PipelineBench(connection, in: world.workplace, isSynthetic: false)
            let turn = Task { try await bench.turn(setup, size: 2000) }
            for _ in 0..<400 where world.hubspot.journal.counts.byRoute["list contacts"] == nil {
                try await Task.sleep(for: .milliseconds(5))
            }
            turn.cancel()
            await #expect(throws: (any Error).self) { try await turn.value }
            #expect(try RunRegistry(world.workplace).entries().isEmpty)
            let left = try FileManager.default.contentsOfDirectory(atPath: "\(world.folder)/staging")
            #expect(left.isEmpty, "\(left)")
        }
    }

    @Test func `the plot is one well-formed picture with a name for each line`() throws {
        let costs = [Stage.extract, .transform, .load].map {
            PipelineBench.Cost(
                stage: $0, records: 100, links: 0, wall: .seconds(1), processor: .milliseconds(10), peak: nil)
        }
        let samples = (0..<5).map { second in
            RunSample(
                time: Timestamp(milliseconds: Int64(second) * 1000), session: 1, extracted: second * 100,
                transformed: second * 50, loaded: second * 20, rejected: 0, residentBytes: 50 << 20, stagedBytes: 0,
                remaining: nil)
        }
        let turns = [50, 100].map { PipelineBench.Turn(size: $0, costs: costs, samples: samples) }
        let svg = BenchPlot(turns, title: "a <b> & \"c\"").svg
        #expect(svg.contains("a &lt;b&gt; &amp; &quot;c&quot;") && !svg.contains("<b>"))
        for name in ["extract", "transform", "load", "resident"] { #expect(svg.contains(">\(name)</text>" as String)) }
        #expect(svg.matches(of: /class="line s/).count >= 14)
        let parser = XMLCheck(svg)
        #expect(parser.isWellFormed, "\(parser.problem)")
    }
}

/// Whether elements are closed in the order in which they were opened: enough for what this program writes.
private struct XMLCheck {
    private(set) var problem = ""
    var isWellFormed: Bool { problem.isEmpty }

    init(_ text: String) {
        var open: [Substring] = []
        for tag in text.matches(of: /<(\/?)([a-z]+)[^<>]*?(\/?)>/) {
            if tag.1 == "/" {
                if open.popLast() != tag.2 { problem = "</\(tag.2)>" }
            } else if tag.3.isEmpty {
                open.append(tag.2)
            }
        }
        if !open.isEmpty { problem = "\(open)" }
    }
}
