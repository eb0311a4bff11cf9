// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// How one reference of a row is written.
package enum RowReference: Sendable, Hashable {
    /// The field holds the parent's Salesforce id.
    case id(field: String, id: String)
    /// The parent is named by our key: `"Account":{"Migratez_Id__c":"hubspot-company-7"}`.
    ///
    /// Source: REST API Developer Guide, "Insert or Update (Upsert) a Record Using an External ID"; Bulk API 2.0,
    /// "Relationship Fields in a Header Row" for the column names.
    case key(relationship: String, type: String?, stampField: String, key: String)

    /// Chooses for one reference.
    ///
    /// By key only where it must lead to the parent: its object holds the stamp and the field has a relationship name.
    init(
        _ reference: Batch.Reference, child: ObjectMetadata, parentHasStamp: Bool,
        style: SalesforceSettings.ReferenceStyle,
        stampField: String
    ) {
        if style == .externalID || reference.targetID.isEmpty, parentHasStamp,
            let relationship = child.relationships[reference.field]
        {
            self = .key(
                relationship: relationship.name, type: relationship.isPolymorphic ? reference.object : nil,
                stampField: stampField, key: reference.key)
        } else {
            self = .id(field: reference.field, id: reference.targetID)
        }
    }

    /// The header of its column in a bulk job.
    package var column: String {
        switch self {
        case .id(let field, _): field
        case .key(let relationship, let type?, let stampField, _): "\(type):\(relationship).\(stampField)"
        case .key(let relationship, nil, let stampField, _): "\(relationship).\(stampField)"
        }
    }

    /// The cell in a bulk job.
    var cell: String {
        switch self {
        case .id(_, let id): id
        case .key(_, _, _, let key): key
        }
    }
}

extension Batch.Row {
    /// What rows are sorted by so that children of one parent stand together: two calls that lock the same parent at
    /// once give UNABLE_TO_LOCK_ROW (Bulk API 2.0, "General Guidelines for Data Loads").
    var parent: String { references.first?.idOrKey ?? "" }
}

extension [Batch.Row] {
    /// The rows sorted by parent; rows of one parent keep their order.
    func sortedByParent() -> [Batch.Row] {
        guard contains(where: { !$0.references.isEmpty }) else { return self }
        return enumerated().map { (index: $0.offset, parent: $0.element.parent, row: $0.element) }
            .sorted { ($0.parent, $0.index) < ($1.parent, $1.index) }
            .map(\.row)
    }
}
