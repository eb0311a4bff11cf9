// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON

/// Writes the ready lines of links that have nothing but their two ends, byte for byte as `ReadyLine` writes them. Such
/// lines differ in three numbers, and there are millions of them: all between the numbers is prepared.
package struct LinkLineWriter: Sendable {
    private let beforeFrom: [UInt8]
    private let beforeTo: [UInt8]
    private static let begin = Array(#"{"n":"#.utf8)
    private static let end = Array("}]}\n".utf8)

    package init(from: ReferenceRole, to: ReferenceRole) {
        beforeFrom = Array(#","id":"","fields":{},"refs":["#.utf8) + from.head
        beforeTo = Array("},".utf8) + to.head
    }

    /// Writes the line of the link with this ordinal, from one record to another, with its line end.
    package func write(_ ordinal: Int, from: Int, to: Int, into writer: inout JSONWriter) {
        writer.between(prepared: Self.begin)
        writer.int(ordinal)
        writer.between(prepared: beforeFrom)
        writer.int(from)
        writer.between(prepared: beforeTo)
        writer.int(to)
        writer.between(prepared: Self.end)
    }
}
