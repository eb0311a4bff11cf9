// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezJSON
import MigratezYAML

/// The digest of what a pipeline file means.
enum PlanDigest {
    /// SHA-256 in lower-case hexadecimal over a canonical form: JSON with sorted keys, every scalar a text, followed by the
    /// contents of its map files.
    ///
    /// Left out is what changes nothing that arrives: the file's own tests, the bounds that a run may stop at, and where
    /// the root key is found. Who is told to raise one of these, or has rotated the key, can resume with the file that does.
    static func digest(of root: YAMLNode, mapFiles: [String: [UInt8]]) -> String {
        var writer = JSONWriter()
        write(root, to: &writer, leavingOut: ["tests", "gates", "limits", "staging.disk_limit", "staging.key"])
        var hash = SHA256()
        hash.update(writer.bytes)
        for (path, bytes) in mapFiles.sorted(by: { $0.key < $1.key }) {
            hash.update(Array("\n\(path) \(bytes.count)\n".utf8))
            hash.update(bytes)
        }
        return Hex.encode(hash.finish())
    }

    /// - Parameter excluded: dotted paths of members.
    private static func write(
        _ node: YAMLNode, at path: String = "", to writer: inout JSONWriter, leavingOut excluded: Set<String>
    ) {
        switch node.content {
        case .scalar(let text):
            if node.isNull { writer.null() } else { writer.string(text) }
        case .sequence(let elements):
            writer.beginArray()
            for element in elements { write(element, to: &writer, leavingOut: []) }
            writer.endArray()
        case .mapping(let members):
            writer.beginObject()
            for member in members.sorted(by: { $0.key < $1.key }) where !excluded.contains(path + member.key) {
                writer.key(member.key)
                write(member.value, at: "\(path)\(member.key).", to: &writer, leavingOut: excluded)
            }
            writer.endObject()
        }
    }
}
