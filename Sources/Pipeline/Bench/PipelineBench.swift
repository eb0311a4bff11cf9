// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
package import MigratezModel
package import MigratezStaging
import MigratezTransform

/// Measures a pipeline: what each stage takes for so many records, one stage after the other, into a sink that keeps
/// nothing.
///
/// Nothing is written to the destination. The source is read, unless the records are synthetic. Each turn is a run of its
/// own with encrypted chunks and a durable manifest, as any run; afterwards its keys are destroyed and its files removed.
/// A turn that is cut off leaves a run that `purge` takes care of, and that no other command can load: its accounts are
/// not the pipeline's.
package struct PipelineBench: Sendable {
    /// What one stage took for one turn.
    package struct Cost: Sendable {
        package var stage: Stage
        /// Records that were read, and links.
        package var records: Int
        package var links: Int
        package var wall: Duration
        /// Of all threads, user and system.
        package var processor: Duration
        /// The most memory during the stage; `nil` if the system does not tell it apart.
        package var peak: ByteCount?

        package init(
            stage: Stage, records: Int, links: Int, wall: Duration, processor: Duration, peak: ByteCount?
        ) {
            self.stage = stage
            self.records = records
            self.links = links
            self.wall = wall
            self.processor = processor
            self.peak = peak
        }

        package var recordsPerSecond: Double { Double(records) / max(wall.seconds, 1e-9) }
        /// Processor seconds for a million records.
        package var perMillion: Double { processor.seconds * 1_000_000 / Double(max(records, 1)) }
    }

    /// One run through all stages.
    package struct Turn: Sendable {
        /// The records of each object that it was to read at most.
        package var size: Int
        package var costs: [Cost]
        /// The samples that it took while at work.
        package var samples: [RunSample]

        package init(size: Int, costs: [Cost], samples: [RunSample]) {
            self.size = size
            self.costs = costs
            self.samples = samples
        }
    }

    private let connection: PlanConnection
    private let workplace: Workplace
    /// Whether records are made up instead of being read.
    private let isSynthetic: Bool

    package init(_ connection: PlanConnection, in workplace: Workplace, isSynthetic: Bool) {
        self.connection = connection
        self.workplace = workplace
        self.isSynthetic = isSynthetic
    }

    /// Takes `size` records of each object through all stages.
    package func turn(_ setup: RunSetup, size: Int) async throws -> Turn {
        var connection = connection.limited(to: size)
        if isSynthetic {
            connection.source = try await SyntheticSource(
                like: self.connection.source, setup.sourceSchemas, records: size)
        }
        connection.destination = NullSink(inner: connection.destination)
        // Nobody is to keep anything of it.
        connection.plan.retention.kept = []
        connection.plan.gates.rejectedShareMax = nil
        let run = try await Run.begin(connection, in: workplace) { _ in }
        do {
            // From now on no other command can take it up.
            try await run.checkAccount(.source)
            try await run.checkAccount(.target)
            var costs: [Cost] = []
            for stage in [Stage.extract, .transform, .load] { costs.append(try await measure(stage, run, setup)) }
            let samples = try await run.staging.manifest.read { try $0.samples() }
            try await end(run)
            return Turn(size: size, costs: costs, samples: samples)
        } catch {
            try await end(run)
            throw error
        }
    }

    private func measure(_ stage: Stage, _ run: Run, _ setup: RunSetup) async throws -> Cost {
        let hasOwnPeak = ProcessUsage.resetPeak()
        let (start, processor) = (ContinuousClock.now, ProcessUsage.processorTime)
        try await RunExecution(run, setup, progress: SilentProgress()).execute([stage])
        let (wall, used) = (ContinuousClock.now - start, ProcessUsage.processorTime - processor)
        let streams = try await run.staging.manifest.read { try $0.streams() }
        let read: (StreamKind) -> Int = { kind in
            streams.filter { $0.kind == kind }.reduce(0) { $0 + $1.recordsRead }
        }
        return Cost(
            stage: stage, records: read(.object), links: read(.link), wall: wall, processor: used,
            peak: hasOwnPeak ? ProcessUsage.peakMemory : nil)
    }

    /// Closes a run, destroys its keys and removes what is left of it; a measurement that was broken off does so, too.
    private func end(_ run: Run) async throws {
        try await run.close()
        let registry = RunRegistry(workplace)
        let entry = try registry.find(run.id.text)
        let folder = try entry.folder(in: workplace)
        try await RunControl.withManifest(of: folder) { manifest in
            try await manifest.commit { try $0.confirm(by: "migratez", basis: "bench", isAbandoned: true) }
        }
        _ = try await RunEnding(workplace).shred(entry)
        try FileManager.default.removeItem(atPath: folder.path)
        try registry.remove(entry)
    }
}
