// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
package import MigratezModel

/// Links that a record itself holds, in one of its fields.
package struct MemberLink: Sendable {
    /// The field with the id, or the ids, of linked records.
    package var field: String
    /// What stands between several ids in a text; `nil` = a text is one id.
    package var separator: String?

    package init(field: String, separator: String? = nil) {
        self.field = field
        self.separator = separator
    }

    /// The links of these records, in their order.
    ///
    /// A text is one id, or several with the separator between them; a number is an id; of an array each element counts.
    /// Empty texts and `null` are no links.
    ///
    /// - Parameter fields: the member that holds the fields; `nil` if they are members of the record itself.
    package func edges(
        of records: [(id: String, bytes: ArraySlice<UInt8>)], fields: String? = nil
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
                guard let slice = index.slice(field) else { return }
                let value = JSONValue(validated: UnsafeBufferPointer(rebasing: bytes[slice.range]))
                for id in linkedIDs(value, separator: separator) { edges.append(Edge(from: record.id, to: id)) }
            }
        }
        return edges
    }
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
