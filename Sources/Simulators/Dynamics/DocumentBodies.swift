// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// The documents of notes and attachments, in base 64, apart from the records that have them: lists would be slow otherwise.
///
/// Source: Microsoft Learn, "Use file data with Attachment and Note records".
struct DocumentBodies {
    /// The columns that hold them, and their tables.
    static let column = "documentbody"
    static let attachmentColumn = "body"
    static let columns: Set = [column, attachmentColumn]
    static let tables: Set = ["annotation", "activitymimeattachment"]
    /// In a note of the synthetic CRM's: which file it has. Its document is computed, not stored.
    static let syntheticFile = "~file"
    private static let object = "document_body"
    static let objects = [DocumentStore.Object(object, unique: ["record"])]

    let environment: Environment
    let session: DocumentSession

    /// The text of the note's document; `nil` if it has none, or an empty one.
    func text(of note: StoredDocument) throws -> String? {
        if let index = note.document[Self.syntheticFile]?.int, let crm = environment.crm {
            let file = crm.file(at: index)
            return file.size == 0 ? nil : Base64.encoded(file.bytes(0..<file.size))
        }
        guard let id = (note.document["annotationid"] ?? note.document["activitymimeattachmentid"])?.text else {
            return nil
        }
        return try stored(id)?.document["text"]?.text
    }

    /// Puts a text in the place of the document of a note, and says so in the note itself. `null` removes it.
    ///
    /// - Throws: `APIFailure` if the text is not base 64, or longer than the environment takes.
    func put(_ text: JSONValue, of id: String, on note: inout JSONValue, at now: Timestamp) throws {
        if let old = try stored(id) { try session.erase(Self.object, old.id) }
        note.set(Self.syntheticFile, to: nil)
        guard let text = text.text, !text.isEmpty else {
            note.set("filesize", to: note["isdocument"] == true || !Self.isNote(note) ? 0 : nil)
            return
        }
        // The limit is on the encoded text (Microsoft Learn, "Annotation (note) table").
        guard text.utf8.count <= environment.options.uploadBytesMax else { throw Self.tooLarge }
        guard let bytes = Base64.decoded(text) else {
            throw APIFailure.invalidArgument("Invalid length for a Base-64 char array or string.")
        }
        try insert(text, bytes.count, of: id, on: &note, at: now)
    }

    /// As `put`, of bytes that came in blocks.
    func put(_ bytes: [UInt8], of id: String, on note: inout JSONValue, at now: Timestamp) throws {
        guard bytes.count <= environment.options.uploadBytesMax else { throw Self.tooLarge }
        if let old = try stored(id) { try session.erase(Self.object, old.id) }
        note.set(Self.syntheticFile, to: nil)
        try insert(Base64.encoded(bytes), bytes.count, of: id, on: &note, at: now)
    }

    func remove(_ id: String) throws {
        if let old = try stored(id) { try session.erase(Self.object, old.id) }
    }

    private func insert(
        _ text: String, _ bytes: Int, of id: String, on note: inout JSONValue, at now: Timestamp
    ) throws {
        try session.insert(Self.object, ["record": .string(id), "text": .string(text)], at: now)
        if Self.isNote(note) { note.set("isdocument", to: true) }
        note.set("filesize", to: .number(String(bytes)))
    }

    private static func isNote(_ record: JSONValue) -> Bool { record["annotationid"] != nil }

    private func stored(_ id: String) throws -> StoredDocument? {
        try session.documents(Self.object, where: .member("record", .equals, .string(id)), limit: 1).first
    }

    private static let tooLarge = APIFailure(
        400, "0x80043e09",
        "The attachment is either not a valid type or is too large. It cannot be uploaded or downloaded.")
}
