// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezCrypto
package import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A file with one key in it: 64 hexadecimal digits, a line feed, and nothing else.
package enum KeyFile {
    private static let bytes = 32

    /// The key in the file at `path`, which is made with a random one if there is none; its folder as well (0700).
    ///
    /// Of two processes that make it at the same time both get the same key. Throws `keyExposed` if anybody but the owner
    /// may read or write it, `keyDamaged` if it does not hold a key.
    package static func loadOrCreate(_ path: String) throws(MigratezError) -> (key: SymmetricKey, isNew: Bool) {
        let fileSystem = LocalFileSystem()
        let (folder, name) = parts(of: path)
        try removeRemains(of: name, in: folder, fileSystem)
        if access(path, F_OK) == 0 { return (try load(path), false) }
        try fileSystem.createFolder(folder)
        let isNew = try create(path, folder, fileSystem)
        return (try load(path), isNew)
    }

    /// Makes the file with a random key; throws `invalidSetting` if there is one, which would be lost.
    package static func create(_ path: String) throws(MigratezError) -> SymmetricKey {
        let (key, isNew) = try loadOrCreate(path)
        guard isNew else {
            throw MigratezError(
                .invalidSetting, "there is a key file \(path) already", remedy: .fixConfiguration,
                hint: "name another file; or put all runs under a new key: migratez keys rotate")
        }
        return key
    }

    /// The key in the file at `path`.
    package static func load(_ path: String) throws(MigratezError) -> SymmetricKey {
        guard access(path, F_OK) == 0 else {
            throw MigratezError(
                .keyMissing, "there is no key file \(path)", remedy: .fixConfiguration,
                hint: "put it back from a copy; what was staged under it cannot be read without it")
        }
        let descriptor = try openDescriptor(path, O_RDONLY)
        defer { close(descriptor) }
        try requireUnexposed(descriptor, path)
        var text = [UInt8](repeating: 0, count: 2 * bytes + 2)
        defer { wipe(&text) }
        let count = read(descriptor, &text, text.count)
        guard count >= 2 * bytes, count <= 2 * bytes + 1, count == 2 * bytes || text[2 * bytes] == 0x0A,
            var raw = Hex.decode(String(decoding: text[..<(2 * bytes)], as: UTF8.self))
        else {
            throw MigratezError(
                .keyDamaged, "\(path) does not hold a key of 64 hexadecimal digits", remedy: .fixConfiguration,
                hint: "put the file back from a copy; what was staged under the key cannot be read without it")
        }
        defer { wipe(&raw) }
        return SymmetricKey(copying: raw)
    }

    /// Throws `keyExposed` if the file at `path` may be read or written by others than its owner, who must be this user
    /// or root. A file that is not there is not exposed.
    package static func requireUnexposed(_ path: String) throws(MigratezError) {
        guard access(path, F_OK) == 0 else { return }
        // Unlike our own key files, one that somebody else put there may be a link: what it leads to is looked at.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError("open", path) }
        defer { close(descriptor) }
        try requireUnexposed(descriptor, path)
    }

    private static func requireUnexposed(_ descriptor: Int32, _ path: String) throws(MigratezError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw systemError("look at", path) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 == 0,
            status.st_uid == geteuid() || status.st_uid == 0
        else {
            throw MigratezError(
                .keyExposed, "others than its owner may read or write the key file \(path)",
                remedy: .fixConfiguration,
                hint: "chmod 600 \(path); if somebody may have read it, put the runs under a new key as well: "
                    + "migratez keys rotate")
        }
    }

    /// Overwrites the file in place, unlinks it, and makes both durable. Does nothing if it is gone.
    package static func destroy(_ path: String) throws(MigratezError) {
        let fileSystem = LocalFileSystem()
        if let length = try fileSystem.length(path) {
            let file = try fileSystem.open(path, .updating)
            try file.write([UInt8](repeating: 0, count: length), at: 0)
            try file.sync()
            try fileSystem.remove(path)
        }
        try fileSystem.syncFolder(parts(of: path).folder)
    }

    static func parts(of path: String) -> (folder: String, name: Substring) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path[...]) }
        return (slash == path.startIndex ? "/" : String(path[..<slash]), path[path.index(after: slash)...])
    }

    /// Removes what a process left that was killed while it made the key: the same key under another name, or one that
    /// nobody uses. The name has the number of that process; while it lives it removes the file itself.
    private static func removeRemains(
        of name: Substring, in folder: String, _ fileSystem: LocalFileSystem
    ) throws(MigratezError) {
        for file in try fileSystem.list(folder) where file.name.hasPrefix("\(name).") && file.name.hasSuffix(".new") {
            guard let process = pid_t(file.name.dropFirst(name.count + 1).dropLast(".new".count)) else { continue }
            guard kill(process, 0) != 0, errno == ESRCH else { continue }
            try fileSystem.remove("\(folder)/\(file.name)")
        }
    }

    /// Writes zeros over key material, which a compiler may not leave out (explicit_bzero(3)).
    private static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { buffer in
            if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
        }
    }

    /// False if somebody else was quicker.
    private static func create(
        _ path: String, _ folder: String, _ fileSystem: LocalFileSystem
    ) throws(MigratezError) -> Bool {
        let temporary = "\(path).\(getpid()).new"
        try fileSystem.remove(temporary)
        let key = try SymmetricKey(randomBytes: bytes)
        let file = try fileSystem.open(temporary, .new)
        try file.write(key.withUnsafeBytes { Array(Hex.encode(Array($0)).utf8) } + [0x0A], at: 0)
        try file.sync()
        // Unlike rename(2), link(2) does not replace a file that another process has made meanwhile.
        let isNew = link(temporary, path) == 0
        guard isNew || errno == EEXIST else {
            let failure = systemError("create", path)
            try fileSystem.remove(temporary)
            throw failure
        }
        try fileSystem.remove(temporary)
        try fileSystem.syncFolder(folder)
        return isNew
    }
}
