// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Finds out which tables ids belong to that rows give for lookups that may lead to several: an id alone does not say.
///
/// Rows name their links by references, which say it; plain ids are owners, and earlier values that an undo puts back.
struct LookupTargets: Sendable {
    let api: DynamicsAPI
    let catalog: MetadataCatalog
    let table: TableMetadata

    /// Tables by id; an id that belongs to none of them is absent, and so are users.
    func tables(of rows: [Batch.Row]) async throws -> [String: String] {
        var ids: [String: Set<String>] = [:]
        let columns = table.columns.filter { $0.field.kind == .reference && $0.field.refersTo.count > 1 }
        for row in rows {
            let values = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            for column in columns {
                guard let id = values[column.field.name]?.text.flatMap(RecordID.init) else { continue }
                for target in column.field.refersTo { ids[target, default: []].insert(id.text) }
            }
        }
        var tables: [String: String] = [:]
        for (target, wanted) in ids where target != "systemuser" {
            let definition = try await catalog.table(target)
            for group in ODataText.groups(wanted.sorted(), overhead: 300) {
                let query = [
                    ("$select", definition.primaryID), ("$filter", ODataText.isIn(definition.primaryID, group)),
                ]
                try await api.rows(definition.setName, query: query) { row in
                    if let id = row[definition.primaryID]?.text { tables[id] = target }
                }
            }
        }
        return tables
    }
}
