// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel

/// A link as a line of a raw chunk: `{"from":"1","to":"2","primary":true,"label":"Billing contact"}`, where `primary`
/// and `label` are there only if set.
package enum EdgeLine {
    /// Appends the line with its line end.
    package static func append(_ edge: Edge, to lines: inout [UInt8]) {
        var writer = JSONWriter(capacity: 64)
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
        lines += writer.bytes
        lines.append(UInt8(ascii: "\n"))
    }

    /// The link of a line; `index` is a reusable index without nested fields.
    package static func parse(
        _ line: UnsafeBufferPointer<UInt8>, with index: inout RecordIndex
    ) throws(MigratezError) -> Edge {
        try index.indexLine(line)
        return Edge(
            from: try index.required("from", in: line), to: try index.required("to", in: line),
            isPrimary: index.topLevel("primary")?.kind == .true,
            label: index.topLevel("label").map { index.string($0, in: line) })
    }
}

extension RecordIndex {
    /// Indexes a line that this program wrote; anything wrong with it is damage.
    package mutating func indexLine(_ line: UnsafeBufferPointer<UInt8>) throws(MigratezError) {
        do { try index(line) } catch { throw error.error(.chunkCorrupt, in: "a line of a staged chunk") }
    }

    /// The text of a member that such a line always has.
    package func required(_ name: String, in line: UnsafeBufferPointer<UInt8>) throws(MigratezError) -> String {
        guard let slice = topLevel(name) else {
            throw MigratezError(.chunkCorrupt, "a line of a staged chunk has no '\(name)'")
        }
        return string(slice, in: line)
    }

    /// The number of a member that such a line always has.
    package func requiredNumber(_ name: String, in line: UnsafeBufferPointer<UInt8>) throws(MigratezError) -> Int {
        guard let number = Int(try required(name, in: line)) else {
            throw MigratezError(.chunkCorrupt, "'\(name)' of a line of a staged chunk is not a number")
        }
        return number
    }

    /// The text of the record's id; `nil` if it has none, or an empty one.
    package func sourceID(_ layout: RecordLayout, in line: UnsafeBufferPointer<UInt8>) -> String? {
        guard let slice = topLevel(layout.id), slice.kind == .string || slice.kind == .number, !slice.isBlank else {
            return nil
        }
        return string(slice, in: line)
    }
}
