// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel

/// A link as a line of a raw chunk: `{"from":"1","to":"2","primary":true,"label":"Billing contact"}`, where `primary`
/// and `label` are there only if set.
package enum EdgeLine {
    /// Writes the line with its line end.
    package static func write(_ edge: Edge, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("from")
        writer.string(edge.from)
        writer.key("to")
        writer.string(edge.to)
        if edge.isPrimary {
            writer.key("primary")
            writer.bool(true)
        }
        if let label = edge.label {
            writer.key("label")
            writer.string(label)
        }
        writer.endObject()
        writer.endLine()
    }

    /// The parts of a line.
    package static func parse(_ line: UnsafeBufferPointer<UInt8>) throws(MigratezError) -> EdgeSlices {
        if let edge = written(line) { return edge }
        var (from, to, label): (JSONSlice?, JSONSlice?, JSONSlice?)
        var isPrimary = false
        // A line has two to four members: looking at each is quicker than an index.
        JSONSlice(range: 0..<line.count, kind: .object).forEachMember(in: line) { name, value in
            if name.isEqual(to: "from") {
                from = value
            } else if name.isEqual(to: "to") {
                to = value
            } else if name.isEqual(to: "primary") {
                isPrimary = value.kind == .true
            } else if name.isEqual(to: "label") {
                label = value
            }
        }
        guard let from, let to else {
            throw MigratezError(.chunkCorrupt, "a line of a staged chunk has no 'from' or no 'to'")
        }
        return EdgeSlices(from: from, to: to, isPrimary: isPrimary, label: label)
    }

    /// The parts of a line that is as `write` writes it, without escapes.
    private static func written(_ line: UnsafeBufferPointer<UInt8>) -> EdgeSlices? {
        var rest = WrittenLine(line)
        guard rest.skip(#"{"from":"#), let from = rest.string(), rest.skip(#","to":"#), let to = rest.string() else {
            return nil
        }
        let isPrimary = rest.skip(#","primary":true"#)
        var label: JSONSlice?
        if rest.skip(#","label":"#) {
            guard let text = rest.string() else { return nil }
            label = text
        }
        guard rest.skip("}"), rest.isAtEnd else { return nil }
        return EdgeSlices(from: from, to: to, isPrimary: isPrimary, label: label)
    }
}

/// Where the parts of a link lie in its line.
package struct EdgeSlices {
    package let from: JSONSlice
    package let to: JSONSlice
    package let isPrimary: Bool
    package let label: JSONSlice?
}

extension RecordIndex {
    /// Indexes a line that this program wrote; anything wrong with it is damage.
    package mutating func indexLine(_ line: UnsafeBufferPointer<UInt8>) throws(MigratezError) {
        do { try index(line) } catch { throw error.error(.chunkCorrupt, in: "a line of a staged chunk") }
    }

    /// The text of a member that such a line always has.
    package func required(_ name: String, in line: UnsafeBufferPointer<UInt8>) throws(MigratezError) -> String {
        string(try requiredSlice(name), in: line)
    }

    /// The value of a member that such a line always has.
    package func requiredSlice(_ name: String) throws(MigratezError) -> JSONSlice {
        guard let slice = topLevel(name) else {
            throw MigratezError(.chunkCorrupt, "a line of a staged chunk has no '\(name)'")
        }
        return slice
    }

    /// The number of a member that such a line always has.
    package func requiredNumber(_ name: String, in line: UnsafeBufferPointer<UInt8>) throws(MigratezError) -> Int {
        guard let number = try requiredSlice(name).integer(in: line) else {
            throw MigratezError(.chunkCorrupt, "'\(name)' of a line of a staged chunk is not a number")
        }
        return number
    }

    /// The text of the record's id; `nil` if it has none, or an empty one.
    package func sourceID(_ layout: RecordLayout, in line: UnsafeBufferPointer<UInt8>) -> String? {
        sourceIDSlice(layout).map { string($0, in: line) }
    }

    /// The record's id as it stands in the line; `nil` if it has none, or an empty one.
    package func sourceIDSlice(_ layout: RecordLayout) -> JSONSlice? {
        guard let slice = topLevel(layout.id), slice.kind == .string || slice.kind == .number, !slice.isBlank else {
            return nil
        }
        return slice
    }
}
