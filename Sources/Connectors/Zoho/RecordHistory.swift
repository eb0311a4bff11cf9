// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// What became of records after they were written: who changed them last, and who refers to them.
struct RecordHistory: Sendable {
    let client: ZohoClient
    let catalog: ZohoCatalog
    let reader: RecordReader

    /// By id; whether it was us is whether the user is ours.
    func lastChanges(_ ids: [String], of module: String) async throws -> [String: LastChange] {
        let names = [ZohoModule.modifiedTime, "Modified_By"]
        let ownUser = try await catalog.ownUser()
        var changes: [String: LastChange] = [:]
        for record in try await reader.read(ids, of: module, fields: names) {
            let values = record.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            guard let time = values[names[0]]?.text.flatMap(ZohoTime.timestamp), let user = values[names[1]]?.text
            else {
                continue
            }
            changes[record.id] = LastChange(at: time, isOurs: user == ownUser)
        }
        return changes
    }

    /// For each of the records that others refer to: the module of one that does. Notes and files are asked for last,
    /// record by record, since they cannot be queried.
    func referrers(_ ids: [String], of module: String) async throws -> [String: String] {
        var found: [String: String] = [:]
        for child in try await catalog.modules() where isAsked(child) {
            let schema = try await catalog.schema(of: child.name)
            for field in schema.fields where field.kind == .reference && field.refersTo.contains(module) {
                for group in COQL.groups(ids.filter { found[$0] == nil }) {
                    try await ask(child.name, field.name, Array(group), &found)
                }
            }
        }
        for id in ids where found[id] == nil {
            if module == ZohoModule.deals, try await !DealRoles(client).roles(in: id).isEmpty {
                found[id] = DealRoles.object
            } else if module != ZohoModule.notes, try await hasNotes(id, module) {
                found[id] = ZohoModule.notes
            } else if try await hasFiles(id, module) {
                found[id] = Attachments.object
            }
        }
        return found
    }

    /// A record may have more referrers than one answer holds, so those that are still open are asked for again.
    private func ask(
        _ module: String, _ field: String, _ ids: [String], _ found: inout [String: String]
    ) async throws {
        var open = ids
        while !open.isEmpty {
            let records = try await client.records(
                "select \(COQL.column(field)),id from \(module) where \(COQL.column(field)) in \(COQL.list(open)) "
                    + "limit \(COQL.recordsMax)")
            for record in records {
                if let id = FlatRecords.flat(record[field] ?? .null).text { found[id] = module }
            }
            guard records.count == COQL.recordsMax else { return }
            open.removeAll { found[$0] != nil }
        }
    }

    private func isAsked(_ module: ZohoCatalog.Module) -> Bool {
        module.isReadable && module.isCreateable && module.parent == nil && ZohoModule.isQueryable(module.name)
            && !ZohoModule.unlinked.contains(module.name)
    }

    private func hasFiles(_ id: String, _ module: String) async throws -> Bool {
        do {
            return try await !Attachments(client: client).all(of: module, id).isEmpty
        } catch let error as MigratezError where error.callRefused?.status == 400 {
            // Modules without files.
            return false
        }
    }

    private func hasNotes(_ id: String, _ module: String) async throws -> Bool {
        do {
            let notes = try await client.value(
                "/\(module)/\(id)/Notes", [("fields", "Note_Title"), ("per_page", "1")], class: "list")
            return notes["data"]?.elements.isEmpty == false
        } catch let error as MigratezError where error.callRefused?.status == 400 {
            // Modules without notes, and records that are not there.
            return false
        }
    }
}
