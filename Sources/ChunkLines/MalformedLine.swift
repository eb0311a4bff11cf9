// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel

/// A record that could not be read, as a line of a raw chunk, so that it keeps its place in the order and is counted:
/// `{"$malformed":{"locator":"line 17","reason":"…","bytes":"<its bytes as hexadecimal digits>"}}`; of a record longer
/// than `bytesMax` the beginning, and `"length"` with its true length.
package enum MalformedLine {
    private static let member = "$malformed"
    /// The most bytes that are kept. Their digits, and a reject that quotes them, stay far below what a line may have.
    package static let bytesMax = 4 << 20

    /// Appends the line with its line end.
    package static func append(_ record: MalformedRecord, to lines: inout [UInt8]) {
        var writer = JSONWriter(capacity: 64 + min(record.bytes.count, bytesMax) * 2)
        writer.beginObject()
        writer.key(member)
        writer.beginObject()
        writer.key("locator")
        writer.string(record.locator)
        writer.key("reason")
        writer.string(record.reason)
        writer.key("bytes")
        writer.string(hexadecimal(record.bytes.prefix(bytesMax)))
        if record.bytes.count > bytesMax {
            writer.key("length")
            writer.int(record.bytes.count)
        }
        writer.endObject()
        writer.endObject()
        lines += writer.bytes
        lines.append(UInt8(ascii: "\n"))
    }

    /// Where the record was in the source, if the indexed line is one of these.
    package static func locator(_ line: UnsafeBufferPointer<UInt8>, _ index: borrowing RecordIndex) -> String? {
        guard let slice = index.topLevel(member), slice.kind == .object else { return nil }
        let value = JSONValue(validated: UnsafeBufferPointer(rebasing: line[slice.range]))
        return value["locator"]?.text ?? "unknown place"
    }

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
