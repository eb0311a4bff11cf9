// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CLinux
import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The system calls around a child process.
enum Spawn {
    struct Spawned {
        var process: pid_t
        /// -1 if the child has no input.
        var input: Int32
        var output: Int32
        var errors: Int32
    }

    /// Starts a program as the leader of a process group of its own, with nothing of ours open but the pipes.
    static func start(
        _ program: Program, arguments: [String], takesInput: Bool
    ) throws(MigratezError) -> Spawned {
        let path = try program.path()
        let input = takesInput ? try pipe(program) : (reading: try nothing(program), writing: -1)
        let output = try pipe(program)
        let errors = try pipe(program)
        defer { for descriptor in [input.reading, output.writing, errors.writing] { close(descriptor) } }
        // The input is written while the output is read: it must never block.
        if input.writing >= 0 { _ = fcntl(input.writing, F_SETFL, O_NONBLOCK) }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.reading, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writing, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.writing, 2)
        migratez_close_from(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var process: pid_t = 0
        let failure = withStrings([path] + program.words.dropFirst() + arguments) { words in
            withStrings(Program.environment) { environment in
                posix_spawn(&process, path, &actions, &attributes, words, environment)
            }
        }
        guard failure == 0 else {
            for descriptor in [input.writing, output.reading, errors.reading] where descriptor >= 0 {
                close(descriptor)
            }
            throw MigratezError(
                .fileNotFound, "\(path) cannot be started: \(String(cString: strerror(failure)))",
                remedy: .fixConfiguration, hint: "start it by hand, with --help")
        }
        return Spawned(process: process, input: input.writing, output: output.reading, errors: errors.reading)
    }

    /// How many bytes of `bytes` were written, 0 if there is no room; `nil` if nobody reads any more.
    static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Int? {
        // A pipe that nobody reads raises a signal, which ends a program that has not asked for something else.
        var (pipe, before) = (sigset_t(), sigset_t())
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipe, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let (count, failure) = bytes.withUnsafeBytes { bytes in
            let count = Self.writeSome(descriptor, bytes)
            return (count, errno)
        }
        if count >= 0 { return count }
        if failure == EAGAIN || failure == EINTR { return 0 }
        var now = timespec()
        while sigtimedwait(&pipe, nil, &now) < 0, errno == EINTR {}
        return nil
    }

    static func readSome(_ descriptor: Int32, _ buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        read(descriptor, buffer.baseAddress, buffer.count)
    }

    /// How a child ended, as waitpid(2) has it; `nil` if it has not ended yet.
    static func status(of process: pid_t) -> Int32? {
        var status: Int32 = 0
        switch waitpid(process, &status, WNOHANG) {
        case process: return status
        // Somebody else has taken its status: all that is known is that it is gone.
        case -1 where errno != EINTR: return SIGKILL
        default: return nil
        }
    }

    /// Lets a moment pass: the end of a child cannot be polled for together with its pipes.
    static func pause() { usleep(2_000) }

    /// Waits for the end of a child that was asked to end, and makes it end.
    static func reap(_ process: pid_t, patience: Duration) {
        let deadline = ContinuousClock.now + patience
        while ContinuousClock.now < deadline {
            if status(of: process) != nil { return }
            pause()
        }
        kill(-process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }

    private static func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
        Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
        Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    private static func pipe(_ program: Program) throws(MigratezError) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard migratez_pipe(&ends, O_CLOEXEC) == 0 else { throw exhausted(program) }
        return (ends[0], ends[1])
    }

    private static func nothing(_ program: Program) throws(MigratezError) -> Int32 {
        let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw exhausted(program) }
        return descriptor
    }

    private static func exhausted(_ program: Program) -> MigratezError {
        MigratezError(
            .diskFailed, "\(program.name) cannot be started: \(String(cString: strerror(errno)))",
            hint: "allow for more open files (ulimit -n), then resume")
    }

    /// Runs `body` with the texts as a list that ends with a null pointer.
    private static func withStrings<R>(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        let copies = texts.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return (copies + [nil]).withUnsafeBufferPointer { list in
            // A list with an element always has an address.
            list.baseAddress.map(body)!
        }
    }
}
