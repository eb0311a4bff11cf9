// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Keeps other processes, and other tasks of this one, out for the time of a few writes (flock(2)).
enum FileLock {
    private static let attemptsMax = 500
    private static let interval: UInt32 = 10_000

    /// Runs `body` with the lock, which is waited for for five seconds; throws `runBusy` after that.
    static func holding<R>(_ path: String, _ body: () throws(MigratezError) -> R) throws(MigratezError) -> R {
        let descriptor = try openDescriptor(path, O_RDWR | O_CREAT)
        // Closing the only descriptor lets go of the lock.
        defer { close(descriptor) }
        var attempt = 1
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw systemError("lock", path) }
            guard attempt < attemptsMax else {
                throw MigratezError(
                    .runBusy, "another process has held \(path) for five seconds", remedy: .retry(after: nil))
            }
            attempt += 1
            usleep(interval)
        }
        return try body()
    }
}
