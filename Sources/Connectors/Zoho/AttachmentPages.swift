// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Pages of attachments: those of a hundred records each, module after module, a request for each record.
struct AttachmentPages: Sendable {
    /// Records whose attachments are on one page.
    private static let pageRecords = 100
    /// Fewer than the ten heavy calls at once that Zoho allows.
    private static let recordsAtOnce = 4
    /// What a cursor begins with, and what stands for the beginning of a module.
    private static let prefix = "attachments"
    private static let beginning = "-"

    let attachments: Attachments
    let catalog: ZohoCatalog
    /// The modules whose records are asked, in this order.
    let modules: [String]

    func page(after cursor: Cursor?) async throws -> Page {
        guard let first = modules.first else { return Page(bytes: [], records: [], next: nil) }
        var module = first
        var place: ZohoPlace?
        if let cursor {
            let parts = cursor.text.split(separator: " ", maxSplits: 2).map(String.init)
            guard parts.count == 3, parts[0] == Self.prefix, modules.contains(parts[1]) else {
                throw MigratezError(.internalError, "this is not a place among Zoho's attachments")
            }
            module = parts[1]
            if parts[2] != Self.beginning { place = try ZohoPlace(Cursor(parts[2])) }
        }
        let records = try await records(of: module, at: place)
        var page = Page(bytes: [], records: [], next: nil)
        for found in try await found(module, records.ids) {
            for attachment in found {
                let start = page.bytes.count
                page.bytes += attachment.json.serialized()
                page.records.append(start..<page.bytes.count)
            }
        }
        if let next = records.next {
            page.next = Cursor("\(Self.prefix) \(module) \(next.text)")
        } else if let place = modules.firstIndex(of: module), place + 1 < modules.count {
            page.next = Cursor("\(Self.prefix) \(modules[place + 1]) \(Self.beginning)")
        }
        return page
    }

    private func records(of module: String, at place: ZohoPlace?) async throws -> (ids: [String], next: Cursor?) {
        let schema = try await catalog.schema(of: module)
        let page: Page
        if ZohoModule.isQueryable(module) {
            var last: String?
            if case .query(let id)? = place { last = id }
            page = try await QueryPages(attachments.client, schema, fields: [])
                .page(after: last, limit: Self.pageRecords)
        } else {
            page = try await ListPages(attachments.client, schema, fields: []).page(at: place)
        }
        let ids = page.records.compactMap { range in
            page.bytes[range].withUnsafeBufferPointer { bytes in
                member(at: [ZohoModule.id], in: bytes).map { JSONText.string($0, of: bytes) }
            }
        }
        return (ids, page.next)
    }

    /// The attachments of these records, in their order.
    private func found(_ module: String, _ ids: [String]) async throws -> [[Attachments.Attachment]] {
        try await withThrowingTaskGroup(of: (Int, [Attachments.Attachment]).self) { group in
            var waiting = ids.enumerated().makeIterator()
            var found = [[Attachments.Attachment]](repeating: [], count: ids.count)
            func addNext() {
                guard let (place, id) = waiting.next() else { return }
                group.addTask { (place, try await attachments.all(of: module, id)) }
            }
            for _ in 0..<Self.recordsAtOnce { addNext() }
            while let (place, attachments) = try await group.next() {
                found[place] = attachments
                addNext()
            }
            return found
        }
    }
}
