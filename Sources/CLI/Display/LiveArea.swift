// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The lines at the bottom of the terminal that are drawn anew in place; what else is written goes above them.
///
/// A process has one terminal, so there is one. Escape sequences are those of ECMA-48: cursor up and down, erase in line, erase
/// to the end.
final class LiveArea: Sendable {
    static let shared = LiveArea()

    private let drawn = Mutex<[String]>([])

    /// Columns and rows of the terminal now; `nil` if there is none (tty_ioctl(4)).
    static var terminalSize: (columns: Int, rows: Int)? {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Replaces what is drawn.
    ///
    /// Line is written over line and the rest erased after the last, which flickers less, and because tmux keeps a copy
    /// in its history of what is erased from the top of the screen on.
    func show(_ lines: [String], _ write: (String) -> Void) {
        drawn.withLock { drawn in
            write(LiveArea.start(of: drawn) + LiveArea.text(of: lines) + "\u{1B}[J")
            drawn = lines
        }
    }

    /// Lets `body` write whole lines where the drawing begins, and draws anew below them.
    func above(_ write: (String) -> Void, _ body: () -> Void) {
        drawn.withLock { drawn in
            guard !drawn.isEmpty else { return body() }
            let rows = LiveArea.rows(of: drawn)
            let erasing = String(repeating: "\u{1B}[2K\u{1B}[1B", count: rows) + "\u{1B}[\(rows)A"
            write(LiveArea.start(of: drawn) + erasing)
            body()
            write(LiveArea.text(of: drawn))
        }
    }

    /// Leaves what is drawn where it stands.
    func leave() { drawn.withLock { $0 = [] } }

    /// Each line, and nothing after its end.
    private static func text(of lines: [String]) -> String { lines.map { $0 + "\u{1B}[K\n" }.joined() }

    /// Moves from below the lines to where they begin.
    private static func start(of lines: [String]) -> String { lines.isEmpty ? "" : "\r\u{1B}[\(rows(of: lines))A" }

    /// How many rows the lines take: a terminal that has become narrower since has broken them into more.
    private static func rows(of lines: [String]) -> Int {
        let columns = max(1, terminalSize?.columns ?? Int.max)
        return lines.reduce(0) { $0 + max(1, $1.count / columns + ($1.count.isMultiple(of: columns) ? 0 : 1)) }
    }
}
