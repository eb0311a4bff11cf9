// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A text that must never be printed: a token, a password, a private key.
///
/// It has no `Codable` and no accessor but `withExposed`, so that every use is easy to find.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    package init(_ text: String) { self.text = text }

    /// Whether there is nothing in it.
    package var isEmpty: Bool { text.isEmpty }

    /// Runs `body` with the text; the caller must not let it reach a log, an error or a file.
    package func withExposed<R, E: Error>(_ body: (String) throws(E) -> R) throws(E) -> R { try body(text) }

    package var description: String { "«secret»" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
