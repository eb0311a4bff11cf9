// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezStaging

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
        /// What the source has no more, if the run went on from an earlier one.
        package var removals: [RemovalCount]
        package var duration: Duration
    }

    private let run: Run
    private let setup: RunSetup
    private let stages: Set<Stage>
    private let limits: SessionLimits
    private let version: String
    private let exitCode: @Sendable (SessionEnd) -> Int32

    /// How often it is looked.
    private static let interval = Duration.milliseconds(500)

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
    /// - Throws: what ended the work: `RunStop`, `MigratezError`, `CancellationError`; `wrongRunState`, and nothing is
    ///   changed, if the run was cancelled.
    package func execute(observer: any SessionObserver) async throws -> Result {
        guard try await run.staging.manifest.read({ try $0.run().activity }) != .cancelled else {
            throw MigratezError(
                .wrongRunState, "run \(run.id) was cancelled, so it cannot go on", remedy: .fixConfiguration,
                hint: "begin a new run, or let go of what is staged: migratez confirm \(run.id) --abandon")
        }
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
        let (balances, removals) = try await run.staging.manifest.read { view in
            (try view.reconciliation(), try view.removalCounts())
        }
        let rejected = balances.reduce(0) { $0 + $1[.rejected] }
        try await finish(.done(rejected: rejected), watch, since: begun)
        return Result(
            balances: balances, removals: removals, duration: run.clock.now.duration(since: begun))
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
