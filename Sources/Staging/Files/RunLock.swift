// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Makes one process the owner of a run.
///
/// An advisory lock (flock(2)) on a file with the owner's pid in it. The kernel releases the lock with the process,
/// however it ends, so an owner that crashed needs no timeout: its pid is found without a lock, and the run is taken.
/// The descriptor is not inherited by programs that are started.
final class RunLock: Sendable {
    private let descriptor: Mutex<Int32?>
    /// The process that owned the run before and did not let go of it in good order.
    let crashedOwner: Int32?

    /// Takes the lock; throws `runBusy` at once if another process has it.
    init(_ path: String) throws(MigratezError) {
        let descriptor = try openDescriptor(path, O_RDWR | O_CREAT)
        let pid = RunLock.pid(in: descriptor)
        guard RunLock.lock(descriptor) else {
            let isTaken = errno == EWOULDBLOCK
            let failure = systemError("lock", path)
            close(descriptor)
            guard isTaken else { throw failure }
            throw MigratezError(
                .runBusy, "process \(pid.map(String.init) ?? "unknown") works on this run",
                remedy: .retry(after: nil), hint: "wait for it to end, or watch it: migratez status")
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
            let failure = systemError("write", path)
            close(descriptor)
            throw failure
        }
        self.descriptor = Mutex(descriptor)
        crashedOwner = pid
    }

    deinit { release() }

    /// Gives the run up. The file is emptied first, which tells the next owner that this one ended in good order.
    func release() {
        descriptor.withLock { descriptor in
            guard let open = descriptor.take() else { return }
            _ = ftruncate(open, 0)
            close(open)
        }
    }

    /// Tries a few times: who only looks for an owner holds the lock for an instant.
    private static func lock(_ descriptor: Int32) -> Bool {
        for attempt in 0..<5 {
            if attempt > 0 { usleep(10_000) }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            guard errno == EWOULDBLOCK else { return false }
        }
        errno = EWOULDBLOCK
        return false
    }

    /// The process that owns the run now, if there is one; takes nothing.
    static func owner(_ path: String) -> Int32? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else { return nil }
        return pid(in: descriptor)
    }

    private static func pid(in descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes[..<count].filter { $0 != 0x0A }, as: UTF8.self))
    }
}
