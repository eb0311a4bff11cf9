// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Logging
import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezStaging
import Synchronization

/// Who looks on while a run is worked on.
package protocol SessionObserver: Sendable {
    /// About twice a second.
    func show(_ snapshot: ProgressSnapshot)
    /// Each event once, in their order.
    func tell(_ event: EventLine)
}

/// Bounds of one spell of work.
package struct SessionLimits: Sendable, Equatable {
    /// After this time the work is saved and ends; `nil` = it may take as long as it takes.
    package var durationMax: Duration?
    /// The first rejected record ends the work.
    package var endsAtFirstReject = false

    package init() {}
}

/// Somebody's wish ended the work.
package enum RunStop: Error, Sendable, Equatable {
    case paused(by: String)
    case cancelled(by: String)
}

/// How a spell of work ended.
package enum SessionEnd: Sendable {
    /// All that was to be done is done.
    case done(rejected: Int)
    case stopped(RunStop)
    /// The task was cancelled: by a signal, most often.
    case interrupted
    case failed(MigratezError)

    /// What ended it, if it was an error.
    var error: MigratezError? { if case .failed(let error) = self { error } else { nil } }
}

/// One spell of work on a run: the stages, and beside them the watch that counts, tells, and listens for requests.
///
/// However it ends, the run's activity, its last events and where it stands are in the manifest afterwards.
package struct RunSession: Sendable {
    /// What is to be told when the work is done.
    package struct Result: Sendable {
        package var balances: [Reconciliation]
        package var duration: Duration
    }

    private let run: Run
    private let setup: RunSetup
    private let stages: Set<Stage>
    private let limits: SessionLimits
    private let version: String
    private let exitCode: @Sendable (SessionEnd) -> Int32

    /// How often it is looked.
    fileprivate static let interval = Duration.milliseconds(500)
    /// How often what others may want to see is written down.
    fileprivate static let publishInterval = Duration.seconds(2)
    /// How often progress is an event.
    fileprivate static let progressInterval = Duration.seconds(5)

    /// - Parameters:
    ///   - version: of the program, for the log.
    ///   - exitCode: how the program will end; it stands in the summary.
    package init(
        _ run: Run, _ setup: RunSetup, _ stages: Set<Stage>, limits: SessionLimits = SessionLimits(), version: String,
        exitCode: @escaping @Sendable (SessionEnd) -> Int32
    ) {
        self.run = run
        self.setup = setup
        self.stages = stages
        self.limits = limits
        self.version = version
        self.exitCode = exitCode
    }

    /// Works until the stages are done; the run stays open.
    ///
    /// - Throws: what ended the work: `RunStop`, `MigratezError`, `CancellationError`.
    package func execute(observer: any SessionObserver) async throws -> Result {
        let begun = run.clock.now
        let monitor = try await RunMonitor(run, stages, totals: setup.totals)
        let watch = SessionWatch(run, monitor, observer, limits, begun: begun)
        try await watch.skipKnownEvents()
        try await noteStart()
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    let execution = RunExecution(run, setup, progress: monitor.board, gauge: monitor.gauge)
                    try await execution.execute(stages)
                    return true
                }
                group.addTask {
                    try await watch.watch(every: Self.interval)
                    return false
                }
                try await Self.waitForBoth(&group)
            }
        } catch {
            // If that fails, too, the next opening of the run puts it right; the error that came first is the one to tell.
            do { try await finish(Self.end(error), watch, since: begun) } catch {}
            throw error
        }
        let balances = try await run.staging.manifest.read { try $0.reconciliation() }
        let rejected = balances.reduce(0) { $0 + $1[.rejected] }
        try await finish(.done(rejected: rejected), watch, since: begun)
        return Result(balances: balances, duration: run.clock.now.duration(since: begun))
    }

    /// Whichever ends first ends the other: the watch ends by a request, a limit or an error only. What the work ends
    /// with after that says more than its having been cancelled.
    private static func waitForBoth(_ group: inout ThrowingTaskGroup<Bool, any Error>) async throws {
        var failure: (any Error)?
        while !group.isEmpty {
            do {
                if try await group.next() == true { return group.cancelAll() }
            } catch {
                if failure == nil || failure is CancellationError || error is MigratezError { failure = error }
                group.cancelAll()
            }
        }
        throw failure ?? CancellationError()
    }

    private static func end(_ error: any Error) -> SessionEnd {
        switch error {
        case let stop as RunStop: .stopped(stop)
        case let error as MigratezError: .failed(error)
        case is CancellationError: .interrupted
        default: .failed(MigratezError(.internalError, "the work ended with an unknown error", cause: error))
        }
    }

    private func noteStart() async throws {
        let (plan, version) = (run.plan, version)
        let stages = Stage.allCases.filter { self.stages.contains($0) }
        try await run.staging.manifest.commit { transaction in
            try transaction.addEvent(
                "start",
                fields: [
                    "version": .text(version), "plan": .text(plan.digest), "pipeline": .text(plan.name),
                    "stages": .list(stages.map(\.rawValue)),
                ])
        }
    }

    /// Writes down how it ended; called once.
    private func finish(_ end: SessionEnd, _ watch: SessionWatch, since begun: Timestamp) async throws {
        try await watch.publish()
        let exit = Int(exitCode(end))
        let onBreach = run.plan.gates.onBreach
        let duration = run.clock.now.duration(since: begun)
        try await run.staging.manifest.commit { transaction in
            try transaction.note(end, onBreach: onBreach)
            try transaction.addSummary(end, exit: exit, duration: duration)
        }
        try await watch.forwardEvents()
    }
}

