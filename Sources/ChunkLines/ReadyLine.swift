// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel

/// A record or link as the destination will get it: a line of a ready chunk.
///
/// `{"n":12,"id":"512","fields":{…},"refs":[{"field":"AccountId","to":"company","n":5,"edge":12,"missing":"empty"}]}`;
/// a link that becomes a record has no id of its own but may have a `tag`, which tells it from others between the same
/// two records. `was` and `at` are its `RecordProvenance`.
package struct ReadyLine: Sendable {
    /// The ordinal in its stream.
    package var ordinal: Int
    /// The source's id; empty for a link.
    package var sourceID: String
    /// For a link: what tells it from others between the same two records.
    package var tag: String?
    package var provenance: RecordProvenance
    /// The destination's fields, a JSON object.
    package var fields: [UInt8]
    package var references: [Reference]

    package init(
        ordinal: Int, sourceID: String, tag: String? = nil, fields: [UInt8], references: [Reference] = [],
        provenance: RecordProvenance = RecordProvenance()
    ) {
        self.ordinal = ordinal
        self.sourceID = sourceID
        self.tag = tag
        self.fields = fields
        self.references = references
        self.provenance = provenance
    }

    /// A field that will hold the destination's id of another record of the run.
    package struct Reference: Sendable, Hashable {
        /// Empty for the record that a link becomes a field of.
        package var field: String
        /// The stream and the ordinal of the record that is pointed to.
        package var stream: StreamName
        package var ordinal: Int
        /// The stream and the ordinal of the link that this came from; `nil` for the ends of a link.
        package var link: StreamName?
        package var edge: Int?
        /// What to do if that record was not loaded.
        package var onMissing: String

        package init(
            field: String, stream: StreamName, ordinal: Int, link: StreamName? = nil, edge: Int? = nil,
            onMissing: String
        ) {
            self.field = field
            self.stream = stream
            self.ordinal = ordinal
            self.link = link
            self.edge = edge
            self.onMissing = onMissing
        }
    }

    /// Appends the line with its line end.
    package func append(to lines: inout [UInt8]) {
        var writer = JSONWriter(capacity: fields.count + 64 + references.count * 80)
        writer.beginObject()
        writer.key("n")
        writer.int(ordinal)
        writer.key("id")
        writer.string(sourceID)
        if let tag {
            writer.key("tag")
            writer.string(tag)
        }
        provenance.write(to: &writer)
        writer.key("fields")
        writer.raw(fields)
        Self.write(references, to: &writer)
        writer.endObject()
        lines += writer.bytes
        lines.append(UInt8(ascii: "\n"))
    }

    /// The record of a line; `index` is a reusable index without nested fields.
    package init(_ line: UnsafeBufferPointer<UInt8>, with index: inout RecordIndex) throws(MigratezError) {
        try index.indexLine(line)
        ordinal = try index.requiredNumber("n", in: line)
        sourceID = try index.required("id", in: line)
        tag = index.topLevel("tag").map { index.string($0, in: line) }
        provenance = try RecordProvenance(line, index)
        guard let slice = index.topLevel("fields"), slice.kind == .object else {
            throw MigratezError(.chunkCorrupt, "a line of a ready chunk has no fields")
        }
        fields = Array(line[slice.range])
        references = try Self.references(line, index)
    }

    /// Writes the member `refs`, if there are any.
    static func write(_ references: [Reference], to writer: inout JSONWriter) {
        guard !references.isEmpty else { return }
        writer.key("refs")
        writer.beginArray()
        for reference in references { reference.write(to: &writer) }
        writer.endArray()
    }

    /// The references of an indexed line.
    static func references(
        _ line: UnsafeBufferPointer<UInt8>, _ index: RecordIndex
    ) throws(MigratezError) -> [Reference] {
        guard let slice = index.topLevel("refs") else { return [] }
        var references: [Reference] = []
        for element in JSONValue(validated: UnsafeBufferPointer(rebasing: line[slice.range])).elements {
            references.append(try Reference(element))
        }
        return references
    }
}

extension ReadyLine.Reference {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("field")
        writer.string(field)
        writer.key("to")
        writer.string(stream.text)
        writer.key("n")
        writer.int(ordinal)
        if let link, let edge {
            writer.key("link")
            writer.string(link.text)
            writer.key("edge")
            writer.int(edge)
        }
        writer.key("missing")
        writer.string(onMissing)
        writer.endObject()
    }

    fileprivate init(_ value: JSONValue) throws(MigratezError) {
        guard
            let field = value["field"]?.text, let stream = value["to"]?.text.flatMap({ StreamName($0) }),
            let ordinal = value["n"]?.int, let onMissing = value["missing"]?.text
        else { throw MigratezError(.chunkCorrupt, "a reference in a ready chunk is incomplete") }
        self.init(
            field: field, stream: stream, ordinal: ordinal, link: value["link"]?.text.flatMap { StreamName($0) },
            edge: value["edge"]?.int, onMissing: onMissing)
    }
}
