// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes files, each in a request of two parts: the fields, and the bytes as they come.
///
/// The first version of a document carries our key, in a field as other objects have it: a `ContentVersion` may have custom
/// fields, and external ids among them. So a request that was lost is sent again: what it had written answers
/// `DUPLICATE_VALUE`. A file that is there already gets a version more if its bytes are others.
///
/// Source: REST API Developer Guide, "Insert or Update Blob Data"; Object Reference, "ContentVersion" (a version is added by
/// `ContentDocumentId`; the first one makes its document, whose id is read afterwards). An empty file is refused as if it had
/// no bytes at all (douglascayers/sfdc-convert-attachments-to-chatter-files, issue 44).
struct FileWriter: Sendable {
    private static let contentField = "VersionData"

    let collections: CollectionWriter

    private var api: SalesforceAPI { collections.api }

    /// Writes the rows; each receipt carries the id of the document.
    func write(_ rows: [Batch.Row]) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        for row in rows {
            if let document = row.targetID {
                receipts.append(try await update(row, document: document))
            } else {
                receipts.append(try await insert(row))
            }
        }
        return receipts
    }

    // MARK: A new file

    private func insert(_ row: Batch.Row) async throws -> Receipt {
        guard let content = row.content else {
            return Receipt(
                key: row.key, result: .rejected(Rejection(.requiredFieldMissing, fields: [Self.contentField])))
        }
        let metadata = try await collections.catalog.metadata(of: SalesforceFile.object)
        let started = collections.clock.now
        let record = try await record(row, metadata, leavesOut: [], isStamped: metadata.hasStamp)
        switch try await post(record, content, isKeyed: metadata.hasStamp) {
        case .created(let version):
            return Receipt(key: row.key, result: .created(id: try await document(ofVersion: version)))
        case .refused(let refusals, let repeats) where collections.isOurDuplicate(refusals):
            let lookup = RecordLookup(api: api, stampField: collections.settings.stampField)
            guard let found = try await lookup.stamped([row.key], object: SalesforceFile.object)[row.key],
                let document = found.documentID
            else {
                return Receipt(
                    key: row.key, result: .rejected(Rejection(.duplicate, vendorCode: "DUPLICATE_VALUE")))
            }
            // The clocks may differ by five minutes, as with other objects.
            if repeats > 0, let created = found.created, created >= started.advanced(by: .seconds(-300)) {
                return Receipt(key: row.key, result: .created(id: document))
            }
            return try await update(row, document: document)
        case .refused(let refusals, _):
            return Receipt(key: row.key, result: .rejected(Self.rejection(refusals)))
        }
    }

    // MARK: A file that is there

    private func update(_ row: Batch.Row, document: String) async throws -> Receipt {
        guard let latest = try await latest(of: document) else {
            return Receipt(key: row.key, result: .rejected(Rejection(.recordDeleted)))
        }
        let metadata = try await collections.catalog.metadata(of: SalesforceFile.object)
        if let content = row.content, try await !isHeld(content, by: latest) {
            // What is fixed by the first version is not said again, and the key stays where it is.
            let fixed = metadata.fixedFields.subtracting(["PathOnClient"])
            let fields = try await self.record(row, metadata, leavesOut: fixed, isStamped: false)
            let record = Batch.Row(key: row.key, fields: fields).adding(SalesforceFile.document, document).fields
            if case .refused(let refusals, _) = try await post(record, content, isKeyed: true) {
                return Receipt(key: row.key, result: .rejected(Self.rejection(refusals)))
            }
            return Receipt(key: row.key, result: .updated(id: document))
        }
        var change = row
        change.targetID = latest.version
        change.content = nil
        change.references = []
        let request = CollectionRequest(
            object: SalesforceFile.object, operation: .update,
            leavesOut: metadata.leftOut(of: .update).union(["PathOnClient"]))
        let receipts = try await collections.receipts([change], request)
        guard case .updated? = receipts.first?.result else {
            return receipts.first ?? Receipt(key: row.key, result: .rejected(Rejection(.ruleViolated)))
        }
        return Receipt(key: row.key, result: .updated(id: document))
    }

    /// Whether the document holds these very bytes.
    private func isHeld(_ content: RowContent, by latest: (version: String, bytes: Int?)) async throws -> Bool {
        guard latest.bytes == content.bytes else { return false }
        var digest = SHA256()
        try await FileContent(api: api).read(
            SalesforceFile.object, id: latest.version, field: Self.contentField, bytes: nil
        ) { digest.update($0) }
        return digest.finish() == content.sha256
    }

    /// The latest version of a document, and its size; `nil` if there is no such document.
    func latest(of document: String) async throws -> (version: String, bytes: Int?)? {
        guard SalesforceID.isID(document) else { return nil }
        var latest: (version: String, bytes: Int?)?
        try await api.query(
            "SELECT Id,ContentSize FROM \(SalesforceFile.object) WHERE IsLatest = true AND ContentDocumentId = "
                + SOQL.literal(document)
        ) { record in
            if let id = record["Id"]?.text { latest = (SalesforceID.canonical(id), record["ContentSize"]?.int) }
        }
        return latest
    }

    private func document(ofVersion version: String) async throws -> String {
        var document: String?
        try await api.query(
            "SELECT ContentDocumentId FROM \(SalesforceFile.object) WHERE Id = " + SOQL.literal(version)
        ) { record in document = record["ContentDocumentId"]?.text.map(SalesforceID.canonical) }
        guard let document else {
            throw MigratezError(
                .brokenResponse, "a file was created and cannot be read back", remedy: .retry(after: nil))
        }
        return document
    }

    // MARK: One request

    /// What the platform says of a version: its id, or what is against it and how often it was asked before.
    private enum Answer {
        case created(String)
        case refused([SalesforceRefusal], Int)
    }

    private func record(
        _ row: Batch.Row, _ metadata: ObjectMetadata, leavesOut: Set<String>, isStamped: Bool
    ) async throws -> [UInt8] {
        let references = try await collections.catalog.references(
            of: [row], object: SalesforceFile.object, style: collections.settings.references,
            stampField: collections.settings.stampField)
        let request = CollectionRequest(
            object: SalesforceFile.object, operation: .insert,
            stampField: isStamped ? collections.settings.stampField : nil, leavesOut: leavesOut)
        return request.record(row, references: references(row).filter { !leavesOut.contains($0.column) })
    }

    /// Sends a version, and again if it was lost, the platform was busy, or a lock kept it out.
    ///
    /// - Parameter isKeyed: whether a second one does no harm.
    private func post(_ record: [UInt8], _ content: RowContent, isKeyed: Bool) async throws -> Answer {
        var repeats = 0
        while true {
            do {
                let answer = try await api.json(try await request(record, content))
                guard let id = answer["id"]?.text else {
                    throw MigratezError(
                        .brokenResponse, "a file was answered without an id", remedy: .retry(after: nil))
                }
                return .created(SalesforceID.canonical(id))
            } catch let error as MigratezError {
                if let refused = error.callRefused, [400, 404, 413].contains(refused.status) {
                    let refusals =
                        refused.refusals.isEmpty
                        ? [SalesforceRefusal(vendorCode: "EXCEEDED_MAX_SIZE_REQUEST", text: "")] : refused.refusals
                    if !refusals.nameLock {
                        guard error.remedy == .rejectRecord || refused.status == 413 else { throw error }
                        return .refused(refusals, repeats)
                    }
                    guard repeats < CollectionWriter.repeatsMax else { return .refused(refusals, repeats) }
                } else {
                    guard error.isSurelyNotSent || (isKeyed && error.mayPassAnew), repeats < CollectionWriter.repeatsMax
                    else { throw error }
                }
                repeats += 1
                try await collections.pause(repeats)
            }
        }
    }

    private func request(_ record: [UInt8], _ content: RowContent) async throws -> HTTPRequest {
        // The name that people see is `PathOnClient`; the part's own one only says that it is a file.
        let form = FormUpload(
            fields: [.init("entity_content", type: "application/json", record)], part: content.field,
            fileName: "content", content: content)
        return api.request(
            .post, "/sobjects/\(SalesforceFile.object)", contentType: form.contentType.value,
            body: try await form.body(), endpointClass: "content", isIdempotent: false, deadline: .seconds(3600))
    }

    private static func rejection(_ refusals: [SalesforceRefusal]) -> Rejection {
        var rejection = SalesforceRefusal.rejection(refusals)
        if ["EXCEEDED_MAX_SIZE_REQUEST", "REQUEST_ENTITY_TOO_LARGE"].contains(refusals.first?.vendorCode) {
            rejection.code = .contentTooLarge
            rejection.fields = [contentField]
        }
        return rejection
    }
}
