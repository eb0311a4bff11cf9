// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The machine's own files.
package struct LocalFileSystem: FileSystem {
    package init() {}

    package func createFolder(_ path: String) throws(MigratezError) {
        if mkdir(path, 0o700) == 0 { return }
        switch errno {
        case EEXIST:
            var status = stat()
            guard lstat(path, &status) == 0 else { throw systemError("look at", path) }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw MigratezError(.diskFailed, "\(path) is not a folder", remedy: .fixConfiguration)
            }
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
                throw systemError("create folder", path)
            }
            try createFolder(String(path[..<slash]))
            try createFolder(path)
        default: throw systemError("create folder", path)
        }
    }

    package func open(_ path: String, _ mode: OpenMode) throws(MigratezError) -> any OpenFile {
        let flags =
            switch mode {
            case .new: O_RDWR | O_CREAT | O_EXCL
            case .reading: O_RDONLY
            case .updating: O_RDWR
            }
        return LocalFile(try openDescriptor(path, flags), path)
    }

    package func rename(_ path: String, to newPath: String) throws(MigratezError) {
        guard renameat(AT_FDCWD, path, AT_FDCWD, newPath) == 0 else { throw systemError("rename", path) }
    }

    package func remove(_ path: String) throws(MigratezError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw systemError("remove", path) }
    }

    package func removeFolder(_ path: String) throws(MigratezError) {
        guard rmdir(path) == 0 || errno == ENOENT else { throw systemError("remove folder", path) }
    }

    package func syncFolder(_ path: String) throws(MigratezError) {
        let descriptor = try openDescriptor(path, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemError("sync folder", path) }
    }

    package func list(_ path: String) throws(MigratezError) -> [FolderEntry] {
        guard let folder = opendir(path) else {
            if errno == ENOENT { return [] }
            throw systemError("list", path)
        }
        defer { closedir(folder) }
        var entries: [FolderEntry] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            var status = stat()
            // It may have gone since the folder was read.
            guard lstat("\(path)/\(name)", &status) == 0 else { continue }
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            entries.append(FolderEntry(name: name, isFolder: isFolder, bytes: Int(status.st_size)))
        }
        return entries
    }

    package func length(_ path: String) throws(MigratezError) -> Int? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw systemError("look at", path)
        }
        return status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    }
}

/// A descriptor and the path it was opened by, for messages.
private final class LocalFile: OpenFile {
    private let descriptor: Int32
    private let path: String
    /// Set when a sync failed: the file is abandoned.
    private let isAbandoned = Atomic(false)

    init(_ descriptor: Int32, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(MigratezError) -> Int {
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, offset)
            if count >= 0 { return count }
            guard errno == EINTR else { throw systemError("read", path) }
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(MigratezError) {
        guard let start = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, start + done, bytes.count - done, offset + done)
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw systemError("write", path)
            }
        }
    }

    func sync() throws(MigratezError) {
        precondition(!isAbandoned.load(ordering: .relaxed), "fsync is never tried again on a file whose fsync failed")
        guard fsync(descriptor) == 0 else {
            isAbandoned.store(true, ordering: .relaxed)
            throw systemError("sync", path)
        }
    }

    func length() throws(MigratezError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw systemError("look at", path) }
        return Int(status.st_size)
    }
}

/// Opens without following a link at the end of the path, and without letting programs that are started inherit it.
func openDescriptor(_ path: String, _ flags: Int32) throws(MigratezError) -> Int32 {
    let descriptor = open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw systemError("open", path) }
    return descriptor
}

/// The failure of a system call, from `errno`.
func systemError(_ verb: StaticString, _ path: String) -> MigratezError {
    let number = errno
    let isFull = number == ENOSPC || number == EDQUOT
    return MigratezError(
        isFull ? .diskFull : .diskFailed, "cannot \(verb) \(path): \(String(cString: strerror(number)))",
        remedy: .fixConfiguration,
        hint: isFull ? "free some space or set staging.dir to a larger disk, then resume" : nil)
}
