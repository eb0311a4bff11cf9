// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import MigratezTestKit
import Synchronization

/// What goes wrong in the migration of one seed, and at which of its steps.
///
/// A step is a call of the file system, a commit of the manifest, or a request to either side. In each of the first
/// sessions one step is the last of the process, or some steps fail, or both. Steps after the last one all fail, so that
/// nothing that the process does to tidy up has an effect.
final class Fate: Sendable {
    enum Step: Hashable, Sendable {
        case disk(SimulatedDisk.Operation)
        /// Before a commit, and after it has become durable.
        case commit, committed
        case readPage, readLinks, readContent
        /// Before a write is sent, and before its answer comes.
        case send, answer
        case lookUp
    }

    /// How the process of a session ends. On a full disk it ends by itself, and finds room the next time.
    enum End: CaseIterable { case itself, kill, powerCut, fullDisk }

    private struct State {
        var generator: SeededGenerator
        var step = 0
        var lastStep = Int.max
        var fullFrom = Int.max
        var failing: Set<Int> = []
        var jumpsAt: [Int: Duration] = [:]
        var isDead = false
        var course: UInt64 = 0xCBF2_9CE4_8422_2325
        var steps = 0
        var deaths = 0
        var failures = 0
    }

    private let state: Mutex<State>
    private let clock: ManualClock
    /// So many sessions have troubles; after them the run must come to its end.
    static let troubledSessions = 5
    /// About how many steps a whole migration has.
    private static let stepsOfMigration = 420

    init(seed: UInt64, clock: ManualClock) {
        state = Mutex(State(generator: SeededGenerator(seed: seed ^ 0x5EED_FA7E)))
        self.clock = clock
    }

    /// Decides about the next session, of which `number` counts from 0.
    func beginSession(_ number: Int) -> End {
        state.withLock { state in
            (state.step, state.lastStep, state.fullFrom, state.isDead) = (0, .max, .max, false)
            (state.failing, state.jumpsAt) = ([], [:])
            guard number < Self.troubledSessions else { return .itself }
            let end = End.allCases[Int.random(in: 0..<4, using: &state.generator)]
            // Half of the ends come early, where a session puts right what the one before left.
            let range = Bool.random(using: &state.generator) ? 40 : Self.stepsOfMigration
            let last = Int.random(in: 1...range, using: &state.generator)
            switch end {
            case .itself: break
            case .kill, .powerCut: state.lastStep = last
            case .fullDisk: state.fullFrom = last
            }
            // Somebody sets the clock, or it was wrong until now.
            if Int.random(in: 0..<3, using: &state.generator) == 0 {
                let isBack = Bool.random(using: &state.generator)
                state.jumpsAt[Int.random(in: 1...range, using: &state.generator)] =
                    isBack ? .seconds(-3600) : .seconds(10 * 365 * 86_400)
            }
            for _ in 0..<Int.random(in: 0...2, using: &state.generator) {
                state.failing.insert(Int.random(in: 1...range, using: &state.generator))
            }
            return end
        }
    }

    /// Throws instead of the step if it fails, or if the process has ended.
    func pass(_ step: Step) throws(MigratezError) {
        var jump: Duration?
        let failure = state.withLock { state -> MigratezError? in
            if state.isDead { return Self.ended }
            state.step += 1
            state.steps += 1
            jump = state.jumpsAt[state.step]
            state.course = (state.course ^ UInt64(step.number)) &* 0x100_0000_01B3
            if state.step >= state.lastStep {
                state.isDead = true
                state.deaths += 1
                return Self.ended
            }
            if state.step >= state.fullFrom, step.takesRoom {
                state.failures += 1
                return Self.failure(of: step, isFull: true)
            }
            guard state.failing.contains(state.step) else { return nil }
            state.failures += 1
            return Self.failure(of: step, isFull: Bool.random(using: &state.generator))
        }
        if let jump { clock.jump(to: clock.now.advanced(by: jump)) }
        if let failure { throw failure }
    }

    /// A number that the seed decides.
    func draw(_ range: ClosedRange<Int>) -> Int { state.withLock { Int.random(in: range, using: &$0.generator) } }

    var isDead: Bool { state.withLock { $0.isDead } }
    /// Steps, ends and failures so far, and a digest of the steps in their order: the same for the same course.
    var summary: (steps: Int, deaths: Int, failures: Int, course: UInt64) {
        state.withLock { ($0.steps, $0.deaths, $0.failures, $0.course) }
    }

    private static let ended = MigratezError(.diskFailed, "the process has ended, as told")

    private static func failure(of step: Step, isFull: Bool) -> MigratezError {
        switch step {
        case .disk(.list), .disk(.length), .disk(.read), .disk(.remove), .disk(.removeFolder), .committed:
            MigratezError(.diskFailed, "the disk failed, as told")
        case .disk, .commit:
            isFull ? MigratezError(.diskFull, "the disk is full, as told") : MigratezError(.diskFailed, "as told")
        case .readPage, .readLinks, .readContent, .send, .answer, .lookUp:
            MigratezError(.serverFailed, "the other side failed, as told", remedy: .retry(after: nil))
        }
    }
}

extension Fate.Step {
    /// Whether it fails on a full disk.
    fileprivate var takesRoom: Bool {
        switch self {
        case .disk(.createFolder), .disk(.write), .commit: true
        default: false
        }
    }

    fileprivate var number: Int {
        switch self {
        case .commit: 0
        case .committed: 1
        case .readPage: 2
        case .readLinks: 3
        case .send: 4
        case .answer: 5
        case .lookUp: 6
        case .readContent: 100
        case .disk(let operation): 7 + (SimulatedDisk.Operation.allCases.firstIndex(of: operation) ?? 0)
        }
    }
}
