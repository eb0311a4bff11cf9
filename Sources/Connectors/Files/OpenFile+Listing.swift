// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What lies where on the disk.
extension OpenFile {
    enum Kind {
        case file(bytes: Int)
        case folder
    }

    /// What is at the path, links followed; `nil` if nothing is.
    static func kind(of path: String) throws(MigratezError) -> Kind? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("look at", path, errno)
        }
        return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file(bytes: Int(status.st_size))
    }

    /// The names in the folder, in no order.
    static func names(in folder: String) throws(MigratezError) -> [String] {
        guard let stream = opendir(folder) else { throw failure("open", folder, errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw failure("list", folder, errno) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    /// The paths that the pattern fits (glob(7)), in no order; a folder on the way that cannot be read is an error.
    static func paths(matching pattern: String) throws(MigratezError) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        switch glob(pattern, GLOB_ERR | GLOB_NOSORT, nil, &found) {
        case 0: break
        case GLOB_NOMATCH: return []
        case GLOB_NOSPACE: throw MigratezError(.internalError, "no memory to list \(pattern)")
        default: throw failure("list", pattern, errno)
        }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }

    static func missing(_ path: String) -> MigratezError { failure("open", path, ENOENT) }
}
