// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A file that is open; closes itself. With `OpenFile+Listing.swift` the only place in this module that makes system calls.
///
/// Errors name the file's path and what failed, never its content.
struct OpenFile: ~Copyable {
    let path: String
    private let descriptor: Int32

    enum Mode {
        case read
        /// For reading and writing; created with 0600 if it is not there.
        case append
        /// For writing from scratch; what was there is thrown away.
        case replace
        /// For reading and writing a new file that loses its name at once, and is gone when it is closed.
        case nameless
    }

    init(_ path: String, _ mode: Mode) throws(MigratezError) {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .append: O_RDWR | O_CREAT
            case .replace: O_WRONLY | O_CREAT | O_TRUNC
            case .nameless: O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW
            }
        descriptor = open(path, flags | O_CLOEXEC | O_NOCTTY, 0o600)
        self.path = path
        guard descriptor >= 0 else { throw OpenFile.failure("open", path, errno) }
        if mode == .nameless { try OpenFile.remove(path) }
    }

    /// A file below a folder, for reading, if it is there; neither it nor a folder on the way may be a symbolic link.
    init?(_ parts: [String], below folder: String) throws(MigratezError) {
        path = ([folder] + parts).joined(separator: "/")
        var place = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard place >= 0 else { throw OpenFile.failure("open", folder, errno) }
        for (number, part) in parts.enumerated() {
            let isLast = number == parts.count - 1
            // A pipe would be waited for.
            let flags = isLast ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_RDONLY | O_DIRECTORY
            let next = openat(place, part, flags | O_NOFOLLOW | O_CLOEXEC)
            let failure = errno
            close(place)
            place = next
            guard next < 0 else { continue }
            if [ENOENT, ENOTDIR, ELOOP, ENXIO, ENAMETOOLONG].contains(failure) { return nil }
            throw OpenFile.failure("open", path, failure)
        }
        var status = stat()
        guard fstat(place, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(place)
            return nil
        }
        descriptor = place
    }

    deinit { close(descriptor) }

    /// In bytes.
    var size: Int {
        get throws(MigratezError) {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw OpenFile.failure("look at", path, errno) }
            return Int(status.st_size)
        }
    }

    /// Up to `count` bytes from `offset`; fewer only at the end of the file.
    func read(_ count: Int, at offset: Int) throws(MigratezError) -> [UInt8] {
        var failed: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let length = pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
                if length < 0 && errno == EINTR { continue }
                if length < 0 { failed = errno }
                guard length > 0 else { return }
                filled += length
            }
        }
        guard failed == 0 else { throw OpenFile.failure("read", path, failed) }
        return bytes
    }

    /// Writes all bytes at `offset`.
    func write(_ bytes: [UInt8], at offset: Int) throws(MigratezError) {
        var failed: Int32 = 0
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let length = pwrite(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
                if length < 0 && errno == EINTR { continue }
                guard length >= 0 else {
                    failed = errno
                    return
                }
                done += length
            }
        }
        guard failed == 0 else { throw OpenFile.failure("write", path, failed) }
    }

    func truncate(to size: Int) throws(MigratezError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw OpenFile.failure("truncate", path, errno) }
    }

    /// Returns when everything written is on the disk. Not to be called again on this file after it has failed.
    func synchronize() throws(MigratezError) {
        guard fsync(descriptor) == 0 else { throw OpenFile.failure("flush", path, errno) }
    }

    /// Whether files may be made in the folder, or in the nearest one above it that exists.
    static func isWritable(_ folder: String) -> Bool {
        var folder = folder
        while !exists(folder) {
            guard let slash = folder.lastIndex(of: "/"), slash > folder.startIndex else { return exists("/") }
            folder = String(folder[..<slash])
        }
        return access(folder, W_OK | X_OK) == 0
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Renames a file within its folder, so that it is one or the other after a power cut, and then surely the new one.
    static func move(_ from: String, to: String) throws(MigratezError) {
        guard rename(from, to) == 0 else { throw failure("rename", from, errno) }
        let folder = to.lastIndex(of: "/").map { String(to[..<$0]) } ?? "."
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", folder, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("flush", folder, errno) }
    }

    static func remove(_ path: String) throws(MigratezError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path, errno) }
    }

    /// Creates a folder with 0700 and those above it that are missing.
    static func makeFolder(_ path: String) throws(MigratezError) {
        guard !exists(path) else { return }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex { try makeFolder(String(path[..<slash])) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("create", path, errno) }
    }

    /// A folder that holds something stays.
    static func removeFolderIfEmpty(_ path: String) throws(MigratezError) {
        guard rmdir(path) == 0 || errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT else {
            throw failure("remove", path, errno)
        }
    }

    static func failure(_ verb: String, _ path: String, _ code: Int32) -> MigratezError {
        let message = "cannot \(verb) \(path): \(String(cString: strerror(code)))"
        switch code {
        case ENOENT, EACCES, EPERM, ENOTDIR, EISDIR:
            return MigratezError(.fileNotFound, message, remedy: .fixConfiguration)
        case ENOSPC, EDQUOT:
            return MigratezError(.diskFull, message, remedy: .fixConfiguration, hint: "make room, then resume")
        default: return MigratezError(.diskFailed, message)
        }
    }
}
