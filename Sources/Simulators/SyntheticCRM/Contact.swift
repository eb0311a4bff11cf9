// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// A person.
package struct Contact: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case email, firstname, lastname, phone, mobilephone, jobtitle, company, address, city, state, zip, country
        case website, salutation, notes, annualrevenue, birthday, lifecyclestage, associatedcompanyid
        case leadStatus = "hs_lead_status"
        case owner = "hubspot_owner_id"
        case optedOut = "hs_email_optout"
        case language = "hs_language"
        case createdAt = "createdate"
        case modifiedAt = "lastmodifieddate"
        case id = "hs_object_id"

        package var kind: FieldKind {
            switch self {
            case .phone, .mobilephone: .phone
            case .annualrevenue: .number
            case .birthday: .date
            case .notes: .longText
            case .lifecyclestage: .choice(Vocabulary.lifecycleStages)
            case .leadStatus: .choice(Vocabulary.leadStatuses)
            case .language: .choice(["en", "de", "no", "fr", "ja", "ar", "he"])
            case .owner: .owner
            case .optedOut: .bool
            case .createdAt, .modifiedAt: .readOnlyDateTime
            case .id, .associatedcompanyid: .readOnly
            default: .text
            }
        }
    }

    package static let object = CRMObject.contact
    package let crm: SyntheticCRM
    package let index: Int
    /// The index of the earlier contact that is the same person, if there is one.
    package let duplicateOf: Int?

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
        duplicateOf = crm.duplicateOf(.contact, at: index)
    }

    package subscript(field: Field) -> String? {
        let draw = draw
        return switch field {
        case .email: email
        case .firstname: name(100, missing: 300, empty: 100, Vocabulary.firstNames)
        case .lastname: name(110, missing: 200, empty: 50, Vocabulary.lastNames)
        case .phone: phone
        case .mobilephone:
            draw.maybe(missing: 7000, empty: 100, 130, PhoneNumber(person: 150_000_000 + index).american(1))
        case .jobtitle: draw.maybe(missing: 2000, empty: 200, 140, draw.pick(Vocabulary.jobTitles, 141))
        case .company:
            crm.links(.contactToCompany, from: index).first?.toIndex.flatMap { crm.company(at: $0)[.name] }
        case .address:
            draw.maybe(
                missing: 4000, empty: 100, 150, "\(1 + draw.below(999, 151)) \(draw.pick(Vocabulary.streets, 152))")
        case .city: draw.maybe(missing: 3000, empty: 100, 160, Vocabulary.cities[place])
        case .state: draw.maybe(missing: 3000, 160, Vocabulary.states[place])
        case .zip: draw.maybe(missing: 4000, 161, String(10_000 + draw.below(90_000, 162)))
        case .country: draw.maybe(missing: 3000, 160, Vocabulary.countries[place])
        case .website: draw.maybe(missing: 8000, 170, "https://people.example/\(index)")
        case .salutation: draw.maybe(missing: 6000, 175, draw.pick(["Ms.", "Mr.", "Dr.", "Prof."], 176))
        case .notes:
            draw.maybe(missing: 6000, empty: 200, 180, draw.freeText(181, ordinary: draw.sentences(184, most: 3)))
        case .annualrevenue: draw.maybe(missing: 8500, 190, String(draw.below(10_000_000, 191)))
        case .birthday:
            draw.maybe(
                missing: 8000, 195,
                DateText.day(.init(milliseconds: Int64(draw.below(18_000, 196) - 10_000) * 86_400_000)))
        case .lifecyclestage: draw.maybe(missing: 500, 200, draw.pick(Vocabulary.lifecycleStages, 201))
        case .associatedcompanyid:
            crm.links(.contactToCompany, from: index).first { $0.isPrimary && !$0.isDangling }.map { String($0.toID) }
        case .leadStatus: draw.maybe(missing: 5000, empty: 300, 205, draw.pick(Vocabulary.leadStatuses, 206))
        case .owner: ownerID
        case .optedOut: draw.maybe(missing: 5300, empty: 100, 210, draw.share(211) < 1200 ? "true" : "false")
        case .language: draw.maybe(missing: 6000, 215, draw.pick(["en", "de", "no", "fr", "ja", "ar", "he"], 216))
        case .createdAt: DateText.instant(createdAt)
        case .modifiedAt: DateText.instant(updatedAt)
        case .id: String(id)
        }
    }

    /// City, state and country fit each other.
    private var place: Int { draw.below(Vocabulary.cities.count, 163) }

    /// Who the person is: a duplicate has what the original has.
    private var person: (index: Int, draw: Draw) {
        let index = duplicateOf ?? index
        return (index, Draw(seed: crm.seed, realm: CRMObject.contact.rawValue, index: index))
    }

    private func name(_ question: Int, missing: Int, empty: Int, _ names: [String]) -> String? {
        let person = person.draw
        let name = person.maybe(
            missing: missing, empty: empty, question,
            person.share(question + 1) < 100
                ? person.pick(Vocabulary.exotic, question + 2) : person.pick(names, question + 3))
        guard duplicateOf != nil, let name, !name.isEmpty else { return name }
        return Variation.text(name, draw.below(4, Question.variant))
    }

    /// Whether a contact has an address that is one; the others never have duplicates.
    static func hasAddress(_ draw: Draw) -> Bool { draw.share(120) >= 550 }

    private var email: String? {
        let (index, person) = person
        switch person.share(120) {
        case ..<400: return nil
        case ..<500: return ""
        case ..<550: return "no address \(index)"
        default: break
        }
        let address = Contact.address(person, index, companies: crm.counts.companies)
        guard duplicateOf != nil else { return address }
        return Variation.text(address, draw.below(4, Question.variant))
    }

    /// The index makes it unique.
    private static func address(_ draw: Draw, _ index: Int, companies: Int) -> String {
        let first = draw.pick(Vocabulary.firstSlugs, 103)
        let last = draw.pick(Vocabulary.lastSlugs, 113)
        let host = draw.share(121) < 3000 ? "mail.example" : "c\(draw.below(max(companies, 1), 122)).example"
        return "\(first).\(last)\(index)@\(host)"
    }

    private var phone: String? {
        let (index, person) = person
        let number = PhoneNumber(person: index)
        // A duplicate has the same number in the next notation.
        let shift = duplicateOf == nil ? 0 : 1 + draw.below(4, Question.variant)
        return switch person.share(125) {
        case ..<600: nil
        case ..<700: ""
        case ..<750: "ask reception"
        case ..<1250: number.european(isBritish: true)
        case ..<1750: number.european(isBritish: false)
        default: number.american(person.below(5, 126) + shift)
        }
    }
}

extension SyntheticCRM {
    /// The contact that was first to have this address, looked up without regard to case and outer spaces.
    package func contactIndex(email: String) -> Int? {
        let address = email.lowercased().filter { $0 != " " }
        guard let at = address.firstIndex(of: "@") else { return nil }
        let digits = address[..<at].reversed().prefix { $0.isASCII && $0.isNumber }
        guard let index = Int(String(digits.reversed())), index < counts.contacts else { return nil }
        let contact = contact(at: index)
        return contact.duplicateOf == nil && contact[.email] == address ? index : nil
    }
}
