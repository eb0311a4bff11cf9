// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Logging
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging
import Synchronization

/// Looks on while the stages are at work.
final class SessionWatch: Sendable {
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

    /// How often what others may want to see is written down.
    private static let publishInterval = Duration.seconds(2)
    /// How often progress is an event.
    private static let progressInterval = Duration.seconds(5)

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
            return snapshot.time.duration(since: last) >= Self.publishInterval
        }
        try await noteStages(snapshot)
        if isDue { try await publish(snapshot) }
        // What happened comes before where it led to: the first line of all is the start.
        try await forwardEvents()
        tellProgress(snapshot)
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
                snapshot.time.duration(since: last.time) < Self.progressInterval
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
                .timeUsedUp, "the time that --max-duration allows is over", remedy: .stop,
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
