// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
package import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What this process takes from the machine.
package enum ProcessUsage {
    /// Computing time of all threads so far (clock_gettime(2), CLOCK_PROCESS_CPUTIME_ID).
    package static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    /// Memory that is in use now (proc_pid_statm(5)); 0 if the system does not tell.
    package static var residentMemory: ByteCount {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return ByteCount(0) }
        return ByteCount(pages * Int(sysconf(Int32(_SC_PAGESIZE))))
    }

    /// Forgets the most memory so far (proc(5), /proc/PID/clear_refs); false if the system does not let us.
    package static func resetPeak() -> Bool {
        let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return write(descriptor, "5", 1) == 1
    }

    /// The most memory that was in use at once (proc_pid_status(5), VmHWM); `nil` if the system does not tell.
    package static var peakMemory: ByteCount? {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({
                Int($0)
            })
        else { return nil }
        return .KiB(kibibytes)
    }

    /// Cores that are there.
    package static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
