// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Objects whose records are files.
///
/// A file is a document with versions. To a pipeline it goes by the name of its versions, `ContentVersion`, since these hold
/// fields and bytes, and by the id of the document, which stays the same and is the one that links need. `Attachment`, which
/// documents have taken the place of, is read only.
///
/// Source: Object Reference, "ContentVersion", "ContentDocument", "Attachment"; REST API Developer Guide, "Get Blob Data".
enum SalesforceFile {
    /// The name that a pipeline uses.
    static let object = ContentNote.storageObject
    static let attachment = "Attachment"
    /// The member with the id of the document.
    static let document = "ContentDocumentId"
    /// The latest versions of what is no note.
    static let filter = "IsLatest = true AND FileType != 'SNOTE'"

    /// What the platform takes of one version ("Insert or Update Blob Data").
    static let bytesMax = ByteCount.GiB(2)

    /// How content of the object is read; `nil` if it has none.
    static func content(of object: String) -> ContentSchema? {
        switch object {
        case Self.object:
            ContentSchema(field: "VersionData", sizeField: "ContentSize", versionFields: [RecordSelection.id])
        case attachment:
            ContentSchema(
                field: "Body", sizeField: "BodyLength", versionFields: ["BodyLength", RecordSelection.modified])
        default: nil
        }
    }

    /// The member by which a record of the object is known.
    static func idField(of object: String) -> String { object == Self.object ? document : RecordSelection.id }
}

/// Reads bytes of files as they arrive.
struct FileContent: Sendable {
    let api: SalesforceAPI

    /// - Parameters:
    ///   - id: of a record of `object`: of the version, not of its document.
    ///   - bytes: how many there must be, if that is known: an answer that is cut off with a right length looks whole.
    /// - Throws: `Rejection` if they are gone or refused; anything else is of the connection.
    func read(
        _ object: String, id: String, field: String, bytes expected: Int?, piece: ([UInt8]) async throws -> Void
    ) async throws {
        let request = api.request(
            .get, "/sobjects/\(object)/\(id)/\(field)", accept: "*/*", endpointClass: "content",
            deadline: .seconds(3600), responseBytesMax: .GiB(4))
        try await ContentDownload(api.http, request, expectedBytes: expected).run(piece: piece) { response in
            Self.refused(SalesforceAPI.error(response.status, response.body, of: request), field)
        }
    }

    /// What concerns this file alone is a rejection.
    private static func refused(_ error: MigratezError, _ field: String) -> any Error {
        guard let refused = error.callRefused, [400, 403, 404, 410].contains(refused.status) else { return error }
        switch refused.refusals.first?.rule.remedy {
        case .retry, .waitForQuota: return error
        default:
            return Rejection(
                .contentUnavailable, fields: [field], vendorCode: refused.refusals.first?.vendorCode,
                vendorText: refused.refusals.first?.text)
        }
    }
}
