// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel

/// A record that could not be read, as a line of a raw chunk, so that it keeps its place in the order and is counted:
/// `{"$malformed":{"locator":"line 17","reason":"…","bytes":"<its bytes as hexadecimal digits>"}}`.
package enum MalformedLine {
    private static let member = "$malformed"

    /// Appends the line with its line end.
    package static func append(_ record: MalformedRecord, to lines: inout [UInt8]) {
        var writer = JSONWriter(capacity: 64 + record.bytes.count * 2)
        writer.beginObject()
        writer.key(member)
        writer.beginObject()
        writer.key("locator")
        writer.string(record.locator)
        writer.key("reason")
        writer.string(record.reason)
        writer.key("bytes")
        writer.string(hexadecimal(record.bytes))
        writer.endObject()
        writer.endObject()
        lines += writer.bytes
        lines.append(UInt8(ascii: "\n"))
    }

    /// Where the record was in the source, if the indexed line is one of these.
    package static func locator(_ line: UnsafeBufferPointer<UInt8>, _ index: RecordIndex) -> String? {
        guard let slice = index.topLevel(member), slice.kind == .object else { return nil }
        let value = JSONValue(validated: UnsafeBufferPointer(rebasing: line[slice.range]))
        return value["locator"]?.text ?? "unknown place"
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
