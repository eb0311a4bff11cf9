// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// One answer of a source: some records as the source sent them, and where the next page begins.
package struct Page: Sendable {
    /// The bytes in which the records lie; valid JSON in valid UTF-8 where `records` point to.
    package var bytes: [UInt8]
    /// Each record's bytes within `bytes`: one JSON object each, in the source's order.
    package var records: [Range<Int>]
    /// Where the next page begins; `nil` after the last page.
    package var next: Cursor?
    /// Records of this page that could not be made into a JSON object at all (a file's line, for instance).
    package var malformed: [MalformedRecord]

    package init(bytes: [UInt8], records: [Range<Int>], next: Cursor?, malformed: [MalformedRecord] = []) {
        self.bytes = bytes
        self.records = records
        self.next = next
        self.malformed = malformed
    }
}

/// A place in a source to go on from; opaque to everyone but the connector that made it.
package struct Cursor: Hashable, Sendable, Codable {
    package var text: String
    package init(_ text: String) { self.text = text }
}

/// A record that the source holds but that cannot be read.
package struct MalformedRecord: Sendable {
    /// Where it is: an id, or `line 17`.
    package var locator: String
    /// What is wrong with it, without its values.
    package var reason: String
    /// Its bytes as they are, for the rejects chunk.
    package var bytes: [UInt8]

    package init(locator: String, reason: String, bytes: [UInt8]) {
        self.locator = locator
        self.reason = reason
        self.bytes = bytes
    }
}

/// Where in a source record the id and the fields are.
package struct RecordLayout: Sendable, Codable, Hashable {
    /// The member that holds the id (a string or a number).
    package var id: String
    /// The member whose members are the fields; `nil` if the fields are members of the record itself.
    /// A name that is not found there is looked up in the record itself (`archived`, `createdAt`).
    package var fields: String?
    /// The field that tells when the record was last changed, if there is one.
    package var modified: String?
    /// The field that lists, with `;` between them, the ids of records that were merged into this one.
    package var formerIDs: String?

    package init(id: String, fields: String? = nil, modified: String? = nil, formerIDs: String? = nil) {
        self.id = id
        self.fields = fields
        self.modified = modified
        self.formerIDs = formerIDs
    }
}

/// One link of a source, as it is staged: an edge between two records of known streams.
package struct Edge: Hashable, Sendable {
    /// Source id of the record that the link starts from.
    package var from: String
    /// Source id of the record that the link leads to.
    package var to: String
    /// The source calls this the primary one of its kind.
    package var isPrimary: Bool
    /// The user's own name for this link, if it has one; two labels between the same records are two edges.
    package var label: String?

    package init(from: String, to: String, isPrimary: Bool = false, label: String? = nil) {
        self.from = from
        self.to = to
        self.isPrimary = isPrimary
        self.label = label
    }
}
