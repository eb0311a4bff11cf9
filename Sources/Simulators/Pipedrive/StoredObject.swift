// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// What the company stores, by name.
enum StoredObject {
    static let notes = "notes"
    static let files = "files"
    static let leads = "leads"
    static let dealProducts = "deal_products"
    static let participants = "participants"
    static let fields = "fields"

    /// Records that are made get ids above those of the synthetic ones.
    static func all(of crm: SyntheticCRM) -> [DocumentStore.Object] {
        func object(_ entity: Entity, after last: Int, _ indexed: [String]) -> DocumentStore.Object {
            DocumentStore.Object(entity.rawValue, firstID: Int64(last), indexed: indexed)
        }
        let activities = [CRMObject.task, .call, .meeting].map { Seeding.activityID(crm.firstFreeID(of: $0), $0) }
        return [
            object(.person, after: crm.firstFreeID(of: .contact), ["org_id"]),
            object(.organization, after: crm.firstFreeID(of: .company), []),
            object(.deal, after: crm.firstFreeID(of: .deal), ["org_id", "person_id"]),
            object(.activity, after: Int(activities.max() ?? 1), ["org_id", "person_id", "deal_id"]),
            object(.product, after: crm.firstFreeID(of: .product), []),
            DocumentStore.Object(
                notes, firstID: Int64(crm.firstFreeID(of: .note)), indexed: ["org_id", "person_id", "deal_id"]),
            DocumentStore.Object(
                files, firstID: Int64(crm.firstFreeID(of: .file)),
                indexed: ["org_id", "person_id", "deal_id", "activity_id"]),
            DocumentStore.Object(
                leads, firstID: Int64(crm.firstFreeID(of: .lead)), indexed: ["person_id", "organization_id"],
                unique: ["uuid"]),
            DocumentStore.Object(
                dealProducts, firstID: Int64(crm.firstFreeID(of: .lineItem)), indexed: ["deal_id", "product_id"]),
            DocumentStore.Object(participants, indexed: ["deal_id", "person_id"]),
            DocumentStore.Object(fields, indexed: ["entity"]),
        ]
    }
}

extension JSONValue {
    static func id(_ id: Int64) -> JSONValue { .number(String(id)) }

    /// The object with another value of a member.
    func setting(_ key: String, _ value: JSONValue) -> JSONValue {
        var members = members.filter { $0.key != key }
        members.append(.init(key, value))
        return .object(members)
    }

    var int64: Int64? { text.flatMap { Int64($0) } }
}
