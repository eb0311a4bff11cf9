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
