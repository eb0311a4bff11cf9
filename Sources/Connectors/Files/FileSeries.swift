// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// The files of one object, in the order in which they are read.
///
/// A setting names a file, a folder (all files in it whose names do not begin with a dot, not those of folders below), or
/// a pattern with `*`, `?` and `[…]`. Files are read in the order of their names' bytes. A file whose own name looks like a
/// pattern is that file.
struct FileSeries {
    struct Part {
        var path: String
        /// As it lies on the disk.
        var bytes: Int

        /// The name without the folder.
        var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    }

    let location: String
    let parts: [Part]
    /// Whether the setting may name several files, however many there are.
    let isSeries: Bool

    init(_ location: String) throws(MigratezError) {
        self.location = location
        var paths = [location]
        switch try OpenFile.kind(of: location) {
        case .file?: isSeries = false
        case .folder?:
            isSeries = true
            paths = try OpenFile.names(in: location).filter { !$0.hasPrefix(".") }.map {
                location.hasSuffix("/") ? location + $0 : "\(location)/\($0)"
            }
        case nil:
            isSeries = location.contains { "*?[".contains($0) }
            if isSeries { paths = try OpenFile.paths(matching: location) }
        }
        var parts: [Part] = []
        for path in paths.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            switch try OpenFile.kind(of: path) {
            case .file(let bytes)?: parts.append(Part(path: path, bytes: bytes))
            case .folder?: continue
            case nil: throw OpenFile.missing(path)
            }
        }
        guard !parts.isEmpty else {
            throw MigratezError(
                .fileNotFound, "there is no file in \(location)", remedy: .fixConfiguration,
                hint: "look at the setting `file` of the object, and at the folder")
        }
        self.parts = parts
    }

    /// What the files are known by from one page to the next: their names and lengths, hashed (FNV-1a, 64 bits without the
    /// sign). Nobody gains by finding two series with the same one.
    var fingerprint: Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for part in parts {
            for byte in "\(part.path)\0\(part.bytes)\n".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        return Int(truncatingIfNeeded: hash & UInt64(Int.max))
    }
}
