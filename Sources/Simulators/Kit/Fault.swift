// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// One thing that can go wrong with an answer.
package enum Fault: Hashable, Sendable {
    /// Refused with this status; nothing was applied.
    case status(Int, retryAfter: RetryAfterText?)
    /// The answer comes later; goes together with any other fault.
    case latency(Duration)
    /// Applied; the answer breaks off with a TCP reset halfway through its body.
    case resetMidBody
    /// Applied; the same after so many bytes of the body.
    case resetAfter(Int)
    /// Applied; half of the body comes, then nothing more, on a connection that stays open.
    case stall
    /// Not applied; no answer comes, on a connection that stays open.
    case blackHole
    /// Applied; the connection is reset without an answer.
    case commitThenDrop
    /// Not applied; the connection is reset without an answer.
    case drop
    /// Applied; the body stops at two thirds, with a length that fits.
    case badJSON
    /// Applied; a page of HTML comes in place of the body, as from a proxy, with the answer's own status.
    case html
    /// Not applied; the vendor's error comes as the body of a success.
    case errorBody
    /// Not applied; sends the caller to another host.
    case redirect
    /// Applied; a body that unpacks to 128 MiB of white space.
    case gzipBomb
    /// Applied; the announced length is 17 bytes more than what comes, then the connection ends.
    case wrongLength
    /// Applied; the body comes in 16 pieces, 25 ms apart.
    case trickle
    /// The page before this one comes once more: a cursor that is repeated.
    case pageAgain
    /// After three pages of a list the first one comes again: cursors that lead in a circle.
    case firstPage

    /// Whether it decides how the exchange ends; a delay goes together with what does.
    var decides: Bool { if case .latency = self { false } else { true } }

    /// Whether it puts another page in the place of the one that is asked for.
    var isOfPages: Bool { self == .pageAgain || self == .firstPage }

    /// The name in the text form and in the journal.
    package var name: String {
        switch self {
        case .status(let status, _): "status:\(status)"
        case .latency: "latency"
        case .resetMidBody: "reset-mid-body"
        case .resetAfter: "reset-after"
        case .stall: "stall"
        case .blackHole: "black-hole"
        case .commitThenDrop: "commit-then-drop"
        case .drop: "drop"
        case .badJSON: "bad-json"
        case .html: "html"
        case .errorBody: "error-body"
        case .redirect: "redirect"
        case .gzipBomb: "gzip-bomb"
        case .wrongLength: "wrong-length"
        case .trickle: "trickle"
        case .pageAgain: "page-again"
        case .firstPage: "first-page"
        }
    }

    /// Those that have nothing to say but their name.
    private static let plain: [Fault] = [
        .resetMidBody, .stall, .blackHole, .commitThenDrop, .drop, .badJSON, .html, .errorBody, .redirect, .gzipBomb,
        .wrongLength, .trickle, .pageAgain, .firstPage,
    ]

    /// Reads `status:503`, `status:429:2s` (with Retry-After), `latency:50ms`, `reset-after:100` or a plain name.
    init?(_ text: Substring) {
        let parts = text.split(separator: ":" as Character, maxSplits: 2).map(String.init)
        switch (parts.first, parts.count) {
        case ("status", 2...3):
            guard let status = Int(parts[1]), (300...599).contains(status) else { return nil }
            let retryAfter = parts.count == 3 ? RetryAfterText(parts[2]) : nil
            guard parts.count == 2 || retryAfter != nil else { return nil }
            self = .status(status, retryAfter: retryAfter)
        case ("latency", 2):
            guard let duration = Duration(simulatorText: parts[1]) else { return nil }
            self = .latency(duration)
        case ("reset-after", 2):
            guard let count = Int(parts[1]), count >= 0 else { return nil }
            self = .resetAfter(count)
        case (let name?, 1):
            guard let fault = Fault.plain.first(where: { $0.name == name }) else { return nil }
            self = fault
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
