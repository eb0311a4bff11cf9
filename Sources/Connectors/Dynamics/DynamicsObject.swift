// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What a pipeline calls an object: a table by its logical name, or `file`, the notes that have a document.
///
/// A note has a text, a document or both, in one row of `annotation` (Microsoft Learn, "Use file data with Attachment and
/// Note records"). As `annotation` it is read for its text, as `file` for its document: a note that is a document and
/// nothing else is no `annotation`.
struct DynamicsObject: Sendable {
    /// The object whose records have content.
    static let fileName = "file"
    /// The column that holds a document, in base 64. It is never read or written along with the others.
    static let documentColumn = "documentbody"
    private static let noteTable = "annotation"

    let name: String
    let table: String
    /// Which rows of the table are meant; `nil` = all.
    let filter: String?

    init(_ name: String) {
        self.name = name
        switch name {
        case Self.fileName: (table, filter) = (Self.noteTable, "isdocument eq true")
        case Self.noteTable: (table, filter) = (name, "isdocument eq false or notetext ne null")
        default: (table, filter) = (name, nil)
        }
    }

    var isFile: Bool { name == Self.fileName }
}