extension ManifestTransaction {
    /// The run's activity, and the event if it can go on later.
    fileprivate func note(_ end: SessionEnd, onBreach: GateSpec.Breach) throws {
        switch end {
        case .done: return
        case .interrupted: try setActivity(.interrupted)
        case .stopped(.paused(let person)):
            try setActivity(.paused, message: "on request of \(person)")
            try addEvent("pause", fields: ["reason": .text("request"), "by": .text(person)])
        case .stopped(.cancelled(let person)):
            try setActivity(.cancelled, message: "on request of \(person)")
            try audit(actor: person, action: "cancel", detail: "while it was worked on")
        case .failed(let error):
            let reason: String? =
                switch (error.remedy, error.code) {
                case (_, .timeUsedUp): "time"
                case (.waitForQuota, _): "quota"
                case (_, .gateBreached) where onBreach == .pause: "gate"
                default: nil
                }
            var until: Timestamp?
            if case .waitForQuota(let time) = error.remedy { until = time }
            try setActivity(
                reason == nil ? .failed : .paused, code: error.code, message: error.message, resumesAt: until)
            guard let reason else { return }
            try addEvent(
                "pause", code: error.code.description,
                fields: ["reason": .text(reason), "until": .text(until?.description)])
        }
    }

    fileprivate func addSummary(_ end: SessionEnd, exit: Int, duration: Duration) throws {
        let status =
            switch end {
            case .done(let rejected): rejected == 0 ? "done" : "partial"
            case .stopped(.paused): "paused"
            case .stopped(.cancelled): "cancelled"
            case .interrupted: "interrupted"
            case .failed: try run().activity == .paused ? "paused" : "failed"
            }
        let balances = try reconciliation()
        func total(_ outcomes: Outcome...) -> EventValue {
            .number(balances.reduce(0) { sum, balance in sum + outcomes.reduce(0) { $0 + balance[$1] } })
        }
        try addEvent(
            "summary", code: end.error?.code.description,
            fields: [
                "status": .text(status), "exit": .number(exit), "read": .number(balances.reduce(0) { $0 + $1.read }),
                "loaded": total(.created, .updated), "merged": total(.merged), "filtered": total(.filtered),
                "skipped": total(.skipped), "rejected": total(.rejected), "seconds": .decimal(duration.seconds),
            ])
    }
}

/// Looks on while the stages are at work.
private final class SessionWatch: Sendable {
    private struct State {
        var lastEvent: Int64 = 0
        var lastPublished: Timestamp?
        var lastProgress: ProgressSnapshot?
        var latest: ProgressSnapshot?
        /// How far each stage was with each stream when that was last told.
        var stages: [StreamName: [Stage: StageState]] = [:]
        var answers: [String: [String: Int]] = [:]
    }

    private let run: Run
    private let monitor: RunMonitor
    private let observer: any SessionObserver
    private let limits: SessionLimits
    private let begun: Timestamp
    private let state = Mutex(State())

    init(
        _ run: Run, _ monitor: RunMonitor, _ observer: any SessionObserver, _ limits: SessionLimits, begun: Timestamp
    ) {
        self.run = run
        self.monitor = monitor
        self.observer = observer
        self.limits = limits
        self.begun = begun
    }

    /// Until a request, a limit or an error ends the work, or the task is cancelled.
    func watch(every interval: Duration) async throws {
        while true {
            try await run.clock.sleep(for: interval)
            try await look()
            if let request = try run.staging.takeRequest() {
                throw request.action == .pause
                    ? RunStop.paused(by: request.person) : RunStop.cancelled(by: request.person)
            }
            try checkLimits()
        }
    }

    private func look() async throws {
        let snapshot = try await monitor.sample()
        observer.show(snapshot)
        let isDue = state.withLock { state in
            state.latest = snapshot
            guard let last = state.lastPublished else { return true }
            return snapshot.time.duration(since: last) >= RunSession.publishInterval
        }
        try await noteStages(snapshot)
        if isDue { try await publish(snapshot) }
        tellProgress(snapshot)
        try await forwardEvents()
    }

    /// The last look, written down.
    func publish() async throws {
        let snapshot = try await monitor.sample()
        observer.show(snapshot)
        try await noteStages(snapshot)
        try await publish(snapshot)
        tellProgress(snapshot, isLast: true)
    }

