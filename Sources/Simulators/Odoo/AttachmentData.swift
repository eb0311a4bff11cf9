// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// The contents of attachments, in base 64, apart from the records that have them: lists would be slow otherwise.
///
/// Source: odoo/odoo, `odoo/addons/base/models/ir_attachment.py`: `datas` is computed from what lies in the file store, and
/// writing it sets `file_size` and `checksum`. The checksum here is a number of 64 bits and no SHA-1.
struct AttachmentData {
    static let model = "ir.attachment"
    static let field = "datas"
    /// In an attachment of the synthetic CRM's: which file it is. Its content is computed, not stored.
    static let syntheticFile = "~file"
    private static let object = "ir_filestore"
    static let objects = [DocumentStore.Object(object, unique: ["record"])]

    let environment: Environment

    private var session: DocumentSession { environment.session }

    /// The text of an attachment's content; `nil` if it is empty.
    func text(of attachment: StoredDocument) throws -> String? {
        if let index = attachment.document[Self.syntheticFile]?.int, let crm = environment.crm {
            let file = crm.file(at: index)
            return file.size == 0 ? nil : Base64.encoded(file.bytes(0..<file.size))
        }
        return try stored(attachment.id)?.document["text"]?.text
    }

    /// Takes the content out of values that are to be stored.
    static func taken(from members: inout [JSONValue.Member]) -> JSONValue? {
        guard let place = members.firstIndex(where: { $0.key == field }) else { return nil }
        return members.remove(at: place).value
    }

    /// What an attachment says of its content.
    static func marks(of text: JSONValue) throws -> [JSONValue.Member] {
        guard let text = text.text else {
            return [.init("file_size", .null), .init("checksum", .null), .init(syntheticFile, .null)]
        }
        guard let bytes = Base64.decoded(text) else { throw OdooFailure.value("Incorrect padding") }
        return [
            .init("file_size", .number(String(bytes.count))), .init("checksum", .string(checksum(bytes))),
            .init(syntheticFile, .null),
        ]
    }

    func put(_ text: JSONValue, of id: Int64) throws {
        try remove(id)
        guard let text = text.text else { return }
        try session.insert(
            Self.object, ["record": .number(String(id)), "text": .string(text)], at: environment.now)
    }

    func remove(_ id: Int64) throws {
        if let old = try stored(id) { try session.erase(Self.object, old.id) }
    }

    private func stored(_ id: Int64) throws -> StoredDocument? {
        try session.documents(Self.object, where: .member("record", .equals, .number(String(id))), limit: 1).first
    }

    /// FNV-1a of 64 bits.
    static func checksum(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return String(hash, radix: 16)
    }
}
