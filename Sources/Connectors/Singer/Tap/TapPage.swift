// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// A page while it is filled with records of a tap.
struct TapPage {
    private var writer = JSONWriter()
    private var records: [Range<Int>] = []
    private var malformed: [MalformedRecord] = []

    /// Taps are slow: a page of more would keep what was read for long in memory only.
    static let recordsMax = 1_000
    static let bytesMax = ByteCount.MiB(1)
    /// So many records are worth a page of their own where the tap tells its state behind them.
    static let recordsWorthwhile = 500

    var count: Int { records.count + malformed.count }
    var isFull: Bool { count >= Self.recordsMax || writer.bytes.count >= Self.bytesMax.bytes }

    /// Adds a record, which is a JSON object, with its key as a member.
    mutating func append(_ record: ArraySlice<UInt8>, key: String) {
        let start = writer.bytes.count
        let content = record.dropLast()
        let isEmpty = content.dropFirst().allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        var text = JSONWriter()
        text.string(key)
        var bytes = Array(content)
        bytes += "\(isEmpty ? "" : ",")\"\(SingerSource.keyMember)\":".utf8
        bytes += text.bytes
        bytes.append(UInt8(ascii: "}"))
        writer.raw(bytes)
        records.append(start..<writer.bytes.count)
        writer.endLine()
    }

    /// Adds a line that is no record that can be moved.
    mutating func reject(line number: Int, _ reason: String, bytes: ArraySlice<UInt8>) {
        malformed.append(
            MalformedRecord(locator: "line \(number) of the tap", reason: reason, bytes: Array(bytes)))
    }

    consuming func page(next: Cursor?) -> Page {
        Page(bytes: writer.bytes, records: records, next: next, malformed: malformed)
    }
}
