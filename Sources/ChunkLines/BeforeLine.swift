// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel

/// What a record of the destination held before the run changed it: a line of a before chunk.
///
/// `{"n":12,"id":"0035…","fields":{"Phone":null}}`: exactly the fields that the run is about to write, with the values
/// that the destination gave.
package struct BeforeLine: Sendable, Equatable {
    /// The ordinal of the record that changes it, in the stream of the chunk.
    package var ordinal: Int
    /// The destination's id.
    package var targetID: String
    /// A JSON object.
    package var fields: [UInt8]

    package init(ordinal: Int, targetID: String, fields: [UInt8]) {
        self.ordinal = ordinal
        self.targetID = targetID
        self.fields = fields
    }

    /// Appends the line with its line end.
    package func append(to lines: inout [UInt8]) {
        var writer = JSONWriter(capacity: fields.count + 64)
        writer.beginObject()
        writer.key("n")
        writer.int(ordinal)
        writer.key("id")
        writer.string(targetID)
        writer.key("fields")
        writer.raw(fields)
        writer.endObject()
        lines += writer.bytes
        lines.append(UInt8(ascii: "\n"))
    }

    /// Reads a line; `index` is a reusable index without nested fields.
    package init(_ line: UnsafeBufferPointer<UInt8>, with index: inout RecordIndex) throws(MigratezError) {
        try index.indexLine(line)
        ordinal = try index.requiredNumber("n", in: line)
        targetID = try index.required("id", in: line)
        guard let slice = index.topLevel("fields"), slice.kind == .object else {
            throw MigratezError(.chunkCorrupt, "a line of a before chunk has no fields")
        }
        fields = Array(line[slice.range])
    }
}
