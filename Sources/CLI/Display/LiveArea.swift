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
/// A process has one terminal, so there is one. Escape sequences are those of ECMA-48: cursor up, erase to the end.
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
    func show(_ lines: [String], _ write: (String) -> Void) {
        drawn.withLock { drawn in
            write(LiveArea.erasing(drawn) + lines.map { $0 + "\n" }.joined())
            drawn = lines
        }
    }

    /// Lets `body` write whole lines where the drawing begins, and draws anew below them.
    func above(_ write: (String) -> Void, _ body: () -> Void) {
        drawn.withLock { drawn in
            guard !drawn.isEmpty else { return body() }
            write(LiveArea.erasing(drawn))
            body()
            write(drawn.map { $0 + "\n" }.joined())
        }
    }

    /// Leaves what is drawn where it stands.
    func leave() { drawn.withLock { $0 = [] } }

    /// Moves to where the lines began and erases from there on. A terminal that has become narrower since has broken
    /// them into more rows.
    private static func erasing(_ lines: [String]) -> String {
        guard !lines.isEmpty else { return "" }
        let columns = max(1, terminalSize?.columns ?? Int.max)
        let rows = lines.reduce(0) { $0 + max(1, ($1.count + columns - 1) / columns) }
        return "\r\u{1B}[\(rows)A\u{1B}[J"
    }
}
