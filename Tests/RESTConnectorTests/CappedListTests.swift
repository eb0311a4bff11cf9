// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezRESTConnector
import MigratezRESTSimulator
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

/// Vendors show only so many records of a list, so it is begun anew by the time of their creation.
struct `Lists that are capped` {
    private func ids(_ source: RESTSource, _ stream: String) async throws -> [String] {
        let object = try #require(StreamName(stream))
        var ids: [String] = []
        var cursor: Cursor?
        repeat {
            let page = try await source.readPage(of: object, fields: [], after: cursor)
            for range in page.records { ids.append(try JSONValue(parsing: Array(page.bytes[range]))["id"]?.text ?? "") }
            cursor = page.next
        } while cursor != nil
        return ids
    }

    @Test func `are read to their end, each record once`() async throws {
        try await VendorAccount.run(.copper, options: .init(depthMax: 60)) { account in
            let source = try account.source(["page_size": "20"]) {
                $0.replacing("records: 100000", with: "records: 60")
            }
            let found = try await ids(source, "contact")
            let live = account.crm.counts.contacts - account.crm.archivedCount(of: .contact)
            #expect(found.count == live && Set(found).count == live && live > 120)
        }
        try await VendorAccount.run(.close, options: .init(depthMax: 40)) { account in
            let source = try account.source(["page_size": "20"]) { $0.replacing("records: 2000", with: "records: 40") }
            for (stream, object) in [("note", CRMObject.note), ("deal", .deal)] {
                let found = try await ids(source, stream)
                let live = account.crm.counts[object] - account.crm.archivedCount(of: object)
                #expect(found.count == live && Set(found).count == live && live > 40, "\(stream)")
            }
        }
    }

    @Test func `end with what the vendor says where they cannot be begun anew`() async throws {
        try await VendorAccount.run(.close, options: .init(depthMax: 40)) { account in
            let source = try account.source(["page_size": "20"])
            await #expect { try await ids(source, "contact") } throws: {
                ($0 as? MigratezError)?.code == .requestRefused
                    && ($0 as? MigratezError)?.hint?.contains("_skip") == true
            }
        }
    }
}
