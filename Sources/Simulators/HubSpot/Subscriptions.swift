// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezSyntheticCRM

/// A custom object with records and links, for accounts that are to have one: subscriptions of companies, with a contact
/// who pays for them.
extension OverlaySession {
    /// What a link with the contact who pays is called.
    private static let payer = "Billing contact"
    private static let plans = ["basic", "team", "enterprise"]

    func seedSubscriptions(_ count: Int) throws {
        let begin = Timestamp(milliseconds: 1_700_000_000_000)
        let custom = CustomObject(
            number: CustomObject.firstNumber, name: "subscription", singular: "Subscription", plural: "Subscriptions",
            primaryProperty: "title", secondaryProperties: ["plan"], requiredProperties: ["title"],
            searchableProperties: ["title"], createdAt: begin)
        func property(
            _ name: String, _ label: String, _ type: String, _ fieldType: String, _ options: [String] = [],
            isUnique: Bool = false
        ) -> PropertyDefinition {
            PropertyDefinition(
                name: name, label: label, type: type, fieldType: fieldType, groupName: custom.groupName,
                options: options, hasUniqueValue: isUnique, isCustom: true)
        }
        try define(
            custom,
            [
                property("title", "Title", "string", "text"),
                property("contract_number", "Contract number", "string", "text", isUnique: true),
                property("plan", "Plan", "enumeration", "select", Self.plans),
                property("seats", "Seats", "number", "number"),
                property("starts_on", "Starts on", "date", "date"),
                property("remarks", "Remarks", "string", "textarea"),
            ],
            ObjectType.allStandardButFiles.filter(\.isActivity) + [.contact, .company, .deal])
        let id = definitions.links.nextID
        try add(
            LinkTypeBook.Addition(
                id: id, inverseID: id + 1, from: custom.type, to: .contact, label: Self.payer,
                inverseLabel: "Pays for", name: "billing_contact"))
        for place in 0..<count { try seedSubscription(place, custom.type, begin) }
    }

    /// Every seventh is archived; every third has no company, every second nobody who pays.
    private func seedSubscription(_ place: Int, _ type: ObjectType, _ begin: Timestamp) throws {
        let created = begin.advanced(by: .seconds(place * 3_607))
        let number = 40_000_000_001 + place * 17
        var record = StoredRecord(id: number, values: [:], createdAt: created, updatedAt: created)
        record.values = [
            "hs_object_id": String(number), "hs_createdate": DateText.instant(created),
            "hs_lastmodifieddate": DateText.instant(created), "title": "Subscription \(place + 1) – Größe \(place % 5)",
            "contract_number": "C-\(10_000 + place)", "plan": Self.plans[place % Self.plans.count],
            "seats": String(place % 250 + 1), "starts_on": "20\(10 + place % 15)-0\(place % 9 + 1)-15",
        ]
        if place.isMultiple(of: 4) { record.values["remarks"] = "first line\n\"quoted\", \\ and 日本" }
        if !crm.owners.isEmpty { record.values["hubspot_owner_id"] = String(crm.owners[place % crm.owners.count].id) }
        if place % 7 == 6 { record.archivedAt = created }
        try save(type, record, unique: ["contract_number"])
        func live(_ object: CRMObject) -> Int? {
            guard crm.counts[object] > 0 else { return nil }
            let index = place * 31 % crm.counts[object]
            return crm.isArchived(object, at: index) ? nil : crm.id(of: object, at: index)
        }
        guard record.archivedAt == nil else { return }
        if !place.isMultiple(of: 3), let company = live(.company) {
            try attach(type, number, .company, company)
        }
        if !place.isMultiple(of: 2), let contact = live(.contact) {
            let types = definitions.links.all(from: type, to: .contact)
            try attach(type, number, .contact, contact, types)
        }
    }
}
