// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

/// Where the contents of records lie: files beside the file of the records.
enum ContentPath {
    /// The folder that paths in a source's records begin at: that of the file, or the last one on the way to a pattern
    /// that is not part of it.
    static func base(of location: String) throws(MigratezError) -> String {
        if case .folder? = try OpenFile.kind(of: location) { return location }
        var parts = location.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        if let pattern = parts.firstIndex(where: { $0.contains { "*?[".contains($0) } }) { parts = parts[..<pattern] }
        let path = parts.joined(separator: "/")
        return path.isEmpty ? (location.hasPrefix("/") ? "/" : ".") : path
    }

    /// The parts of a path in a record, if it leads nowhere but below its folder.
    static func parts(of path: String) throws(Rejection) -> [String] {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let isInside = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }
        guard isInside, !path.isEmpty else {
            throw Rejection(.contentUnavailable, reason: "the path of the file does not stay below its folder")
        }
        return parts
    }

    /// The name of a record's file in the destination: its key, with everything but letters, digits, `_` and `-` as `%XX`.
    static func name(of key: String) -> String {
        var name: [UInt8] = []
        for byte in key.utf8 {
            let isPlain =
                byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x5F
                || byte == 0x2D
            name += isPlain ? [byte] : Array("%\(Hex.encode([byte]).uppercased())".utf8)
        }
        // File systems take 255 bytes.
        guard name.count <= 200 else { return Hex.encode(SHA256.digest(of: Array(key.utf8))) }
        return String(decoding: name, as: UTF8.self)
    }
}

extension ObjectPaths {
    /// The folder of the contents of the object's records, and its name beside the object's file.
    var contents: String { "\(folder)/\(contentFolderName)" }
    var contentFolderName: String {
        let file = complete.split(separator: "/").last.map(String.init) ?? complete
        return (file.split(separator: ".").first.map(String.init) ?? file) + ".files"
    }
}
