// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The name of one stream of records: an object of the source (`contact`) or a link type (`contact-to-company`).
///
/// It becomes part of file names, so only ASCII letters, digits, `_` and `-` are allowed, 1 to 64 of them, the first
/// not `-`. It comes from the pipeline file, never from data.
package struct StreamName: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let text: String

    package init?(_ text: String) {
        let allowed = text.utf8.allSatisfy {
            ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || $0 == 0x5F || $0 == 0x2D
        }
        guard allowed, (1...64).contains(text.utf8.count), !text.hasPrefix("-") else { return nil }
        self.text = text
    }

    /// The stream of the links from records of `from` to records of `to`.
    package static func link(from: StreamName, to: StreamName) -> StreamName? {
        StreamName("\(from.text)-to-\(to.text)")
    }

    package static func < (a: StreamName, b: StreamName) -> Bool { a.text < b.text }
    package var description: String { text }
}
