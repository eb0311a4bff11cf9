// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

/// What a simulated disk holds: each file and folder as programs see it, and as a power cut would leave it.
struct SimulatedVolume {
    private struct File {
        var bytes: [UInt8] = []
        var durable: [UInt8] = []
        /// Writes since the last sync, in their order.
        var unsynced: [(bytes: [UInt8], offset: Int)] = []
    }

    private struct Folder {
        var names: [String: Int] = [:]
        var durable: [String: Int] = [:]
        /// The names after each change since the last sync.
        var unsynced: [[String: Int]] = []

        mutating func change(_ body: (inout [String: Int]) -> Void) {
            body(&names)
            unsynced.append(names)
        }
    }

    private var opened: [Int: File] = [:]
    private var folders: [String: Folder] = [:]
    private var nextNumber = 1
    private var generator: SeededGenerator
    private let ignoresSync: Bool

    init(seed: UInt64, ignoresSync: Bool) {
        generator = SeededGenerator(seed: seed)
        self.ignoresSync = ignoresSync
    }

    var files: [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for (path, folder) in folders {
            for (name, number) in folder.names { files["\(path)/\(name)"] = opened[number]?.bytes }
        }
        return files
    }

    mutating func cutPower() {
        for path in folders.keys.sorted() {
            guard var folder = folders[path] else { continue }
            let kept = Int.random(in: 0...folder.unsynced.count, using: &generator)
            if kept > 0 { folder.durable = folder.unsynced[kept - 1] }
            (folder.names, folder.unsynced) = (folder.durable, [])
            folders[path] = folder
        }
        let named = Set(folders.values.flatMap(\.names.values))
        opened = opened.filter { named.contains($0.key) }
        for number in opened.keys.sorted() {
            guard var file = opened[number] else { continue }
            for write in file.unsynced {
                // A write that was under way may have reached the disk in part.
                let kept = Bool.random(using: &generator) ? write.bytes.count : 0
                let torn = Int.random(in: 0..<8, using: &generator) == 0
                let length = torn ? Int.random(in: 0...write.bytes.count, using: &generator) : kept
                Self.put(write.bytes.prefix(length), at: write.offset, into: &file.durable)
            }
            (file.bytes, file.unsynced) = (file.durable, [])
            opened[number] = file
        }
    }

    // MARK: Names

    mutating func createFolder(_ path: String) { if folders[path] == nil { folders[path] = Folder() } }

    mutating func open(_ path: String, _ mode: OpenMode) throws(MigratezError) -> Int {
        let (folder, name) = Self.parts(path)
        let number = folders[folder]?.names[name]
        guard case .new = mode else {
            guard let number else { throw Self.failure("cannot open \(path): it is not there") }
            return number
        }
        guard number == nil, folders[folder] != nil else { throw Self.failure("cannot create \(path)") }
        let added = nextNumber
        nextNumber += 1
        opened[added] = File()
        folders[folder]?.change { $0[name] = added }
        return added
    }

    mutating func rename(_ path: String, to newPath: String) throws(MigratezError) {
        let (folder, name) = Self.parts(path)
        let (newFolder, newName) = Self.parts(newPath)
        precondition(folder == newFolder, "files are renamed within their folder")
        guard let number = folders[folder]?.names[name] else {
            throw Self.failure("cannot rename \(path): it is not there")
        }
        folders[folder]?.change { names in
            names[name] = nil
            names[newName] = number
        }
    }

    mutating func remove(_ path: String) {
        let (folder, name) = Self.parts(path)
        guard folders[folder]?.names[name] != nil else { return }
        folders[folder]?.change { $0[name] = nil }
    }

    mutating func removeFolder(_ path: String) throws(MigratezError) {
        guard folders[path]?.names.isEmpty != false else { throw Self.failure("\(path) is not empty") }
        folders[path] = nil
    }

    mutating func syncFolder(_ path: String) throws(MigratezError) {
        guard var folder = folders[path] else { throw Self.failure("cannot sync \(path): it is not there") }
        guard !ignoresSync else { return }
        (folder.durable, folder.unsynced) = (folder.names, [])
        folders[path] = folder
    }

    func list(_ path: String) -> [FolderEntry] {
        (folders[path]?.names ?? [:]).sorted { $0.key < $1.key }.map { name, number in
            FolderEntry(name: name, isFolder: false, bytes: length(number))
        }
    }

    func length(_ path: String) -> Int? {
        let (folder, name) = Self.parts(path)
        return folders[folder]?.names[name].map { length($0) }
    }

    // MARK: Contents

    func length(_ number: Int) -> Int { opened[number]?.bytes.count ?? 0 }

    func read(_ number: Int, into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        guard let bytes = opened[number]?.bytes, offset < bytes.count else { return 0 }
        let part = bytes[offset..<min(bytes.count, offset + buffer.count)]
        buffer.copyBytes(from: part)
        return part.count
    }

    mutating func write(_ number: Int, _ bytes: [UInt8], at offset: Int) {
        guard var file = opened.removeValue(forKey: number) else { return }
        Self.put(bytes[...], at: offset, into: &file.bytes)
        file.unsynced.append((bytes, offset))
        opened[number] = file
    }

    mutating func sync(_ number: Int) {
        guard !ignoresSync, var file = opened.removeValue(forKey: number) else { return }
        (file.durable, file.unsynced) = (file.bytes, [])
        opened[number] = file
    }

    // MARK: Parts

    private static func put(_ bytes: ArraySlice<UInt8>, at offset: Int, into file: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        if file.count < offset + bytes.count {
            file += [UInt8](repeating: 0, count: offset + bytes.count - file.count)
        }
        file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    private static func parts(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    private static func failure(_ message: String) -> MigratezError { MigratezError(.diskFailed, message) }
}
