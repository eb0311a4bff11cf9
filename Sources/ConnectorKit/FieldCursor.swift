// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON

/// Goes through the fields of a row, which is one JSON object that the transform stage wrote.
///
/// Finds where each value begins and ends, so that it can be sent as it stands, and builds nothing.
package struct FieldCursor {
    /// One field of the row.
    package struct Field {
        /// The name in its quotes.
        package var name: Range<Int>
        package var value: JSONSlice
    }

    private let row: UnsafeBufferPointer<UInt8>
    private var position: Int

    /// Stands before the first field of the object in `row`, which must be valid JSON.
    package init(_ row: UnsafeBufferPointer<UInt8>) {
        self.row = row
        position = (row.firstIndex(of: UInt8(ascii: "{")) ?? row.endIndex) + 1
    }

    /// The next field; `nil` after the last one.
    package mutating func next() -> Field? {
        guard let nameStart = index(of: UInt8(ascii: "\""), orEnd: UInt8(ascii: "}")) else { return nil }
        let nameEnd = JSONScanner.skipValue(row, from: nameStart)
        var start = nameEnd
        while start < row.count, isSpace(row[start]) || row[start] == UInt8(ascii: ":") { start += 1 }
        guard start < row.count else { return nil }
        let end = JSONScanner.skipValue(row, from: start)
        position = end
        return Field(name: nameStart..<nameEnd, value: JSONSlice(range: start..<end, kind: kind(of: row[start])))
    }

    /// Whether the field has one of these names, given as UTF-8.
    package func isNamed(_ field: Field, anyOf names: [[UInt8]]) -> Bool {
        let name = UnsafeBufferPointer(rebasing: row[field.name.dropFirst().dropLast()])
        if names.contains(where: { $0.count == name.count && name.elementsEqual($0) }) { return true }
        guard name.contains(UInt8(ascii: "\\")) else { return false }
        return names.contains(Array(self.name(of: field).utf8))
    }

    /// The name of a field, decoded.
    package func name(of field: Field) -> String {
        JSONText.string(JSONSlice(range: field.name, kind: .string), of: row)
    }

    /// Where `wanted` stands next; `nil` if `end` or the end of the bytes comes first.
    private func index(of wanted: UInt8, orEnd end: UInt8) -> Int? {
        var index = position
        while index < row.count {
            if row[index] == wanted { return index }
            if row[index] == end { return nil }
            index += 1
        }
        return nil
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private func kind(of first: UInt8) -> JSONSlice.Kind {
        switch first {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"): .true
        case UInt8(ascii: "f"): .false
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }
}
