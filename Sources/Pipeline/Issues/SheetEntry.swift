// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezJSON
import MigratezModel
import MigratezStaging

/// An entry of the sorts that bring edited rows into the order of records: which record it is, then what it carries.
///
/// Numbers are written big-endian, so that the sorter's byte order is that of rules, ordinals and lines.
struct SheetEntry: Sendable {
    /// The number of the correction rules.
    var rules: Int
    var ordinal: Int
    var line: Int
    /// The cells of the identity columns, then those that can be edited.
    var texts: [String]

    private static let headBytes = 24

    init(rules: Int, ordinal: Int, line: Int, texts: [String]) {
        self.rules = rules
        self.ordinal = ordinal
        self.line = line
        self.texts = texts
    }

    func append(to sorter: inout ExternalSorter) throws {
        let payload = JSONValue.array(texts.map { .string($0) }).serialized()
        try Self.append([rules, ordinal, line], payload, to: &sorter)
    }

    init(_ bytes: UnsafeRawBufferPointer) throws {
        (rules, ordinal, line) = (Self.number(bytes, 0), Self.number(bytes, 8), Self.number(bytes, 16))
        texts = try JSONValue(parsing: Array(bytes[Self.headBytes...]), limits: .page).elements.compactMap(\.text)
    }

    /// An entry that carries a ready line instead.
    ///
    /// - Parameter isNew: whether the record was never mapped before, so that it was not counted.
    static func append(_ line: ReadyLine, rules: Int, isNew: Bool, to sorter: inout ExternalSorter) throws {
        var payload: [UInt8] = []
        line.append(to: &payload)
        try append([rules, line.ordinal, isNew ? 1 : 0], Array(payload.dropLast()), to: &sorter)
    }

    static func readyLine(
        _ bytes: UnsafeRawBufferPointer, with index: inout RecordIndex
    ) throws -> (rules: Int, line: ReadyLine, isNew: Bool) {
        let payload = Array(bytes[headBytes...])
        let line = try payload.withUnsafeBufferPointer { try ReadyLine($0, with: &index) }
        return (number(bytes, 0), line, number(bytes, 16) == 1)
    }

    private static func append(_ head: [Int], _ payload: [UInt8], to sorter: inout ExternalSorter) throws {
        var entry: [UInt8] = []
        entry.reserveCapacity(headBytes + payload.count)
        for number in head { withUnsafeBytes(of: UInt64(number).bigEndian) { entry.append(contentsOf: $0) } }
        entry += payload
        try entry.withUnsafeBytes { try sorter.append($0) }
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int {
        Int(UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
}
