// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A folder with the files that a child is given (its config, with secrets in it; catalog; state), for its owner only and in
/// memory wherever the system has a place for that.
///
/// It is removed with the object. What a crash leaves is removed by the next one that is made: a folder is somebody's for as
/// long as its `lock` is held, and the system lets go of that when its process ends, however it ends.
final class PrivateFolder: Sendable {
    let path: String
    private let lock: Int32

    private static let prefix = "migratez-singer-"
    private static let lockName = "lock"

    /// - Throws: `diskFailed` or `diskFull`.
    init() throws(MigratezError) {
        let base = Self.base
        Self.removeAbandoned(in: base)
        path = "\(base)/\(Self.prefix)\(Hex.encode(try randomBytes(8)))"
        guard mkdir(path, 0o700) == 0 else { throw Self.failure(path) }
        lock = open("\(path)/\(Self.lockName)", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else { throw Self.failure(path) }
    }

    deinit {
        Self.remove(path)
        close(lock)
    }

    /// Writes a file anew and gives its path.
    func write(_ name: String, _ bytes: [UInt8]) throws(MigratezError) -> String {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure(file) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let count = Spawn.write(rest, to: descriptor), count > 0 else { throw Self.failure(file) }
            rest = rest.dropFirst(count)
        }
        return file
    }

    /// In memory, if the system has such a place: the user's own run-time folder, or the shared one.
    private static var base: String {
        let candidates = [Program.variable("XDG_RUNTIME_DIR"), "/dev/shm", Program.variable("TMPDIR")]
        for case let folder? in candidates where folder.hasPrefix("/") && access(folder, W_OK | X_OK) == 0 {
            return folder
        }
        return "/tmp"
    }

    /// Removes what processes left that are no more.
    private static func removeAbandoned(in base: String) {
        for name in names(in: base) where name.hasPrefix(prefix) {
            let folder = "\(base)/\(name)"
            var status = stat()
            guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
                continue
            }
            let lock = open("\(folder)/\(lockName)", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            // One without a lock is being made, or was left a moment before it had one: there is no secret in it.
            guard lock >= 0 else { continue }
            defer { close(lock) }
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { remove(folder) }
        }
    }

    private static func remove(_ folder: String) {
        // The lock goes last: without it nobody would know that the folder is abandoned.
        let names = names(in: folder).sorted { ($0 == lockName ? 1 : 0, $0) < ($1 == lockName ? 1 : 0, $1) }
        for name in names { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func failure(_ path: String) -> MigratezError {
        MigratezError(
            errno == ENOSPC ? .diskFull : .diskFailed, "cannot write \(path): \(String(cString: strerror(errno)))",
            hint: "name a folder that can be written to in XDG_RUNTIME_DIR")
    }
}
