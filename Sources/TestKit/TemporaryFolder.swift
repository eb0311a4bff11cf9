// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Runs `body` with the path of a new empty folder (0700) and removes it with all that is in it afterwards.
///
/// - Parameter isInMemory: where the system has a file system in memory, the folder is in it.
package func withTemporaryFolder<R>(
    isInMemory: Bool = false, _ body: (String) async throws -> R
) async throws -> R {
    let path = try makeTemporaryFolder(isInMemory: isInMemory)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

private func makeTemporaryFolder(isInMemory: Bool) throws -> String {
    let usual = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let parent = isInMemory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : usual
    var template = Array("\(parent)/migratez-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
}
