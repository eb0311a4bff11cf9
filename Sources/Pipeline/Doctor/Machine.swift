// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What the machine has to give.
enum Machine {
    /// Memory that can be had without swapping (proc_meminfo(5), `MemAvailable`); `nil` if the system does not tell.
    static var availableMemory: ByteCount? {
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { .KiB($0) }
    }

    /// How many addresses this process may use (`ulimit -v`); `nil` if there is no limit.
    static var addressLimit: ByteCount? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < Int.max else {
            return nil
        }
        return ByteCount(Int(limit.rlim_cur))
    }

    /// With fewer addresses an allocation fails, which ends the process, or a thread cannot be started, which leaves work
    /// without anybody to do it for ever: with 400 MiB, 4,600 records passed on two cores; with 200 MiB a run hung.
    static let addressesMin = ByteCount.MiB(512)

    /// Throws `invalidSetting` if the process may use so few addresses that it could hang.
    static func requireAddresses() throws(MigratezError) {
        guard let limit = addressLimit, limit < addressesMin else { return }
        throw MigratezError(
            .invalidSetting, "this process is limited to \(limit) of addresses, and needs \(addressesMin)",
            remedy: .fixConfiguration,
            hint: "lift the limit (ulimit -v unlimited), and bound memory by limits.memory or a control group")
    }

    /// What this user may still write where `path` is, or will be; `nil` if nothing of the path is there.
    static func freeSpace(at path: String) -> ByteCount? {
        var url = URL(filePath: path).standardizedFileURL
        while !FileManager.default.fileExists(atPath: url.path) {
            guard url.path != "/", !url.path.isEmpty else { return nil }
            url.deleteLastPathComponent()
        }
        var status = statvfs()
        guard statvfs(url.path, &status) == 0 else { return nil }
        return ByteCount(Int(status.f_bavail) * Int(status.f_frsize))
    }
}
