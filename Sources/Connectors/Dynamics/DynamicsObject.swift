// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What a pipeline calls an object: a table by its logical name, or `file`, the notes that have a document.
///
/// A note has a text, a document or both, in one row of `annotation` (Microsoft Learn, "Use file data with Attachment and
/// Note records"). As `annotation` it is read for its text, as `file` for its document: a note that is a document and
/// nothing else is no `annotation`. Attachments of e-mails are a table of their own; those of templates are not meant.
struct DynamicsObject: Sendable {
    /// The object of notes with a document.
    static let fileName = "file"

    let name: String
    let table: String
    /// Which rows of the table are meant; `nil` = all.
    let filter: String?
    /// How its records hold their content; `nil` if they have none.
    let document: DocumentForm?

    init(_ name: String) {
        self.name = name
        switch name {
        case Self.fileName: (table, filter, document) = (DocumentForm.note.table, "isdocument eq true", .note)
        case DocumentForm.note.table:
            (table, filter, document) = (name, "isdocument eq false or notetext ne null", nil)
        case DocumentForm.attachment.table:
            let code = TableMetadata.typeCode
            (table, filter, document) = (name, "\(code) eq 'email' or \(code) eq 'appointment'", .attachment)
        default: (table, filter, document) = (name, nil, nil)
        }
    }
}

/// A table whose records hold a file each, in base 64.
///
/// Source: Microsoft Learn, "Use file data with Attachment and Note records".
struct DocumentForm: Sendable, Equatable {
    let table: String
    let setName: String
    /// The column that holds the bytes. It is never read or written along with the others.
    let column: String
    /// What the messages about blocks are named after: `InitializeAnnotationBlocksUpload`.
    let word: String
    /// Whether blocks may take the place of a document that is there.
    let replacesByBlocks: Bool

    static let note = DocumentForm(
        table: "annotation", setName: "annotations", column: "documentbody", word: "Annotation", replacesByBlocks: true)
    static let attachment = DocumentForm(
        table: "activitymimeattachment", setName: "activitymimeattachments", column: "body", word: "Attachment",
        replacesByBlocks: false)

    var primaryID: String { table + "id" }
    var type: String { "Microsoft.Dynamics.CRM.\(table)" }
}
