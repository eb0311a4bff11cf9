// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSingerConnector
import MigratezTestKit
import Synchronization

/// A folder with a target in it: a shell script that keeps every line that it is given in `kept`, and confirms at its end.
struct TargetWorld: Sendable {
    let folder: String

    /// What goes wrong with the target.
    enum Fault: String {
        case none
        /// Ends with 4 at its start.
        case dead
        /// Keeps two lines, and ends with 4.
        case full
        /// Takes everything, and does not confirm.
        case silent
        /// Takes everything but the rows of the first delivery with any, and dies before it confirms.
        case once
    }

    static func with<R>(_ body: (TargetWorld) async throws -> R) async throws -> R {
        try await withTemporaryFolder { folder in
            let world = TargetWorld(folder: folder)
            let path = "\(folder)/target"
            try Data(script.utf8).write(to: URL(filePath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
            return try await body(world)
        }
    }

    func destination(_ fault: Fault = .none, writes: String? = nil) throws -> SingerDestination {
        var texts = ["command": "\(folder)/target,\(fault.rawValue)"]
        texts["writes"] = writes
        return try SingerDestination(settings: ConnectorSettings(texts: texts))
    }

    var lines: [String] {
        let bytes = (try? Data(contentsOf: URL(filePath: "\(folder)/kept"))) ?? Data()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func messages(_ type: String) -> [JSONValue] {
        lines.compactMap { try? JSONValue(parsing: Array($0.utf8)) }.filter { $0["type"]?.text == type }
    }

    /// The records that it was given, in their order.
    var records: [(key: String, record: JSONValue)] {
        messages("RECORD").compactMap { message in
            message["record"].map { ($0["migratez_id"]?.text ?? "", $0) }
        }
    }

    var schemas: [JSONValue] { messages("SCHEMA").compactMap { $0["schema"]?["properties"] } }

    private static let script = """
        #!/bin/sh
        here=$(dirname "$0"); mode=$1
        [ "$mode" = dead ] && { echo "cannot log in" >&2; exit 4; }
        [ "$mode" = full ] && { head -n 2 >> "$here/kept"; echo "the disk is full" >&2; exit 4; }
        cat > "$here/given.$$"
        cat "$here/given.$$" >> "$here/kept"
        if [ "$mode" = once ] && [ ! -e "$here/died" ] && grep -q '"type":"RECORD"' "$here/given.$$"; then
            touch "$here/died"
            kill -9 $$
        fi
        [ "$mode" = silent ] || grep '"type":"STATE"' "$here/given.$$" | tail -n 1 | sed 's/^.*"value"://; s/}$//'
        rm "$here/given.$$"
        """
}

/// What a write has noted.
final class NotedIntent: WriteIntent {
    private let notes = Mutex<[String]>([])
    var last: String? { notes.withLock { $0.last } }
    func note(_ note: String) async throws { notes.withLock { $0.append(note) } }
}
