// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CLinux

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What the process does before anything else, so that personal data and keys stay inside it.
enum ProcessHygiene {
    /// No core dump, not attachable by a debugger of the same user, new files readable by their owner only, and nothing of
    /// what is in memory in a crash report.
    ///
    /// `prctl(2)`: a process that is not dumpable cannot be attached to with ptrace, and its files in /proc belong to
    /// root.
    static func apply() {
        umask(0o077)
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
        _ = migratez_set_dumpable(0)
        crashInSilence()
        // By default glibc keeps up to eight heaps a core, and what large blocks leave in them stays resident. With two
        // heaps and large blocks mapped by themselves, 480,000 records took 155 MiB at their peak instead of 231.
        migratez_bound_heap(2, 1 << 20)
        // A reader that closes its end of a pipe is an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// The signals on which Swift's runtime prints a backtrace where it finds its `swift-backtrace`, unless SWIFT_BACKTRACE
    /// forbids it: docs/Backtracing.rst of the compiler's repository.
    private static let crashes = [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP]

    /// Takes the crash signals from Swift's runtime, whose report prints the memory that registers point to: tokens, say.
    private static func crashInSilence() {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = reportCrash
        // The first crash ends the process, also one within the handler, for which a stack that overflowed has no room.
        action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_NODEFER | SA_ONSTACK
        for signal in crashes { sigaction(signal, &action, nil) }
    }
}

/// Says that the program crashed and nothing else, then lets the signal end it as it would have without a handler.
///
/// Calls what signal-safety(7) lists only. Formed here, outside any actor: a C callback that is formed on the main actor
/// traps on another thread.
private let reportCrash: @convention(c) (Int32) -> Void = { signal in
    let text: StaticString = """
        migratez: error: MZ-BUG-01: the program crashed; please report it
        migratez: hint: what was committed is safe; go on with: migratez resume

        """
    _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    raise(signal)
}
