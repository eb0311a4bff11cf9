// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Dispatch
import MigratezModel
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A tap or target while it runs: its output is read, and its input written, at our own pace.
///
/// Nothing is read ahead: a child whose output nobody asks for waits at its pipe. What it says on its error output is taken
/// whenever anything else is. Its life is that of the object: whoever lets go of it ends the child, and the whole process
/// group that it leads. That is also why `Subprocess.run` does not fit here: it binds a child to one call, and pages are asked
/// for one by one.
///
/// Calls come one at a time. Waiting is done on a thread of the child's own queue, never on one of the cooperative pool.
final class ChildProcess: Sendable {
    /// The program's name, for people.
    let name: String
    private let queue: DispatchQueue
    private let pipes: Mutex<Pipes>
    private let life: Mutex<Life>
    private let errors: ErrorOutput
    /// How long a child may be silent while something is expected of it.
    private let silenceMax: Duration

    private struct Pipes {
        /// -1 = closed.
        var input: Int32
        var output: Int32
        var errors: Int32
    }

    private enum Life {
        case running(pid_t)
        case ended(Ending)
    }

    enum Ending: Sendable, Equatable, CustomStringConvertible {
        case exit(code: Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .exit(let code): "ended with exit code \(code)"
            case .signal(let number): "was ended by signal \(number)"
            }
        }
    }

    /// Starts the program.
    ///
    /// - Throws: `fileNotFound` if there is none, `diskFailed` if the machine lets no process be started.
    init(
        _ program: Program, arguments: [String], takesInput: Bool, silenceMax: Duration, errors: ErrorOutput
    ) throws(MigratezError) {
        name = program.name
        self.errors = errors
        self.silenceMax = silenceMax
        let spawned = try Spawn.start(program, arguments: arguments, takesInput: takesInput)
        pipes = Mutex(Pipes(input: spawned.input, output: spawned.output, errors: spawned.errors))
        life = Mutex(.running(spawned.process))
        queue = DispatchQueue(label: "migratez.singer.\(spawned.process)")
    }

    deinit {
        terminate()
        pipes.withLock { pipes in
            for descriptor in [pipes.input, pipes.output, pipes.errors] where descriptor >= 0 { close(descriptor) }
        }
        guard case .running(let process) = life.withLock({ $0 }) else { return }
        // Whoever does not heed the signal is ended a little later, and none stays as a zombie.
        queue.async { Spawn.reap(process, patience: .seconds(5)) }
    }

    /// Some of what the child wrote; `nil` when it has closed its output.
    func read() async throws -> [UInt8]? {
        try await perform { child throws(MigratezError) in try child.readOutput() }
    }

    /// Writes everything, and gives what the child wrote meanwhile. A child that has closed its input takes nothing more,
    /// which its end will tell the reason of.
    func write(_ bytes: [UInt8]) async throws -> [UInt8] {
        try await perform { child throws(MigratezError) in try child.writeInput(bytes) }
    }

    /// Tells the child that no more comes.
    func closeInput() {
        pipes.withLock { pipes in
            if pipes.input >= 0 { close(pipes.input) }
            pipes.input = -1
        }
    }

    /// Waits for the child's end, after it has closed its output.
    func end() async throws -> Ending {
        try await perform { child throws(MigratezError) in try child.awaitEnd() }
    }

    /// Asks the child, and every process of its group, to end.
    func terminate() {
        life.withLock { life in
            // While it is not reaped its number is nobody else's.
            if case .running(let process) = life { _ = kill(-process, SIGTERM) }
        }
    }

    /// Why the child is of no use any more, with what it said last.
    func failure(_ code: ErrorCode, _ what: String, remedy: MigratezError.Remedy = .stop, hint: String) -> MigratezError
    {
        let said = errors.lastLines().map { "; it said: \($0)" } ?? ""
        return MigratezError(code, "\(name) \(what)\(said)", remedy: remedy, hint: hint)
    }

    // MARK: On the queue

    private func perform<T: Sendable>(
        _ body: @escaping @Sendable (ChildProcess) throws(MigratezError) -> T
    ) async throws -> T {
        let result: Result<T, MigratezError> = try await withTaskCancellationHandler {
            try Task.checkCancellation()
            return await withCheckedContinuation { continuation in
                queue.async {
                    continuation.resume(
                        returning: Result { () throws(MigratezError) -> T in try body(self) })
                }
            }
        } onCancel: {
            // Its pipes are closed by that, which ends the waiting.
            terminate()
        }
        try Task.checkCancellation()
        return try result.get()
    }

    private func readOutput() throws(MigratezError) -> [UInt8]? {
        try pipes.withLock { pipes throws(MigratezError) in
            guard pipes.output >= 0 else { return nil }
            while true {
                let ready = try wait(pipes, for: [.output])
                if ready.contains(.errors) { drainErrors(&pipes) }
                guard ready.contains(.output) else { continue }
                if let bytes = Self.read(pipes.output) { return bytes }
                close(pipes.output)
                pipes.output = -1
                return nil
            }
        }
    }

    private func writeInput(_ bytes: [UInt8]) throws(MigratezError) -> [UInt8] {
        try pipes.withLock { pipes throws(MigratezError) in
            var answer: [UInt8] = []
            var rest = bytes[...]
            while !rest.isEmpty, pipes.input >= 0 {
                let ready = try wait(pipes, for: [.input, .output])
                if ready.contains(.errors) { drainErrors(&pipes) }
                if ready.contains(.output) {
                    if let bytes = Self.read(pipes.output) {
                        answer += bytes
                    } else {
                        close(pipes.output)
                        pipes.output = -1
                    }
                }
                guard ready.contains(.input) else { continue }
                guard let count = Spawn.write(rest, to: pipes.input) else {
                    close(pipes.input)
                    pipes.input = -1
                    break
                }
                rest = rest.dropFirst(count)
            }
            return answer
        }
    }

    private func awaitEnd() throws(MigratezError) -> Ending {
        let deadline = ContinuousClock.now + silenceMax
        while true {
            let ending = life.withLock { life -> Ending? in
                guard case .running(let process) = life else {
                    if case .ended(let ending) = life { return ending }
                    return nil
                }
                guard let status = Spawn.status(of: process) else { return nil }
                let ending: Ending = status & 0x7F == 0 ? .exit(code: status >> 8 & 0xFF) : .signal(status & 0x7F)
                life = .ended(ending)
                return ending
            }
            pipes.withLock { pipes in
                // What it said last is there already when it has ended.
                while pipes.errors >= 0,
                    let ready = ready(pipes, for: [], within: ending == nil ? .milliseconds(5) : .zero),
                    ready.contains(.errors)
                { drainErrors(&pipes) }
            }
            if let ending { return ending }
            guard ContinuousClock.now < deadline else { throw silence("has not ended") }
            Spawn.pause()
        }
    }

    private func drainErrors(_ pipes: inout Pipes) {
        guard let bytes = Self.read(pipes.errors) else {
            close(pipes.errors)
            pipes.errors = -1
            return
        }
        bytes.withUnsafeBytes { errors.append($0) }
    }

    /// Waits until one of these, or the error output, can be read or written, or is closed.
    ///
    /// - Throws: `timedOut` after `silenceMax` in which nothing at all came.
    private func wait(_ pipes: Pipes, for wanted: Set<Pipe>) throws(MigratezError) -> Set<Pipe> {
        guard let ready = ready(pipes, for: wanted, within: silenceMax) else { throw silence("has been silent") }
        return ready
    }

    /// `nil` after that time.
    private func ready(_ pipes: Pipes, for wanted: Set<Pipe>, within time: Duration) -> Set<Pipe>? {
        var entries: [(pipe: Pipe, descriptor: Int32, events: Int32)] = [(.errors, pipes.errors, Int32(POLLIN))]
        if wanted.contains(.input) { entries.append((.input, pipes.input, Int32(POLLOUT))) }
        if wanted.contains(.output) { entries.append((.output, pipes.output, Int32(POLLIN))) }
        entries.removeAll { $0.descriptor < 0 }
        var polled = entries.map { pollfd(fd: $0.descriptor, events: Int16($0.events), revents: 0) }
        while true {
            let count = poll(&polled, nfds_t(polled.count), Int32(clamping: time.wholeMilliseconds))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            return Set(zip(entries, polled).filter { $1.revents != 0 }.map(\.0.pipe))
        }
    }

    private func silence(_ what: String) -> MigratezError {
        terminate()
        return failure(
            .timedOut, "\(what) for \(silenceMax.components.seconds) s", remedy: .retry(after: nil),
            hint: "resume, or allow for more with the setting `timeout`")
    }

    private enum Pipe { case input, output, errors }

    private static let blockBytes = 64 << 10

    /// `nil` at the end.
    private static func read(_ descriptor: Int32) -> [UInt8]? {
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: blockBytes) { buffer, filled in
            repeat { count = Spawn.readSome(descriptor, buffer) } while count < 0 && errno == EINTR
            filled = max(count, 0)
        }
        return count > 0 ? bytes : nil
    }
}
