// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
package import MigratezPipeline
import Synchronization

/// Shows how work goes on: drawn in place on a terminal, else a line a minute; events as lines of JSON if asked for.
package final class ProgressReporter: SessionObserver {
    package enum Mode: Sendable {
        /// Drawn in place at the size of the terminal.
        case drawn
        /// A line each minute.
        case plain
        case silent
    }

    private let mode: Mode
    private let tellsEvents: Bool
    private let draw: @Sendable ([String]) -> Void
    private let note: @Sendable (String) -> Void
    private let emit: @Sendable (String) -> Void
    private let lastLine = Mutex<Timestamp?>(nil)

    private static let lineInterval = Duration.seconds(60)

    /// - Parameters:
    ///   - tellsEvents: whether each event is a line for `emit`.
    ///   - draw: replaces what was drawn before.
    ///   - note: gets the lines of the plain mode.
    package init(
        _ mode: Mode, tellsEvents: Bool, draw: @escaping @Sendable ([String]) -> Void,
        note: @escaping @Sendable (String) -> Void, emit: @escaping @Sendable (String) -> Void
    ) {
        self.mode = mode
        self.tellsEvents = tellsEvents
        self.draw = draw
        self.note = note
        self.emit = emit
    }

    package func show(_ snapshot: ProgressSnapshot) {
        switch mode {
        case .silent: return
        case .drawn:
            let size = LiveArea.terminalSize ?? (columns: 80, rows: 24)
            draw(ProgressText(snapshot, columns: size.columns - 1, rows: size.rows - 1).lines)
        case .plain:
            let isDue = lastLine.withLock { last in
                guard let previous = last else {
                    last = snapshot.time
                    return false
                }
                guard snapshot.time.duration(since: previous) >= Self.lineInterval else { return false }
                last = snapshot.time
                return true
            }
            if isDue { note(ProgressText(snapshot, columns: .max).line) }
        }
    }

    package func tell(_ event: EventLine) {
        if tellsEvents { emit(event.text) }
    }
}

extension ProgressReporter {
    /// The reporter that the global options ask for.
    convenience init(_ console: Console) {
        let mode: Mode =
            switch console.options.progress {
            case .auto: console.options.verbosity < 0 ? .silent : console.isTerminal ? .drawn : .plain
            case .tty: .drawn
            case .plain: .plain
            case .none: .silent
            }
        self.init(
            mode, tellsEvents: console.options.output == .json, draw: { console.draw($0) },
            note: { console.note($0) }, emit: { console.say($0) })
    }

    /// Shows how `work` goes on that a monitor watches, until it ends.
    func during<R: Sendable>(
        _ monitor: some ProgressMonitor, clock: any WallClock, _ work: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                while true {
                    try await clock.sleep(for: .milliseconds(500))
                    self.show(try await monitor.sample())
                }
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                guard let result else { continue }
                show(try await monitor.sample())
                return result
            }
            throw CancellationError()
        }
    }
}
