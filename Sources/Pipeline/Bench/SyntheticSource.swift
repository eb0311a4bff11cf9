// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// A source that makes records up in the form of another one's, so that a pipeline can be measured without reading any.
///
/// Of that other source only the schema is known, and the people are asked. Every run makes the same records: values of the
/// fields' kinds, one record in twenty with the mail address and phone of the one before (for rules about duplicates),
/// and of each record one link of each kind.
struct SyntheticSource: SourceDecorator {
    let inner: any Source
    let records: Int
    private let schemas: [StreamName: ObjectSchema]
    private let people: [Person]
    private static let pageRecords = 100

    /// - Parameter records: how many of each object.
    init(like inner: any Source, _ schemas: [StreamName: ObjectSchema], records: Int) async throws {
        self.inner = inner
        self.records = records
        self.schemas = schemas
        people = try await inner.people()
    }

    func identity() async throws -> String { "synthetic records" }
    func count(of object: StreamName) async throws -> Int? { records }
    func estimatedCount(of object: StreamName) async throws -> Int? { records }
    func people() async throws -> [Person] { people }

    /// Cursors are numbers of records.
    func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let start = cursor.flatMap { Int($0.text) } ?? 0
        let end = min(start + Self.pageRecords, records)
        return page(of: object, fields, start..<end, next: end < records ? Cursor(String(end)) : nil)
    }

    func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        var whole = Page(bytes: [], records: [], next: nil)
        for number in ids.compactMap({ Int($0) }) where (0..<records).contains(number) {
            let part = page(of: object, fields, number..<number + 1, next: nil)
            let offset = whole.bytes.count
            whole.records += part.records.map { ($0.lowerBound + offset)..<($0.upperBound + offset) }
            whole.bytes += part.bytes
        }
        return whole
    }

    func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        records.compactMap { record in
            Int(record.id).map { Edge(from: record.id, to: String(Self.mixed($0) % self.records), isPrimary: true) }
        }
    }

    private func page(of object: StreamName, _ fields: [String], _ numbers: Range<Int>, next: Cursor?) -> Page {
        let layout = inner.layout(of: object)
        let schema = schemas[object]
        var names: [String] = []
        for name in fields + [layout.modified].compactMap({ $0 }) where name != layout.id && !names.contains(name) {
            names.append(name)
        }
        let known = names.map { ($0, schema?.field($0)) }
        var writer = JSONWriter()
        var page = Page(bytes: [], records: [], next: next)
        for number in numbers {
            writer.removeAll()
            writer.beginObject()
            writer.key(layout.id)
            writer.string(String(number))
            if let nested = layout.fields {
                writer.key(nested)
                writer.beginObject()
            }
            for (name, field) in known {
                writer.key(name)
                writer.string(value(of: name, field, number))
            }
            if layout.fields != nil { writer.endObject() }
            writer.endObject()
            page.records.append(page.bytes.count..<page.bytes.count + writer.bytes.count)
            page.bytes += writer.bytes
        }
        return page
    }

    private func value(of name: String, _ field: FieldSchema?, _ number: Int) -> String {
        // One in twenty is the same person as the one before.
        let person = number % 20 == 19 ? number - 1 : number
        let mixed = Self.mixed(number &+ name.utf8.count)
        if name.contains("owner"), !people.isEmpty { return people[mixed % people.count].id }
        switch field?.kind ?? .text {
        case .email: return "person\(person)@example.test"
        case .phone: return "+1415555" + String(String(10_000 + person % 10_000).dropFirst())
        case .url: return "https://example.test/\(number)"
        case .bool: return mixed.isMultiple(of: 2) ? "true" : "false"
        case .integer, .reference, .id: return String(mixed % 10_000)
        case .decimal: return "\(mixed % 100_000).\(10 + mixed % 90)"
        case .date: return "20\(10 + mixed % 15)-0\(1 + mixed % 9)-1\(mixed % 10)"
        case .dateTime: return "20\(10 + mixed % 15)-0\(1 + mixed % 9)-1\(mixed % 10)T0\(mixed % 10):15:30.250Z"
        case .time: return "0\(mixed % 10):15:30"
        case .choice, .choices:
            let options = field?.options.filter(\.isActive) ?? []
            return options.isEmpty ? "choice \(mixed % 8)" : options[mixed % options.count].value
        case .longText: return String(repeating: "A sentence about number \(number). ", count: 8)
        case .text, .binary, .other:
            return name.contains("mail") ? "person\(person)@example.test" : "\(name) \(mixed % 100_000)"
        }
    }

    /// As good as chance, the same every time, and never negative (SplitMix64's finalizer).
    private static func mixed(_ number: Int) -> Int {
        var z = UInt64(bitPattern: Int64(number)) &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) >> 1)
    }
}
