// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezStaging

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension Workplace {
    /// The account of what was done with this user's keys and staged data, beside the list of runs.
    package var auditLog: AuditLog { AuditLog(folder: "\(stateFolder)/audit", keys: keysFolder) }

    /// Writes down what is about to be done. If that throws, it must not be done.
    package func audit(
        _ action: AuditAction, run: RunID? = nil, object: String? = nil, code: ErrorCode? = nil
    ) throws(MigratezError) {
        try auditLog.append(
            action, by: .current, at: clock.now, run: run, object: object, code: code?.description)
    }
}

extension AuditUser {
    /// The user that this process runs for.
    package static var current: AuditUser {
        let id = getuid()
        var entry = passwd()
        var buffer = [CChar](repeating: 0, count: 4096)
        var found: UnsafeMutablePointer<passwd>?
        guard getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name else {
            // A user without an entry, as in a container, has a number only.
            return AuditUser(id: id, name: "uid-\(id)")
        }
        return AuditUser(id: id, name: String(cString: name))
    }
}
