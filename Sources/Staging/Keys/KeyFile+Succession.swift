// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezCrypto
package import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One key file takes the place of another, and at each moment one of the two keys is whole under a known name.
///
/// ```
/// PATH = old                                  nothing has begun
/// PATH = old   PATH.next = new                both are needed: some of what was under the old key is under the new one
/// PATH = old   PATH.next = new   PATH.old = old
/// PATH = new                     PATH.old = old   nothing needs the old key any more
/// PATH = new                                  done
/// ```
extension KeyFile {
    /// What of a succession was left when its process ended.
    package enum Succession: Sendable, Hashable {
        case none
        /// Some of what was under the old key may be under the new one.
        case underWay
        /// Only the old key is left to be destroyed.
        case oldKeyLeft
    }

    /// Where the succession of the key file at `path` stands.
    package static func succession(_ path: String) -> Succession {
        if access(path + ".next", F_OK) == 0 { return .underWay }
        return access(path + ".old", F_OK) == 0 ? .oldKeyLeft : .none
    }

    /// The key that is to take the place of the one at `path`: that of an earlier attempt, or a new one.
    package static func successor(_ path: String) throws(MigratezError) -> SymmetricKey {
        try loadOrCreate(path + ".next").key
    }

    /// Puts the successor into its place and destroys the old key, which nothing may be under any more.
    package static func succeed(_ path: String) throws(MigratezError) {
        if succession(path) == .underWay {
            guard link(path, path + ".old") == 0 || errno == EEXIST else { throw systemError("link", path) }
            try sync(path)
            try LocalFileSystem().rename(path + ".next", to: path)
            try sync(path)
        }
        try destroy(path + ".old")
    }

    private static func sync(_ path: String) throws(MigratezError) {
        try LocalFileSystem().syncFolder(parts(of: path).folder)
    }
}
