// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel

/// A record that was refused, with the reason: a line of a rejects chunk.
///
/// `{"stage":"load","n":12,"id":"512","code":"MZ-PICK-01","fields":["LeadSource"],"reason":…,"vendor_code":…,
/// "vendor_text":…,"record":{…}}`, with the references and the provenance of a ready line where there are any. The record is what the stage had in hand: the source's record in the transform stage, the ready line
/// in the load stage.
package struct RejectLine: Sendable {
    package var stage: Stage
    package var ordinal: Int
    package var sourceID: String
    package var rejection: Rejection
    /// The record, a JSON object.
    package var record: [UInt8]
    /// The references that the record would have been loaded with, so that correcting it does not cost its links.
    package var references: [ReadyLine.Reference]
    package var provenance: RecordProvenance

    package init(
        stage: Stage, ordinal: Int, sourceID: String, rejection: Rejection, record: [UInt8],
        references: [ReadyLine.Reference] = [], provenance: RecordProvenance = RecordProvenance()
    ) {
        self.stage = stage
        self.ordinal = ordinal
        self.sourceID = sourceID
        self.rejection = rejection
        self.record = record
        self.references = references
        self.provenance = provenance
    }

    /// Appends the line with its line end.
    package func append(to lines: inout [UInt8]) {
        var writer = JSONWriter(capacity: record.count + 128)
        writer.beginObject()
        writer.key("stage")
        writer.string(stage.rawValue)
        writer.key("n")
        writer.int(ordinal)
        writer.key("id")
        writer.string(sourceID)
        writer.key("code")
        writer.string(rejection.code.description)
        writer.key("fields")
        writer.beginArray()
        for field in rejection.fields { writer.string(field) }
        writer.endArray()
        if let reason = rejection.reason {
            writer.key("reason")
            writer.string(reason)
        }
        if let vendorCode = rejection.vendorCode {
            writer.key("vendor_code")
            writer.string(vendorCode)
        }
        if let vendorText = rejection.vendorText {
            writer.key("vendor_text")
            writer.string(vendorText)
        }
        provenance.write(to: &writer)
        ReadyLine.write(references, to: &writer)
        writer.key("record")
        writer.raw(record)
        writer.endObject()
        lines += writer.bytes
        lines.append(UInt8(ascii: "\n"))
    }

    /// What a person is shown of a line, and what a retry needs.
    package struct Parsed: Sendable {
        package var ordinal: Int
        package var sourceID: String
        package var code: String
        package var fields: [String]
        package var reason: String?
        package var vendorCode: String?
        package var vendorText: String?
        package var stage: Stage
        package var record: [UInt8]
        package var references: [ReadyLine.Reference]
        package var provenance: RecordProvenance
    }

    /// Reads a line; `index` is a reusable index without nested fields.
    package static func parse(
        _ line: UnsafeBufferPointer<UInt8>, with index: inout RecordIndex
    ) throws(MigratezError) -> Parsed {
        try index.indexLine(line)
        guard let stage = Stage(rawValue: try index.required("stage", in: line)), let record = index.topLevel("record")
        else { throw MigratezError(.chunkCorrupt, "a line of a rejects chunk is incomplete") }
        var references = ReferenceReader()
        let fields = index.topLevel("fields")
            .map { JSONValue(validated: UnsafeBufferPointer(rebasing: line[$0.range])).elements.compactMap(\.text) }
        return Parsed(
            ordinal: try index.requiredNumber("n", in: line), sourceID: try index.required("id", in: line),
            code: try index.required("code", in: line), fields: fields ?? [],
            reason: index.topLevel("reason").map { JSONText.string($0, of: line) },
            vendorCode: index.topLevel("vendor_code").map { JSONText.string($0, of: line) },
            vendorText: index.topLevel("vendor_text").map { JSONText.string($0, of: line) }, stage: stage,
            record: Array(line[record.range]), references: try references.references(index.topLevel("refs"), in: line),
            provenance: try RecordProvenance(
                formerIDs: index.topLevel("was"), modified: index.topLevel("at"), in: line))
    }
}
