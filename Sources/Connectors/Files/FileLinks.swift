// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// The links that records hold in a field of their own.
///
/// A text is one id, or several with the separator between them; a number is an id; of an array each element counts.
/// Empty texts and `null` are no links.
func linksInRecords(
    _ records: [(id: String, bytes: ArraySlice<UInt8>)], link: SourceFile.Link, fields: String?
) throws -> [Edge] {
    var index = RecordIndex(fields: fields)
    var edges: [Edge] = []
    for record in records {
        try record.bytes.withUnsafeBufferPointer { (bytes) throws(MigratezError) in
            do throws(JSONFailure) {
                try index.index(bytes)
            } catch {
                throw error.error(.malformedRecord, in: "record \(record.id)", remedy: .rejectRecord)
            }
            guard let slice = index.slice(link.field) else { return }
            let value = JSONValue(validated: UnsafeBufferPointer(rebasing: bytes[slice.range]))
            for id in linkedIDs(value, separator: link.separator) { edges.append(Edge(from: record.id, to: id)) }
        }
    }
    return edges
}

private func linkedIDs(_ value: JSONValue, separator: String?) -> [String] {
    switch value {
    case .array(let elements): elements.flatMap { linkedIDs($0, separator: nil) }
    case .number(let text): [text]
    case .string(let text):
        (separator.map { text.split(separator: $0) } ?? [text[...]])
            .map { trimmed($0) }.filter { !$0.isEmpty }
    case .null, .bool, .object: []
    }
}

private func trimmed(_ text: Substring) -> String {
    let start = text.drop { $0.isWhitespace }
    return String(start.reversed().drop { $0.isWhitespace }.reversed())
}
