// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What stands in a raw chunk in the place of a record that was erased at the request of its subject: a record without
/// an id or any other field, so that the records after it keep their ordinals. The manifest says why it is empty.
package enum ErasedLine {
    /// The line with its line end.
    package static let bytes = Array("{}\n".utf8)

    /// Puts it into the place of lines.
    ///
    /// - Parameters:
    ///   - first: the ordinal of the first line.
    ///   - isErased: asked with the ordinal of each line.
    package static func replace(in lines: inout [UInt8], from first: Int, where isErased: (Int) -> Bool) {
        var result: [UInt8] = []
        result.reserveCapacity(lines.count)
        for (place, line) in lines.split(separator: UInt8(ascii: "\n")).enumerated() {
            result += isErased(first + place) ? bytes : line + [UInt8(ascii: "\n")]
        }
        lines = result
    }
}
