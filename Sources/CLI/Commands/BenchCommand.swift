// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez bench`
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures what each stage of a pipeline takes, without writing to the destination.",
        discussion: """
            EXAMPLE
              migratez bench move.yaml --records 20000 --synthetic
              migratez bench move.yaml --records 5000 --repeat 5 --plot bench.svg

            The rows go to a sink that keeps nothing; the destination is asked for its schema and its people. Without \
            --synthetic the records are read from the source, at most --records of each object. What is staged is \
            encrypted, and destroyed after each turn. CPU S/M is the processor time of all threads for a million records.
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var processors: ProcessorOptions
    @Argument(help: "The pipeline file.", completion: .pipelineFile) var file: String
    @Option(help: "The records of each object.") var records = 10_000
    @Option(name: .customLong("repeat"), help: "How often each size is measured; the table has the medians.")
    var repetitions = 3
    @Flag(help: "Make the records up instead of reading any.") var synthetic = false
    @Option(help: "Draw throughput, memory and cost into this SVG file.", completion: .file(extensions: ["svg"]))
    var plot: String?
    @Flag(help: "Replace the file of --plot if there is one.") var force = false

    func validate() throws {
        guard records >= 4 else { throw ValidationError("--records must be at least 4") }
        guard (1...100).contains(repetitions) else { throw ValidationError("--repeat must be from 1 to 100") }
    }

    func run() async throws {
        let console = Console()
        if let plot, !force, FileManager.default.fileExists(atPath: plot) {
            throw MigratezError(
                .invalidSetting, "\(plot) exists", remedy: .fixConfiguration, hint: "name another file, or give --force"
            )
        }
        let workplace = try common.workplace()
        let connection = try await PlanConnection.open(file, in: workplace)
        let setup = try await StageSession.discover(connection, console)
        let bench = PipelineBench(connection, in: workplace, isSynthetic: synthetic)
        let sizes = [records / 4, records / 2, records]
        let (repetitions, isSynthetic) = (repetitions, synthetic)
        let turns = try await Interrupts.cancelling {
            var turns: [PipelineBench.Turn] = []
            // The sizes alternate, so that what else the machine does meets all of them alike.
            for turn in 1...repetitions {
                for size in sizes {
                    console.note("turn \(turn) of \(repetitions), \(size.grouped) records of each object")
                    turns.append(try await bench.turn(setup, size: size))
                }
            }
            return turns
        } onFirst: { _ in
            console.note("ending, and destroying what is staged; once more Ctrl-C stops at once")
        }
        console.show(Self.document(turns, sizes, isSynthetic: isSynthetic))
        guard let plot else { return }
        try Data(BenchPlot(turns, title: connection.plan.name).svg.utf8).write(to: URL(filePath: plot))
        console.note("plot: \(plot)")
    }

    private static func document(_ turns: [PipelineBench.Turn], _ sizes: [Int], isSynthetic: Bool) -> Document {
        var table = Table(
            "stages",
            [
                .left("STAGE"), .right("SIZE"), .right("RECORDS"), .right("LINKS"), .right("WALL S", key: "wall_s"),
                .right("RECORDS/S", key: "records_per_s"), .right("CPU S/M", key: "cpu_s_per_million"),
                .right("PEAK", key: "peak_bytes"),
            ])
        for (place, stage) in [Stage.extract, .transform, .load].enumerated() {
            for size in sizes {
                let costs = turns.filter { $0.size == size }.map { $0.costs[place] }
                guard let first = costs.first else { continue }
                let peaks = costs.compactMap { $0.peak?.bytes }.map(Double.init)
                table.add([
                    .text(stage.rawValue), .number(size), .number(first.records), .number(first.links),
                    .decimal(median(costs.map(\.wall.seconds)), digits: 3),
                    .number(Int(median(costs.map(\.recordsPerSecond)))),
                    .decimal(median(costs.map(\.perMillion)), digits: 2),
                    .bytes(peaks.isEmpty ? nil : ByteCount(Int(median(peaks)))),
                ])
            }
        }
        var document = Document(table)
        document.remark(
            (isSynthetic ? "synthetic records" : "records of the source")
                + " into a sink that keeps nothing; medians of "
                + "\(turns.count / sizes.count), \(ProcessUsage.cores) cores")
        return document
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        guard sorted.count.isMultiple(of: 2) else { return sorted[middle] }
        return middle == 0 ? 0 : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
