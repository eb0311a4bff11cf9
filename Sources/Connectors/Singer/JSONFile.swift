// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Files that a person wrote for a tap: config, catalog, state.
enum JSONFile {
    private static let bytesMax = ByteCount.MiB(64)

    /// The JSON object in a file.
    ///
    /// - Throws: `fileNotFound`, or `invalidSetting` if it holds anything else.
    static func object(_ path: String) throws(MigratezError) -> JSONValue {
        let bytes = try contents(path)
        do throws(JSONFailure) {
            let value = try JSONValue(parsing: bytes)
            guard case .object = value else { throw JSONFailure(offset: 0, reason: .notAnObject) }
            return value
        } catch {
            throw error.error(.invalidSetting, in: path, remedy: .fixConfiguration)
        }
    }

    private static func contents(_ path: String) throws(MigratezError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count <= bytesMax.bytes {
            var count = 0
            bytes += [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, filled in
                repeat { count = Spawn.readSome(descriptor, buffer) } while count < 0 && errno == EINTR
                filled = max(count, 0)
            }
            guard count >= 0 else { throw unreadable(path) }
            if count == 0 { return bytes }
        }
        throw MigratezError(
            .invalidSetting, "\(path) has more than \(bytesMax)", remedy: .fixConfiguration,
            hint: "it must be a config, catalog or state, not data")
    }

    private static func unreadable(_ path: String) -> MigratezError {
        MigratezError(
            .fileNotFound, "cannot read \(path): \(String(cString: strerror(errno)))", remedy: .fixConfiguration,
            hint: "correct the path, or let it be read")
    }
}
