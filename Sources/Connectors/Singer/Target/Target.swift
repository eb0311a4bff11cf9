// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel

/// A target with its settings: takes one delivery a process.
///
/// Most targets confirm what they keep only when their input ends: they flush by time or at the end. So each delivery ends
/// the input, and the target's own end is its confirmation: exit code 0, and the state of the delivery said again.
struct Target: Sendable {
    let settings: ConnectionSettings
    let log: @Sendable (_ line: String) -> Void

    /// Hands the rows over and returns when the target has confirmed that it keeps them.
    ///
    /// - Throws: what leaves it open which of them it keeps.
    func deliver(_ rows: [Batch.Row], of object: String, schema: RowSchema) async throws {
        let folder = try PrivateFolder()
        // The folder must outlive the child.
        defer { withExtendedLifetime(folder) {} }
        let child = try ChildProcess(
            settings.program,
            arguments: ["--config", try folder.write("config.json", settings.config.document())], takesInput: true,
            silenceMax: settings.silenceMax, errors: ErrorOutput(settings.config.redaction(), log: log))
        var confirmation = Confirmation(token: Hex.encode(try randomBytes(16)))
        confirmation.take(try await child.write(schema.message(for: object)))
        var lines: [UInt8] = []
        for row in rows {
            Self.append(row, of: object, to: &lines)
            guard lines.count >= Self.blockBytes else { continue }
            confirmation.take(try await child.write(lines))
            lines.removeAll(keepingCapacity: true)
        }
        confirmation.take(try await child.write(lines + confirmation.message))
        child.closeInput()
        while let bytes = try await child.read() { confirmation.take(bytes) }
        let ending = try await child.end()
        guard ending == .exit(code: 0) else {
            throw child.failure(
                .serverFailed, "\(ending) while it was given \(rows.count) rows of '\(object)'",
                hint: "mend what it complains of, then `migratez resume`")
        }
        guard confirmation.isGiven else {
            throw child.failure(
                .brokenResponse, "has ended without confirming \(rows.count) rows of '\(object)' by their state",
                hint: "a Singer target says each state again once it keeps what came before; use one that does")
        }
    }

    private static let blockBytes = 256 << 10

    private static func append(_ row: Batch.Row, of object: String, to lines: inout [UInt8]) {
        var writer = JSONWriter(capacity: row.fields.count + 128 + row.references.count * 64)
        writer.beginObject()
        writer.key("type")
        writer.string("RECORD")
        writer.key("stream")
        writer.string(object)
        writer.key("record")
        writer.row(row, keyField: SingerDestination.keyField)
        writer.endObject()
        appendLine(writer.bytes[...], to: &lines)
    }

    /// A state that means one delivery, and whether the target has said it.
    private struct Confirmation {
        private let token: [UInt8]
        private var tail: [UInt8] = []
        private(set) var isGiven = false

        init(token: String) { self.token = Array(token.utf8) }

        var message: [UInt8] {
            let state: JSONValue = [
                "type": "STATE", "value": ["migratez": .string(String(decoding: token, as: UTF8.self))],
            ]
            return state.serialized() + [UInt8(ascii: "\n")]
        }

        mutating func take(_ bytes: [UInt8]) {
            guard !isGiven, !bytes.isEmpty else { return }
            tail += bytes
            isGiven = tail.firstRange(of: token) != nil
            // It may come in two parts.
            tail = Array(tail.suffix(token.count - 1))
        }
    }
}
