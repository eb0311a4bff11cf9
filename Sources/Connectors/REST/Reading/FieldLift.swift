// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Puts values from inside a record beside its members, where everybody finds them by one name.
///
/// The value's bytes are copied as they are, to the end of the record: of two members of one name the last one counts.
struct FieldLift: Sendable {
    private struct Lifted: Sendable {
        var name: String
        var paths: RecordPaths
    }

    private var lifted: [Lifted] = []

    var isEmpty: Bool { lifted.isEmpty }

    /// - Parameter fields: the fields that are wanted, by name.
    init(_ object: ObjectPlan, fields: [String]) {
        if object.id.onlyMember == nil { add(object.idName, RecordPaths(paths: [object.id])) }
        var known: Set<String> = [object.idName]
        for name in fields + [object.modified].compactMap({ $0 }) where known.insert(name).inserted {
            if let paths = object.paths(of: name) { add(name, paths) }
        }
    }

    private mutating func add(_ name: String, _ paths: RecordPaths) { lifted.append(Lifted(name: name, paths: paths)) }

    /// Appends the record with its lifted values.
    ///
    /// - Parameter record: the whole object, valid JSON.
    func append(_ record: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        guard let start = root(of: record), start.kind == .object else { return bytes.append(contentsOf: record) }
        bytes.append(contentsOf: record[..<(start.range.upperBound - 1)])
        var isEmpty = record[(start.range.lowerBound + 1)..<(start.range.upperBound - 1)].allSatisfy { $0 <= 0x20 }
        for value in lifted {
            guard let slice = value.paths.first(in: record, from: start) else { continue }
            var name = JSONWriter()
            name.string(value.name)
            if !isEmpty { bytes.append(UInt8(ascii: ",")) }
            isEmpty = false
            bytes += name.bytes
            bytes.append(UInt8(ascii: ":"))
            bytes.append(contentsOf: record[slice.range])
        }
        bytes.append(UInt8(ascii: "}"))
    }
}

extension ObjectPlan {
    /// Where the field is in a record; `nil` = it is the member of that name.
    func paths(of name: String) -> RecordPaths? {
        if let field = fields.first(where: { $0.schema.name == name }) { return field.at }
        return discovery?.paths(of: name)
    }
}

extension DiscoveryPlan {
    /// Where a discovered field is, told from its name alone; `nil` = it is the member of that name.
    func paths(of field: String) -> RecordPaths? {
        guard !at.isEmpty, let value = name.value(in: field) else { return nil }
        let paths = at.compactMap { template in
            template.filled { _ in RecordPath.escaped(value) }.flatMap { RecordPath($0) }
        }
        return RecordPaths(paths: paths)
    }
}
