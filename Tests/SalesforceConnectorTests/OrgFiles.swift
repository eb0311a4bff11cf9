// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezTestKit

/// Files that an org is filled with.
enum OrgFiles {
    static let object = "ContentVersion"
    static let field = "VersionData"

    private static let stream = StreamName(object).unsafelyUnwrapped
    /// Small, one whole piece, and several; more of them than there are faults. None is empty: the platform takes no such
    /// file.
    private static let sizes = [1, 2, 1000, RowContent.pieceBytesMax, 300_001, 700_000]

    /// A file without its bytes.
    static func row(_ key: String) -> Batch.Row {
        Batch.Row(key, ["Title": "Ängebot", "PathOnClient": "Ängebot \"1\".bin"])
    }

    /// Writes the files, each with other bytes, and tells what must be read of them by the ids of their documents.
    static func fill(_ destination: SalesforceDestination) async throws -> ExpectedContents {
        var digests: [String: [UInt8]] = [:]
        for (number, size) in sizes.enumerated() {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8 &+ number) }
            let digest = SHA256.digest(of: bytes)
            var row = row("\(object)-\(number)")
            row.content = RowContent(field: field, sha256: digest, bytes)
            let receipts = try await destination.write(
                Batch(object: object, rows: [row]), by: destination.route(for: object, expectedRows: 1),
                intent: RecordedIntent())
            guard let id = receipts.first?.id else { throw MigratezError(.requestRefused, "\(receipts)") }
            digests[id] = digest
        }
        return ExpectedContents(stream, digests: digests)
    }
}
