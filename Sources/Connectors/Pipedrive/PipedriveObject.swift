// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// An object of Pipedrive, by the name that a pipeline uses for it: in the singular.
enum PipedriveObject: String, Sendable, CaseIterable {
    case person, organization, deal, activity, note, file, product

    /// - Throws: `notSupported` for anything else, with what there is.
    init(named name: String) throws(MigratezError) {
        guard let object = PipedriveObject(rawValue: name) else {
            let names = (PipedriveObject.allCases.map(\.rawValue) + [LeadFields.object, DealProducts.object]).joined(
                separator: ", ")
            throw MigratezError(
                .notSupported, "'\(name)' is not an object of Pipedrive's that can be moved", remedy: .fixConfiguration,
                hint: "there are: \(names)")
        }
        self = object
    }

    var label: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }

    /// The name in requests.
    var path: String { self == .activity ? "activities" : rawValue + "s" }

    /// Whether only version 1 has it.
    var isFormer: Bool { self == .note || self == .file }

    /// Entries of one page of its list (OpenAPI description of version 1, `/files`: 100).
    var pageRecordsMax: Int { self == .file ? 100 : PipedriveLimits.pageRecordsMax }

    /// Whether fields can be made for it, so that one can hold our key: neither activities nor notes nor files have any (no
    /// `POST` for their fields in the OpenAPI descriptions).
    var isKeyed: Bool { [.person, .organization, .deal, .product].contains(self) }

    /// The field that refers to the object in records of others.
    var linkField: String? {
        switch self {
        case .person: "person_id"
        case .organization: "org_id"
        case .deal: "deal_id"
        case .activity: "activity_id"
        case .product: "product_id"
        case .note, .file: nil
        }
    }

    /// The counts of records that refer to one of these, with what refers (`include_fields` of version 2).
    var counts: [(name: String, object: String)] {
        let activities = [("activities_count", "activity"), ("notes_count", "note"), ("files_count", "file")]
        return switch self {
        case .person: [("open_deals_count", "deal"), ("closed_deals_count", "deal")] + activities
        case .organization:
            [("people_count", "person"), ("open_deals_count", "deal"), ("closed_deals_count", "deal")] + activities
        case .deal: activities
        case .activity, .note, .file, .product: []
        }
    }
}
