// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// One thing that can go wrong with an answer.
package enum Fault: Hashable, Sendable {
    /// Refused with this status; nothing was applied.
    case status(Int, retryAfter: Duration?)
    /// The answer comes later; goes together with any other fault.
    case latency(Duration)
    /// Applied; the answer breaks off with a TCP reset halfway through its body.
    case resetMidBody
    /// Applied; the connection is reset without an answer.
    case commitThenDrop
    /// Not applied; the connection is reset without an answer.
    case drop
    /// Applied; the body stops at two thirds, with a length that fits.
    case badJSON
    /// Applied; the announced length is 17 bytes more than what comes, then the connection ends.
    case wrongLength
    /// Applied; the body comes in 16 pieces, 25 ms apart.
    case trickle

    /// How the exchange ends.
    enum Outcome {
        case answer, drop, commitThenDrop, resetMidBody, badJSON, wrongLength, trickle
        case refuse(status: Int, retryAfter: Duration?)
    }

    /// `nil` for a fault that only delays.
    var outcome: Outcome? {
        switch self {
        case .status(let status, let retryAfter): .refuse(status: status, retryAfter: retryAfter)
        case .latency: nil
        case .resetMidBody: .resetMidBody
        case .commitThenDrop: .commitThenDrop
        case .drop: .drop
        case .badJSON: .badJSON
        case .wrongLength: .wrongLength
        case .trickle: .trickle
        }
    }

    /// The name in the text form and in the journal.
    package var name: String {
        switch self {
        case .status(let status, _): "status:\(status)"
        case .latency: "latency"
        case .resetMidBody: "reset-mid-body"
        case .commitThenDrop: "commit-then-drop"
        case .drop: "drop"
        case .badJSON: "bad-json"
        case .wrongLength: "wrong-length"
        case .trickle: "trickle"
        }
    }

    /// Reads `status:503`, `status:429:2s` (with Retry-After), `latency:50ms` or a plain name.
    init?(_ text: Substring) {
        let parts = text.split(separator: ":" as Character).map(String.init)
        switch (parts.first, parts.count) {
        case ("status", 2...3):
            guard let status = Int(parts[1]), (300...599).contains(status) else { return nil }
            let retryAfter = parts.count == 3 ? Duration(simulatorText: parts[2]) : nil
            guard parts.count == 2 || retryAfter != nil else { return nil }
            self = .status(status, retryAfter: retryAfter)
        case ("latency", 2):
            guard let duration = Duration(simulatorText: parts[1]) else { return nil }
            self = .latency(duration)
        case ("reset-mid-body", 1): self = .resetMidBody
        case ("commit-then-drop", 1): self = .commitThenDrop
        case ("drop", 1): self = .drop
        case ("bad-json", 1): self = .badJSON
        case ("wrong-length", 1): self = .wrongLength
        case ("trickle", 1): self = .trickle
        default: return nil
        }
    }
}

extension Duration {
    /// Reads `250ms` or `2s`.
    package init?(simulatorText text: String) {
        if text.hasSuffix("ms"), let count = Int(text.dropLast(2)), count >= 0 {
            self = .milliseconds(count)
        } else if text.hasSuffix("s"), let count = Int(text.dropLast()), count >= 0 {
            self = .seconds(count)
        } else {
            return nil
        }
    }
}
