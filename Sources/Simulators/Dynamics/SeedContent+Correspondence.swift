// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM

/// Leads, e-mails with those who sent and got them, and files.
extension SeedContent {
    /// Files are notes, and have numbers behind those of all others.
    static let firstFile = 1 << 40

    func leadValues(_ index: Int) -> SeedRow {
        let lead = crm.lead(at: index)
        var row = SeedRow(created: lead.createdAt, modified: lead.updatedAt, owner: lead[.owner])
        row.text("subject", lead[.name])
        row.text("firstname", lead.firstName)
        row.text("lastname", lead.lastName)
        row.text("fullname", [lead.firstName, lead.lastName].compactMap { $0 }.joined(separator: " "))
        row.text("companyname", lead.companyName)
        row.text("emailaddress1", lead.email)
        row.text("telephone1", lead.phone)
        refer(&row, "parentcontactid", index, [(.leadToContact, "contact")])
        refer(&row, "parentaccountid", index, [(.leadToCompany, "account")])
        switch lead[.stage] {
        case "qualified-stage-id": row.close((1, 3))
        case "unqualified-stage-id": row.close((2, 4))
        default: break
        }
        return row
    }

    func emailValues(_ index: Int) -> SeedRow {
        let email = crm.email(at: index)
        var row = SeedRow(created: email.createdAt, modified: email.updatedAt, owner: email[.owner])
        row.text("subject", email[.subject])
        row.text("description", email[.html])
        row.put("directioncode", .bool(!email.isIncoming))
        row.text("sender", email.from.email)
        row.text("torecipients", email.to.map(\.email).joined(separator: ";"))
        row.text("actualend", DateForm.text(email.sentAt))
        refer(
            &row, "regardingobjectid", index,
            [(.emailToDeal, "opportunity"), (.emailToContact, "contact"), (.emailToCompany, "account")])
        row.close(email.isIncoming ? (1, 4) : (1, 3))
        return row
    }

    /// Senders and recipients; the contacts that an e-mail is linked with are those outside, in their order.
    func fillParties() throws {
        var number = 1
        for index in 0..<crm.counts.emails where !crm.isArchived(.email, at: index) {
            let email = crm.email(at: index)
            let activity = RecordID.guid(code: 4202, number: Int64(crm.id(of: .email, at: index)))
            var contacts = crm.links(.emailToContact, from: index).filter { $0.toIndex != nil }.map(\.toID)[...]
            let lists = [(1, [email.from], email.isIncoming), (2, email.to, !email.isIncoming), (3, email.cc, true)]
            for (role, addresses, isOutside) in lists {
                for address in addresses {
                    var row = SeedRow(created: email.createdAt, modified: email.updatedAt, owner: nil)
                    row.refer("activityid", "email", activity)
                    row.put("participationtypemask", .number(String(role)))
                    row.text("addressused", address.email)
                    if isOutside, let contact = contacts.popFirst() {
                        row.refer("partyid", "contact", RecordID.guid(code: 2, number: Int64(contact)))
                    }
                    try insert(row, "activityparty", number: number)
                    number += 1
                }
            }
        }
    }

    /// Every third e-mail has a file attached, one of the synthetic CRM's.
    func fillAttachments() throws {
        guard crm.counts.files > 0 else { return }
        for index in stride(from: 0, to: crm.counts.emails, by: 3) where !crm.isArchived(.email, at: index) {
            let file = crm.file(at: index % crm.counts.files)
            let email = crm.id(of: .email, at: index)
            var row = SeedRow(created: file.createdAt, modified: file.updatedAt, owner: nil)
            row.text("filename", file.name)
            row.text("mimetype", file.mimeType)
            row.put("filesize", .number(String(file.size)))
            row.put("attachmentnumber", 1)
            row.put("objecttypecode", "email")
            row.put(DocumentBodies.syntheticFile, .number(String(file.index)))
            row.refer("objectid", "email", RecordID.guid(code: 4202, number: Int64(email)))
            try insert(row, "activitymimeattachment", number: email)
        }
    }

    /// A note has one record that it is about: a deal before a contact before a company. What hangs on a note hangs on
    /// nothing here.
    func fileValues(_ index: Int) -> SeedRow {
        let file = crm.file(at: index)
        var row = SeedRow(created: file.createdAt, modified: file.updatedAt, owner: file[.owner])
        row.text("filename", file.name)
        row.text("subject", file.name)
        row.text("mimetype", file.mimeType)
        row.put("isdocument", true)
        row.put("filesize", .number(String(file.size)))
        row.put(DocumentBodies.syntheticFile, .number(String(index)))
        refer(
            &row, "objectid", index,
            [(.fileToDeal, "opportunity"), (.fileToContact, "contact"), (.fileToCompany, "account")])
        return row
    }
}
