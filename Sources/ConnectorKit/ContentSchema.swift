// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// That records of an object have content: bytes beside their fields, a file.
package struct ContentSchema: Sendable, Codable, Hashable {
    /// The field that takes the bytes, or that they are read from. It is never among the fields that are read with
    /// records.
    package var field: String
    /// The most bytes of one file that a destination takes; `nil` = no limit known.
    package var bytesMax: ByteCount?
    /// Of a source: the field that tells how many bytes a record's content has, if there is one.
    package var sizeField: String?
    /// Of a source: fields of which at least one changes whenever the content does (a checksum; a size and a time). A run
    /// that goes on from an earlier one does not read the content again while they are the same; empty = it always does.
    package var versionFields: [String]

    package init(
        field: String, bytesMax: ByteCount? = nil, sizeField: String? = nil, versionFields: [String] = []
    ) {
        self.field = field
        self.bytesMax = bytesMax
        self.sizeField = sizeField
        self.versionFields = versionFields
    }
}
