// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezJSON
import MigratezModel
import MigratezStaging
import MigratezTransform

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

    /// An entry that carries a ready line instead, behind a line about what there is to count of it.
    static func append(
        _ line: ReadyLine, counting change: CorrectedFields, rules: Int, to sorter: inout ExternalSorter
    ) throws {
        var payload = change.json.serialized()
        payload.append(newline)
        line.append(to: &payload)
        try append([rules, line.ordinal, 0], Array(payload.dropLast()), to: &sorter)
    }

    static func readyLine(
        _ bytes: UnsafeRawBufferPointer, with reader: inout ReadyLineReader
    ) throws -> (rules: Int, line: ReadyLine, change: CorrectedFields) {
        let payload = bytes[headBytes...]
        guard let end = payload.firstIndex(of: newline),
            let change = CorrectedFields(json: try JSONValue(parsing: Array(payload[..<end])))
        else { throw MigratezError(.internalError, "a corrected record was spilled in another form than this one") }
        let text = Array(payload[(end + 1)...])
        return (number(bytes, 0), try text.withUnsafeBufferPointer { try reader.read($0) }, change)
    }

    private static let newline = UInt8(ascii: "\n")

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

extension CorrectedFields {
    /// `{"marks":[field,event,…]}` or `{"filled":[field,…],"emptied":[field,…]}`
    fileprivate var json: JSONValue {
        func list(_ numbers: [Int]) -> JSONValue { .array(numbers.map { .number(String($0)) }) }
        switch self {
        case .new(let marks):
            var numbers: [Int] = []
            marks.forEach { numbers += [$0, $1.rawValue] }
            return .object([.init("marks", list(numbers))])
        case .mappedBefore(let filled, let emptied):
            return .object([.init("filled", list(filled)), .init("emptied", list(emptied))])
        }
    }

    fileprivate init?(json: JSONValue) {
        func list(_ name: String) -> [Int] { json[name]?.elements.compactMap(\.int) ?? [] }
        guard json["marks"] != nil else {
            self = .mappedBefore(filled: list("filled"), emptied: list("emptied"))
            return
        }
        let numbers = list("marks")
        var marks = MappingMarks()
        for place in stride(from: 0, to: numbers.count - 1, by: 2) {
            guard let event = MappingTally.Event(rawValue: numbers[place + 1]) else { return nil }
            marks.mark(event, field: numbers[place])
        }
        self = .new(marks)
    }
}
