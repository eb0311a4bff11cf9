// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Somebody who may become a customer.
///
/// In HubSpot a lead belongs to a contact or a company and has nothing of a person's own; elsewhere it is a person with a
/// company's name. Both are here: the fields are HubSpot's, and the person is beside them.
package struct Lead: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case name = "hs_lead_name"
        case type = "hs_lead_type"
        case label = "hs_lead_label"
        case pipeline = "hs_pipeline"
        case stage = "hs_pipeline_stage"
        case createdAt = "hs_createdate"
        case modifiedAt = "hs_lastmodifieddate"
        case owner = "hubspot_owner_id"
        case id = "hs_object_id"

        package var kind: FieldKind {
            switch self {
            case .type: .choice(["NEW_BUSINESS", "UPSELL", "RE_ATTEMPT"])
            case .label: .choice(["HOT", "WARM", "COLD"])
            case .pipeline: .choice([Lead.pipeline])
            case .stage: .choice(Lead.stages.map(\.id))
            case .owner: .owner
            case .createdAt, .modifiedAt: .readOnlyDateTime
            case .id: .readOnly
            default: .text
            }
        }
    }

    /// The pipeline that every account has, and its stages.
    package static let pipeline = "lead-pipeline-id"
    package static let stages: [(id: String, label: String)] = [
        ("new-stage-id", "New"), ("attempting-stage-id", "Attempting"), ("connected-stage-id", "Connected"),
        ("qualified-stage-id", "Qualified"), ("unqualified-stage-id", "Disqualified"),
    ]

    package static let object = CRMObject.lead
    package let crm: SyntheticCRM
    package let index: Int

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
    }

    package var firstName: String? { draw.maybe(missing: 500, 100, draw.pick(Vocabulary.firstNames, 101)) }
    package var lastName: String {
        draw.share(102) < 100 ? draw.pick(Vocabulary.exotic, 103) : draw.pick(Vocabulary.lastNames, 104)
    }
    package var email: String? { draw.maybe(missing: 1500, 105, "lead\(index)@lead.example") }
    package var phone: String? {
        draw.maybe(missing: 3000, 106, PhoneNumber(person: 300_000_000 + index).american(index))
    }
    package var companyName: String {
        "\(draw.pick(Vocabulary.companyNames, 107)) \(draw.pick(Vocabulary.companySuffixes, 108)) \(index)"
    }

    package subscript(field: Field) -> String? {
        let draw = draw
        return switch field {
        case .name: [firstName, lastName].compactMap { $0 }.joined(separator: " ") + " – \(companyName)"
        case .type: draw.maybe(missing: 2000, 110, draw.pick(["NEW_BUSINESS", "UPSELL", "RE_ATTEMPT"], 111))
        case .label: draw.maybe(missing: 3000, 112, draw.pick(["HOT", "WARM", "COLD"], 113))
        case .pipeline: Lead.pipeline
        case .stage: Lead.stages[draw.below(Lead.stages.count, 114)].id
        case .createdAt: DateText.instant(createdAt)
        case .modifiedAt: DateText.instant(updatedAt)
        case .owner: ownerID
        case .id: String(id)
        }
    }
}
