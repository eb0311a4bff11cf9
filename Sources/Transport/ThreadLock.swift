// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A lock around a value that the event loop's thread and tasks share.
///
/// A pthread mutex instead of `Synchronization.Mutex` because the thread sanitizer on Linux does not see the latter
/// (a futex), so that every hand-over between the loop's thread and a task would be reported as a race.
final class ThreadLock<State>: @unchecked Sendable {
    // Sound to share: `state` is touched only between lock and unlock.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var state: State

    init(_ state: sending State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        let status = pthread_mutex_init(mutex, nil)
        precondition(status == 0, "a mutex without attributes can always be made")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` alone; it must not block, suspend or resume a continuation.
    func withLock<R>(_ body: (inout State) throws -> R) rethrows -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }
}
