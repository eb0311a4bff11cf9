// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// An organisation.
package struct Company: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case name, domain, website, phone, description, industry, annualrevenue, numberofemployees, address, city, state
        case zip, country, type, timezone, lifecyclestage, createdate
        case foundedYear = "founded_year"
        case isPublic = "is_public"
        case linkedIn = "linkedin_company_page"
        case owner = "hubspot_owner_id"
        case leadStatus = "hs_lead_status"
        case modifiedAt = "hs_lastmodifieddate"
        case id = "hs_object_id"

        package var kind: FieldKind {
            switch self {
            case .phone: .phone
            case .description: .longText
            case .industry: .choice(Vocabulary.industries)
            case .annualrevenue, .numberofemployees: .number
            case .type: .choice(Company.types)
            case .lifecyclestage: .choice(Vocabulary.lifecycleStages)
            case .leadStatus: .choice(Vocabulary.leadStatuses)
            case .isPublic: .bool
            case .owner: .owner
            case .createdate, .modifiedAt: .readOnlyDateTime
            case .id: .readOnly
            default: .text
            }
        }
    }

    static let types = ["PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER"]

    package static let object = CRMObject.company
    package let crm: SyntheticCRM
    package let index: Int
    /// The index of the earlier company that is the same, if there is one.
    package let duplicateOf: Int?

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
        duplicateOf = crm.duplicateOf(.company, at: index)
    }

    package subscript(field: Field) -> String? {
        let draw = draw
        return switch field {
        case .name: name
        case .domain: domain
        case .website: draw.maybe(missing: 4000, 110, "https://www.c\(duplicateOf ?? index).example/")
        case .phone: draw.maybe(missing: 3000, empty: 100, 115, PhoneNumber(person: 200_000_000 + index).american(0))
        case .description:
            draw.maybe(missing: 5000, empty: 200, 120, draw.freeText(121, ordinary: draw.sentences(124, most: 4)))
        case .industry: draw.maybe(missing: 2000, 130, draw.pick(Vocabulary.industries, 131))
        case .annualrevenue: draw.maybe(missing: 3000, empty: 100, 135, revenue)
        case .numberofemployees: draw.maybe(missing: 3000, 140, String(1 + draw.below(20_000, 141)))
        case .address:
            draw.maybe(missing: 3000, 145, "\(1 + draw.below(999, 146)) \(draw.pick(Vocabulary.streets, 147))")
        case .city: draw.maybe(missing: 2000, 150, Vocabulary.cities[place])
        case .state: draw.maybe(missing: 2000, 150, Vocabulary.states[place])
        case .zip: draw.maybe(missing: 3000, 151, String(10_000 + draw.below(90_000, 152)))
        case .country: draw.maybe(missing: 1500, empty: 200, 155, Vocabulary.countries[place])
        case .type: draw.maybe(missing: 4000, 160, draw.pick(Company.types, 161))
        case .timezone: draw.maybe(missing: 6000, 165, draw.pick(["us/pacific", "us/eastern", "europe/oslo"], 166))
        case .lifecyclestage: draw.maybe(missing: 500, 170, draw.pick(Vocabulary.lifecycleStages, 171))
        case .createdate: DateText.instant(createdAt)
        case .foundedYear: draw.maybe(missing: 6000, 175, String(1850 + draw.below(175, 176)))
        case .isPublic: draw.maybe(missing: 5000, 180, draw.share(181) < 2000 ? "true" : "false")
        case .linkedIn: draw.maybe(missing: 7000, 185, "https://www.linkedin.com/company/example-\(index)")
        case .owner: ownerID
        case .leadStatus: draw.maybe(missing: 6000, 190, draw.pick(Vocabulary.leadStatuses, 191))
        case .modifiedAt: DateText.instant(updatedAt)
        case .id: String(id)
        }
    }

    private var place: Int { draw.below(Vocabulary.cities.count, 153) }

    /// Whole, with cents, or with a decimal point that says nothing: `1.0` has to stay `1.0`.
    private var revenue: String {
        let amount = draw.below(500_000_000, 136)
        return switch draw.below(4, 137) {
        case 0: "\(amount).0"
        case 1: "\(amount).\(10 + draw.below(90, 138))"
        default: String(amount)
        }
    }

    private var origin: Draw { Draw(seed: crm.seed, realm: CRMObject.company.rawValue, index: duplicateOf ?? index) }

    /// 1 % have none, 0.5 % an empty one.
    private var name: String? {
        let origin = origin
        let name = origin.maybe(
            missing: 100, empty: 50, 100,
            origin.share(101) < 100
                ? origin.pick(Vocabulary.exotic, 102)
                : "\(origin.pick(Vocabulary.companyNames, 103)) \(duplicateOf ?? index) "
                    + origin.pick(Vocabulary.companySuffixes, 104))
        guard duplicateOf != nil, let name, !name.isEmpty else { return name }
        return Variation.text(name, draw.below(4, Question.variant))
    }

    /// Whether a company has a domain; the others never have duplicates.
    static func hasDomain(_ draw: Draw) -> Bool { draw.share(105) >= 600 }

    private var domain: String? {
        let share = origin.share(105)
        guard share >= 600 else { return share < 500 ? nil : "" }
        let domain = "c\(duplicateOf ?? index).example"
        return duplicateOf == nil ? domain : Variation.text(domain, draw.below(4, Question.variant))
    }
}
