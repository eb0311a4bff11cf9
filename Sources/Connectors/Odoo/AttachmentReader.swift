// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Reads the content of attachments.
///
/// The server gives it as base 64 within the JSON of a record, which is decoded as it arrives. `/web/content/{id}` would
/// give the bytes themselves, but takes a session of the web client's and no API key (odoo/odoo,
/// `addons/web/controllers/binary.py`: `auth="public"`), and so would work for public files only.
struct AttachmentReader: Sendable {
    let client: OdooClient

    /// - Throws: `Rejection(.contentUnavailable)` if there is no such attachment, or the user may not read it.
    func read(_ object: OdooObject, id: String, piece: ([UInt8]) async throws -> Void) async throws {
        guard let field = object.contentField else {
            throw MigratezError(
                .notSupported, "records of \(object.name) have no content", remedy: .fixConfiguration,
                hint: "take the key content of the object out of the pipeline file")
        }
        let missing = Rejection(.contentUnavailable, reason: "there is no such attachment")
        guard Int64(id) != nil else { throw missing }
        let call = OdooClient.Call(object.model, "read", on: [id], [.init("fields", [.string(field)])])
        do {
            guard try await client.stream(call, field, piece: piece) else { throw missing }
        } catch let error as MigratezError where error.code == .permissionMissing || error.code == .recordDeleted {
            throw Rejection(.contentUnavailable, vendorCode: error.callRefused?.exception)
        }
    }
}
