// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The rows of a batch by the operation that each needs.
struct WriteGroups {
    /// Rows whose record is known by its id.
    var updates: [Batch.Row] = []
    /// Rows that find their record by our key, or make it.
    var upserts: [Batch.Row] = []
    /// Rows of an object without a key or whose records do not change, and rows with audit fields, which the platform takes on insert only (Salesforce
    /// Help, "Enable 'Create Audit Fields'").
    var inserts: [Batch.Row] = []

    init(_ rows: [Batch.Row], metadata: ObjectMetadata) {
        let audit = metadata.auditFields.map { Array($0.utf8) }
        let areNew = rows.allSatisfy { $0.targetID == nil && !$0.sets(anyOf: audit) }
        if areNew, metadata.hasStamp, !metadata.isFrozen {
            // As nearly always: the rows need not be copied one by one.
            upserts = rows
            return
        }
        let fixed = metadata.fixedFields
        for row in rows {
            if row.targetID != nil {
                var row = row
                row.references.removeAll { fixed.contains($0.field) }
                updates.append(row)
            } else if !metadata.hasStamp || metadata.isFrozen || row.sets(anyOf: audit) {
                inserts.append(row)
            } else {
                upserts.append(row)
            }
        }
    }
}

extension Batch.Row {
    /// Whether the row sets one of the fields, whose names are given as UTF-8.
    func sets(anyOf names: [[UInt8]]) -> Bool {
        guard !names.isEmpty else { return false }
        return fields.withUnsafeBufferPointer { fields in
            var cursor = FieldCursor(fields)
            while let field = cursor.next() {
                if cursor.isNamed(field, anyOf: names) { return true }
            }
            return false
        }
    }
}

extension SchemaCatalog {
    /// How the references of each row are to be written.
    ///
    /// Whether a parent's object holds our key is read from its description, once.
    func references(
        of rows: some Collection<Batch.Row>, object: String, style: SalesforceSettings.ReferenceStyle,
        stampField: String
    ) async throws -> @Sendable (Batch.Row) -> [RowReference] {
        let child = try await metadata(of: object)
        var holdsStamp: [String: Bool] = [:]
        let needsParents = style == .externalID && child.hasStamp
        for row in rows where needsParents {
            for reference in row.references where holdsStamp[reference.object] == nil {
                // The key of a document is that of one of its versions.
                let isDocument = ContentNote.isDocument(reference.object)
                holdsStamp[reference.object] = try await isDocument ? false : metadata(of: reference.object).hasStamp
            }
        }
        let parents = holdsStamp
        return { row in
            row.references.map { reference in
                RowReference(
                    reference, child: child, parentHasStamp: parents[reference.object] ?? false, style: style,
                    stampField: stampField)
            }
        }
    }
}
