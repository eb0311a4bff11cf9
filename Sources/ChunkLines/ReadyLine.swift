// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel

/// A record or link as the destination will get it: a line of a ready chunk.
///
/// `{"n":12,"id":"512","fields":{…},"refs":[{"field":"AccountId","to":"company","missing":"empty","link":"contact-to-company","n":5,"edge":12}]}`;
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

    /// Appends the line with its line end.
    package func append(to lines: inout [UInt8]) {
        var writer = JSONWriter(capacity: fields.count + 64 + references.count * 96)
        write(to: &writer)
        lines += writer.bytes
    }

    /// Writes the line with its line end.
    package func write(to writer: inout JSONWriter) {
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
        writer.endLine()
    }

    /// The ordinal and the source's id, as it stands in the line. They come first, and the rest is not read.
    package static func head(
        _ line: UnsafeBufferPointer<UInt8>
    ) throws(MigratezError) -> (ordinal: Int, id: JSONSlice) {
        var written = WrittenLine(line)
        if written.skip(#"{"n":"#), let ordinal = written.number(), written.skip(#","id":"#),
            let id = written.string()
        {
            return (ordinal, id)
        }
        let record = JSONSlice(range: 0..<line.count, kind: .object)
        guard let ordinal = record.firstMember("n", in: line)?.integer(in: line),
            let id = record.firstMember("id", in: line)
        else { throw MigratezError(.chunkCorrupt, "a line of a ready chunk has no ordinal or no id") }
        return (ordinal, id)
    }
}

/// Reads the lines of ready chunks; one reader for many lines allocates nothing but what the lines hold.
package struct ReadyLineReader: ~Copyable {
    private var references = ReferenceReader()

    package init() {}

    /// The record of a line.
    package mutating func read(_ line: UnsafeBufferPointer<UInt8>) throws(MigratezError) -> ReadyLine {
        let members = Members(line)
        guard let ordinal = members.ordinal?.integer(in: line), let id = members.id, let fields = members.fields,
            fields.kind == .object
        else { throw MigratezError(.chunkCorrupt, "a line of a ready chunk is incomplete") }
        return ReadyLine(
            ordinal: ordinal, sourceID: JSONText.string(id, of: line),
            tag: members.tag.map { JSONText.string($0, of: line) },
            fields: Array(UnsafeBufferPointer(rebasing: line[fields.range])),
            references: try references.references(members.references, in: line),
            provenance: try RecordProvenance(formerIDs: members.formerIDs, modified: members.modified, in: line))
    }

    /// Where the members of a line are. There are a handful: looking at each is quicker than an index.
    private struct Members {
        var ordinal: JSONSlice?
        var id: JSONSlice?
        var tag: JSONSlice?
        var formerIDs: JSONSlice?
        var modified: JSONSlice?
        var fields: JSONSlice?
        var references: JSONSlice?

        init(_ line: UnsafeBufferPointer<UInt8>) {
            JSONSlice(range: 0..<line.count, kind: .object).forEachMember(in: line) { set($0, value: $1) }
        }

        private mutating func set(_ name: UnsafeBufferPointer<UInt8>, value: JSONSlice) {
            if name.isEqual(to: "n") {
                ordinal = value
            } else if name.isEqual(to: "id") {
                id = value
            } else if name.isEqual(to: "fields") {
                fields = value
            } else if name.isEqual(to: "refs") {
                references = value
            } else if name.isEqual(to: "tag") {
                tag = value
            } else if name.isEqual(to: "was") {
                formerIDs = value
            } else if name.isEqual(to: "at") {
                modified = value
            }
        }
    }
}
