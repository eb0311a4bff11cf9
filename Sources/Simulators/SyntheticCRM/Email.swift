// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// An e-mail that was sent to somebody or came from them.
package struct Email: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case subject = "hs_email_subject"
        case text = "hs_email_text"
        case html = "hs_email_html"
        case direction = "hs_email_direction"
        case status = "hs_email_status"
        case headers = "hs_email_headers"
        case fromEmail = "hs_email_from_email"
        case fromFirstName = "hs_email_from_firstname"
        case fromLastName = "hs_email_from_lastname"
        case toEmail = "hs_email_to_email"
        case ccEmail = "hs_email_cc_email"
        case attachments = "hs_attachment_ids"
        case timestamp = "hs_timestamp"
        case createdAt = "hs_createdate"
        case modifiedAt = "hs_lastmodifieddate"
        case owner = "hubspot_owner_id"
        case id = "hs_object_id"

        package var kind: FieldKind {
            switch self {
            case .text: .longText
            case .html: .html
            case .direction: .choice(Email.directions)
            case .status: .choice(Email.statuses)
            case .timestamp: .dateTime
            case .owner: .owner
            case .createdAt, .modifiedAt: .readOnlyDateTime
            case .fromEmail, .fromFirstName, .fromLastName, .toEmail, .ccEmail, .id: .readOnly
            default: .text
            }
        }
    }

    static let directions = ["EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL"]
    static let statuses = ["SENT", "SENDING", "SCHEDULED", "FAILED", "BOUNCED"]

    /// Who sends or receives.
    package struct Address: Sendable, Hashable {
        package var email: String
        package var firstName: String
        package var lastName: String
    }

    package static let object = CRMObject.email
    package let crm: SyntheticCRM
    package let index: Int

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
    }

    /// When it was sent, which may be long before it was kept here.
    package var sentAt: Timestamp {
        Timestamp(milliseconds: createdAt.milliseconds - Int64(draw.below(400, 101)) * 86_400_000)
    }

    /// Whether somebody outside wrote it.
    package var isIncoming: Bool { draw.share(102) < 4000 }

    package var from: Address { isIncoming ? outside(0) : inside }
    package var to: [Address] {
        isIncoming ? [inside] : (0...(draw.share(103) < 2000 ? 1 : 0)).map(outside)
    }
    package var cc: [Address] { draw.share(104) < 1500 ? [outside(5)] : [] }

    package var html: String {
        let draw = draw
        let quoted = draw.share(111) < 3000 ? "<blockquote>\(draw.pick(Vocabulary.sentences, 112))</blockquote>" : ""
        return "<div><p>" + draw.freeText(120, ordinary: draw.sentences(123, most: 4)) + "</p>" + quoted + "</div>"
    }

    package subscript(field: Field) -> String? {
        let draw = draw
        return switch field {
        case .subject: draw.maybe(missing: 200, empty: 100, 130, draw.freeText(131, ordinary: "Offer \(index)"))
        case .text: draw.maybe(missing: 1000, 135, draw.freeText(136, ordinary: draw.sentences(139, most: 4)))
        case .html: draw.maybe(missing: 2000, empty: 50, 145, html)
        case .direction: isIncoming ? "INCOMING_EMAIL" : draw.share(150) < 500 ? "FORWARDED_EMAIL" : "EMAIL"
        case .status: draw.share(151) < 9500 ? "SENT" : draw.pick(Email.statuses, 152)
        case .headers: headers
        case .fromEmail: from.email
        case .fromFirstName: from.firstName
        case .fromLastName: from.lastName
        case .toEmail: Email.list(to)
        case .ccEmail: cc.isEmpty ? nil : Email.list(cc)
        case .attachments: nil
        case .timestamp: DateText.instant(sentAt)
        case .createdAt: DateText.instant(createdAt)
        case .modifiedAt: DateText.instant(updatedAt)
        case .owner: ownerID
        case .id: String(id)
        }
    }

    private static func list(_ addresses: [Address]) -> String { addresses.map(\.email).joined(separator: ";") }

    private var inside: Address {
        let owner = Owner(at: draw.below(max(crm.counts.owners, 1), 105))
        return Address(email: owner.email, firstName: owner.firstName, lastName: owner.lastName)
    }

    private func outside(_ number: Int) -> Address {
        let draw = draw
        let (first, last) = (106 + number % 2 * 4, 107 + number % 2 * 4)
        return Address(
            email: "\(draw.pick(Vocabulary.lastSlugs, last))\(index)-\(number)@mail.example",
            firstName: draw.pick(Vocabulary.firstNames, first), lastName: draw.pick(Vocabulary.lastNames, last))
    }

    /// A JSON object in a text: `{"from":{"email","firstName","lastName"},"to":[…],"cc":[…],"bcc":[]}`.
    private var headers: String {
        func json(_ address: Address) -> String {
            "{\"email\":\"\(address.email)\",\"firstName\":\"\(escaped(address.firstName))\""
                + ",\"lastName\":\"\(escaped(address.lastName))\"}"
        }
        func list(_ addresses: [Address]) -> String { "[" + addresses.map(json).joined(separator: ",") + "]" }
        return "{\"from\":\(json(from)),\"to\":\(list(to)),\"cc\":\(list(cc)),\"bcc\":[]}"
    }

    /// Names hold no control characters.
    private func escaped(_ name: String) -> String {
        String(name.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] })
    }
}
