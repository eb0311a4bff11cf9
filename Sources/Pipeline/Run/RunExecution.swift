// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezExtract
import MigratezLoad
package import MigratezModel
import MigratezStaging
import MigratezTransform

/// Takes a run through its stages, which overlap where one does not need the other's end.
///
/// ```
/// records  company ──► contact ──► deal ──► note
/// links               company ──► contact ──► …            as soon as the from-records are extracted
/// transform              company ──► contact ──► …         as soon as records and lookups are extracted
/// load                      company ──► contact ──► …      chunk by chunk as they become ready, parents first
/// ```
///
/// Each line is one task; they wait for each other through `Milestones` and meet in the chunk store. The first error ends
/// them all; what is sealed and noted stays, and calling `execute` again goes on from there.
package struct RunExecution: Sendable {
    let run: Run
    let setup: RunSetup
    private let gauge: ConcurrencyGauge
    private let sampler: RunSampler
    private let milestones = Milestones()

    package init(
        _ run: Run, _ setup: RunSetup, progress: any ProgressSink, gauge: ConcurrencyGauge = ConcurrencyGauge()
    ) {
        self.run = run
        self.setup = setup
        self.gauge = gauge
        sampler = RunSampler(passingTo: progress)
    }

    private var progress: any ProgressSink { sampler }
    private var spec: TransformSpec { run.plan.transform }
    private var staging: StagingArea { run.staging }
    /// A sixteenth of the memory for each of the few sorters that are open at once.
    private var sorterBytes: ByteCount { ByteCount(run.plan.limits.memoryMax.bytes / 16) }

    /// Each slice that is being read holds two pages and a chunk that is being packed.
    private var slicesMax: Int {
        let limits = run.plan.limits
        return max(1, min(limits.slicesMax, limits.jobsMax ?? .max, limits.memoryMax.bytes / Self.sliceBytes))
    }
    private static let sliceBytes = 16 << 20

    /// Runs the stages that are named; those before them must be complete.
    package func execute(_ stages: Set<Stage>) async throws {
        try await run.requireNotUndone()
        try await sampler.during(run, stages, totals: setup.totals) { try await carryOut(stages) }
    }

    private func carryOut(_ stages: Set<Stage>) async throws {
        let begun = try await staging.manifest.read { try $0.run() }
        try await reachKnownMilestones()
        try await requireStagesBefore(stages)
        // Contents are read while their records are loaded.
        let readsContents = stages.contains(.load) && spec.objects.contains { $0.content != nil }
        if stages.contains(.extract) || readsContents { try await run.checkAccount(.source) }
        if stages.contains(.load) { try await run.checkAccount(.target) }
        try await run.note(.active)
        let context = MappingContext(
            spec: spec, run: RunVariables(started: begun.createdAt, id: run.id.text, pipeline: run.plan.name),
            people: setup.people, sourceSchemas: setup.sourceSchemas, targetSchemas: setup.targetSchemas)
        if stages.contains(.load) {
            try await run.destination.create(setup.objectCreations)
            try await run.destination.prepare(setup.creations)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            if stages.contains(.extract) {
                group.addTask { try await extractRecords() }
                group.addTask { try await extractLinks() }
            }
            if stages.contains(.transform) {
                group.addTask { try await transform(context) }
                group.addTask { try await retireRawChunks() }
            }
            if stages.contains(.load) { group.addTask { try await load() } }
            // Not `waitForAll`, which leaves the others running after an error: they may wait for milestones that no
            // longer come.
            while try await group.next() != nil {}
        }
        if stages.contains(.load) {
            if let baseline = run.baseline { try await Removals(run, baseline).follow() }
            try await run.destination.finish()
            try await checkBalance()
            try await staging.manifest.commit { transaction in
                if try transaction.run().phase == .running { try transaction.advance(to: .loaded) }
            }
        }
        try await run.note(.finished)
    }

    // MARK: Extract

    private func extractRecords() async throws {
        let extraction = RecordExtraction(
            source: run.source, staging: staging, slicesMax: slicesMax, clock: run.clock, progress: progress)
        for stream in spec.loadOrder {
            guard let object = spec.object(stream) else { continue }
            try await extraction.extract(stream, fields: setup.sourceFields(of: object))
            try await checkExpectations(stream)
            milestones.reach(.extracted(stream))
        }
    }

    private func extractLinks() async throws {
        let extraction = LinkExtraction(
            source: run.source, staging: staging, concurrency: run.plan.limits.jobsMax ?? 4, progress: progress)
        for stream in spec.loadOrder {
            try await milestones.wait(for: .extracted(stream))
            for route in spec.routes where route.from == stream {
                try await extraction.extract(route.stream, from: route.from, to: route.to)
                milestones.reach(.extracted(route.stream))
            }
        }
    }

    // MARK: Transform

    private func transform(_ context: MappingContext) async throws {
        let stage = TransformStage(
            staging: staging, spec: spec, context: context, sorterBytes: sorterBytes, progress: progress)
        for stream in spec.loadOrder {
            guard let object = spec.object(stream) else { continue }
            let lookups = spec.routes.filter { $0.from == stream && $0.isLookup }
            for milestone in [stream] + lookups.map(\.stream) { try await milestones.wait(for: .extracted(milestone)) }
            try await stage.transform(object, layout: run.source.layout(of: stream))
            try await staging.manifest.commit { transaction in
                for route in lookups { try transaction.set(.transform, of: route.stream, to: .done) }
            }
            try await checkRejects(stream)
            milestones.reach(.transformed(stream))
            for route in lookups { milestones.reach(.transformed(route.stream)) }
        }
        for route in spec.routes where !route.isLookup {
            try await milestones.wait(for: .extracted(route.stream))
            guard let fields = setup.junctionFields[route.stream] else {
                throw MigratezError(.internalError, "no fields are known for the ends of \(route.stream)")
            }
            try await stage.transform(route, fromField: fields.from, toField: fields.to)
            milestones.reach(.transformed(route.stream))
        }
    }

    /// Ends the life of raw chunks that nobody will read again, as early as the plan allows.
    private func retireRawChunks() async throws {
        for stream in spec.loadOrder {
            for route in spec.routes where route.from == stream {
                try await milestones.wait(for: .extracted(route.stream))
            }
            try await milestones.wait(for: .transformed(stream))
            // Contents are read with their records at hand: those go when they are loaded.
            if spec.object(stream)?.content == nil { try await retire(stream) }
        }
        for route in spec.routes {
            try await milestones.wait(for: .transformed(route.stream))
            try await retire(route.stream)
        }
    }

    private func retire(_ stream: StreamName) async throws {
        try await staging.manifest.commit { transaction in
            for chunk in try transaction.chunks(of: stream, kind: .raw, state: .sealed) {
                try transaction.retire(chunk.address)
            }
        }
        guard run.plan.retention.spentChunks == .shred else { return }
        let spent = try await staging.manifest.read { try $0.chunks(of: stream, kind: .raw, state: .spent) }
        try await staging.shred(spent: spent)
    }

    // MARK: Load

    private func load() async throws {
        try await LateLinks(run).ready()
        let stage = LoadStage(
            destination: run.destination, staging: staging,
            batchBytesMax: ByteCount(run.plan.limits.memoryMax.bytes / 32), delta: run.baseline.map { LoadDelta($0) },
            clock: run.clock, progress: progress, gauge: gauge)
        for stream in spec.loadOrder {
            guard let object = spec.object(stream) else { continue }
            try await milestones.wait(for: .extracted(stream))
            let target = run.plan.loadTarget(object, source: run.source.name)
            let rows = try await expectedRows(stream)
            // Contents are read just ahead of the rows that they belong to, so that only so many lie on the disk.
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await stage.load(target, expectedRows: rows) }
                group.addTask { try await readContents(object) }
                // An error of either ends the other, which may wait for it.
                while try await group.next() != nil {}
            }
            try await checkRejects(stream)
            milestones.reach(.loaded(stream))
            guard object.content != nil else { continue }
            for route in spec.routes where route.from == stream {
                try await milestones.wait(for: .extracted(route.stream))
            }
            try await retire(stream)
        }
        for route in spec.routes {
            try await milestones.wait(for: .transformed(route.stream))
            let target = run.plan.loadTarget(route, source: run.source.name)
            try await stage.load(target, expectedRows: try await expectedRows(route.stream))
            milestones.reach(.loaded(route.stream))
        }
    }

    /// Reads the contents of the records of an object that has any.
    private func readContents(_ object: ObjectSpec) async throws {
        guard let request = try setup.contentRequest(of: object) else { return }
        let stream = object.stream
        let isLoaded = try await staging.manifest.read { try $0.stream(stream)?.state(of: .load) == .done }
        guard !isLoaded else { return }
        try await milestones.wait(for: .transformed(stream))
        let extraction = ContentExtraction(
            source: run.source, staging: staging, concurrency: run.plan.limits.jobsMax ?? 4, clock: run.clock,
            progress: progress, unchanged: run.baseline.map { ContentHistory($0, object).unchanged })
        try await extraction.extract(request)
    }

    /// How many rows will come at most; decides the way of writing.
    private func expectedRows(_ stream: StreamName) async throws -> Int {
        let status = try await staging.manifest.read { try $0.stream(stream) }
        return max(status?.recordsRead ?? 0, status?.sourceTotal ?? 0)
    }

    // MARK: Conditions

    /// What earlier calls have completed.
    private func reachKnownMilestones() async throws {
        for status in try await staging.manifest.read({ try $0.streams() }) {
            if status.state(of: .extract) == .done { milestones.reach(.extracted(status.name)) }
            if status.state(of: .transform) == .done { milestones.reach(.transformed(status.name)) }
            if status.state(of: .load) == .done { milestones.reach(.loaded(status.name)) }
        }
    }

    /// A stage that runs alone would wait for ever for one that nobody runs.
    private func requireStagesBefore(_ stages: Set<Stage>) async throws {
        let streams = try await staging.manifest.read { try $0.streams() }
        for (stage, before) in [(Stage.transform, Stage.extract), (.load, .transform)]
        where stages.contains(stage) && !stages.contains(before) {
            guard let stream = streams.first(where: { $0.state(of: before) != .done }) else { continue }
            throw MigratezError(
                .wrongRunState,
                "\(stage.rawValue) needs the \(before.rawValue) of '\(stream.name)', which is not complete",
                remedy: .fixConfiguration, hint: "migratez \(before.rawValue) \(run.id)")
        }
    }

    private func checkExpectations(_ stream: StreamName) async throws {
        let read = try await staging.manifest.read { try $0.stream(stream)?.recordsRead ?? 0 }
        for gate in run.plan.gates.expectations where gate.stream == stream && !gate.holds(for: read) {
            throw MigratezError(
                .gateBreached,
                "\(read) records of '\(stream)' were read, but gates.expect wants \(gate.comparison.rawValue) \(gate.count)",
                remedy: .stop, hint: "look at the source, or change gates.expect; then: migratez resume \(run.id)")
        }
    }

    private func checkRejects(_ stream: StreamName) async throws {
        guard let share = run.plan.gates.rejectedShareMax else { return }
        let balance = try await staging.manifest.read { view in
            try view.reconciliation().first { $0.stream.name == stream }
        }
        guard let balance, balance.read > 0, Double(balance[.rejected]) > share * Double(balance.read) else { return }
        throw MigratezError(
            .gateBreached,
            "\(balance[.rejected]) of \(balance.read) records of '\(stream)' were rejected, more than gates.quarantine allows",
            remedy: .stop,
            hint: "migratez issues ls \(run.id) shows why; raise gates.quarantine to go on: migratez resume \(run.id)")
    }

    /// Conservation: every record and every link has exactly one outcome.
    private func checkBalance() async throws {
        for balance in try await staging.manifest.read({ try $0.reconciliation() }) where !balance.isClosed {
            throw MigratezError(
                .internalError,
                "\(balance.read) of '\(balance.stream.name)' were read but \(balance.settled) have an outcome",
                hint: "migratez resume \(run.id); if it stays, please report it")
        }
    }
}