    /// Where the run stands, for `status --watch` of another process, and the requests that failed of late.
    private func publish(_ snapshot: ProgressSnapshot) async throws {
        let failures = state.withLock { state in
            state.lastPublished = snapshot.time
            return [("source", run.traffic.source), ("target", run.traffic.target)].flatMap { side, meter in
                let answers = meter.totals.requests.filter { $0.key.isFailure }
                let known = state.answers[side] ?? [:]
                state.answers[side] = answers
                return answers.sorted { $0.key < $1.key }.map { (side, $0.key, $0.value - (known[$0.key] ?? 0)) }
            }.filter { $0.2 > 0 }
        }
        let text = String(decoding: snapshot.json.serialized(), as: UTF8.self)
        try await run.staging.manifest.commit { transaction in
            try transaction.setNote(ProgressSnapshot.noteKey, text)
            for (side, answer, count) in failures {
                try transaction.addEvent(
                    "retry", fields: ["side": .text(side), "answer": .text(answer), "count": .number(count)])
            }
        }
    }

    /// Notes which stages have begun with which stream or are done with it.
    private func noteStages(_ snapshot: ProgressSnapshot) async throws {
        let changes = state.withLock { state in
            var changes: [(stream: StreamName, stage: Stage, state: StageState)] = []
            for stream in snapshot.counts.streams {
                for stage in snapshot.stages {
                    let count = stream[stage]
                    let now: StageState = count.isComplete ? .done : count.done > 0 ? .running : .pending
                    guard state.stages[stream.name]?[stage] ?? .pending != now else { continue }
                    state.stages[stream.name, default: [:]][stage] = now
                    changes.append((stream.name, stage, now))
                }
            }
            return changes
        }
        guard !changes.isEmpty else { return }
        try await run.staging.manifest.commit { transaction in
            for (stream, stage, state) in changes {
                try transaction.addEvent(
                    "stage", stream: stream,
                    fields: ["stage": .text(stage.rawValue), "state": .text(state.rawValue)])
            }
        }
    }

    private func tellProgress(_ snapshot: ProgressSnapshot, isLast: Bool = false) {
        let last = state.withLock { state -> ProgressSnapshot?? in
            if !isLast, let last = state.lastProgress,
                snapshot.time.duration(since: last.time) < RunSession.progressInterval
            {
                return .none
            }
            let last = state.lastProgress
            state.lastProgress = snapshot
            return .some(last)
        }
        guard let last else { return }
        for line in EventLine.progress(snapshot, since: last, run: run.id) { observer.tell(line) }
    }

    /// What was told before this spell of work is not told again.
    func skipKnownEvents() async throws {
        let (last, streams) = try await run.staging.manifest.read { (try $0.lastEventID(), try $0.streams()) }
        state.withLock { state in
            state.lastEvent = last
            for stream in streams { state.stages[stream.name] = stream.stages }
        }
    }

    func forwardEvents() async throws {
        while true {
            let last = state.withLock { $0.lastEvent }
            let events = try await run.staging.manifest.read { try $0.events(after: last, limit: 500) }
            guard let newest = events.last else { return }
            state.withLock { $0.lastEvent = newest.id }
            for event in events {
                guard let line = EventLine(event, run: run.id) else { continue }
                run.log.log(level: line.level, "\(event.name)", metadata: line.metadata)
                observer.tell(line)
            }
        }
    }

    private func checkLimits() throws(MigratezError) {
        if let durationMax = limits.durationMax, run.clock.now.duration(since: begun) >= durationMax {
            throw MigratezError(
                .timeUsedUp, "the \(Int(durationMax.seconds)) seconds of --max-duration are over", remedy: .stop,
                hint: "migratez resume \(run.id)")
        }
        let rejected = state.withLock { $0.latest?.counts.streams.first { $0.rejected > 0 } }
        if limits.endsAtFirstReject, let rejected {
            throw MigratezError(
                .gateBreached, "a record of '\(rejected.name)' was rejected, and --fail-fast was given", remedy: .stop,
                hint: "migratez issues ls \(run.id) shows why; without --fail-fast goes on: migratez resume \(run.id)")
        }
    }
}

extension EventLine {
    /// How much it matters to whoever reads the log.
    fileprivate var level: Logger.Level {
        switch json["type"]?.text {
        case "issue", "retry": .warning
        case "chunk" where json["state"]?.text == ChunkState.failed.rawValue: .error
        case "summary" where json["status"]?.text == "failed": .error
        case "chunk", "stage": .debug
        default: .info
        }
    }

    fileprivate var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        for member in json.members where !["v", "type", "t"].contains(member.key) {
            metadata[member.key] = "\(member.value.text ?? String(decoding: member.value.serialized(), as: UTF8.self))"
        }
        return metadata
    }
}

extension String {
    /// Whether an answer was no success: a code of ours, a status of 429 or above 499.
    fileprivate var isFailure: Bool { Int(self).map { $0 == 429 || $0 >= 500 } ?? true }
}
