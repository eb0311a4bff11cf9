// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import Synchronization

/// What a child says on its error output: each line is redacted and passed to the log; the last ones are kept for an error.
final class ErrorOutput: Sendable {
    private struct State {
        var line: [UInt8] = []
        var last: [String] = []
    }

    private let state = Mutex(State())
    private let redaction: Redaction
    private let log: @Sendable (_ line: String) -> Void
    /// How many lines are kept.
    private static let linesMax = 5
    /// Of a line that is longer the rest is left out: nobody's memory is to depend on it.
    private static let lineBytesMax = 4_096

    init(_ redaction: Redaction, log: @escaping @Sendable (_ line: String) -> Void) {
        self.redaction = redaction
        self.log = log
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        let lines = state.withLock { state in
            var lines: [String] = []
            for byte in bytes {
                guard byte == UInt8(ascii: "\n") else {
                    if state.line.count < Self.lineBytesMax { state.line.append(byte) }
                    continue
                }
                if let line = take(&state) { lines.append(line) }
            }
            return lines
        }
        lines.forEach(log)
    }

    /// The last lines, as one text for people; `nil` if nothing was said.
    func lastLines() -> String? {
        let (rest, lines) = state.withLock { state in (take(&state), state.last) }
        if let rest { log(rest) }
        return lines.isEmpty ? nil : lines.joined(separator: " / ")
    }

    private func take(_ state: inout State) -> String? {
        let text = redaction.redacted(String(decoding: state.line, as: UTF8.self))
        state.line.removeAll(keepingCapacity: true)
        guard text.contains(where: { !$0.isWhitespace }) else { return nil }
        state.last.append(text)
        if state.last.count > Self.linesMax { state.last.removeFirst() }
        return text
    }
}
