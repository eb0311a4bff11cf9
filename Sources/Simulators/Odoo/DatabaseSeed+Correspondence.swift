// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Leads, e-mails, products and files.
extension DatabaseSeed {
    func fillLeads(_ crm: SyntheticCRM) throws {
        let (people, companies) = (crm.links(.leadToContact), crm.links(.leadToCompany))
        for index in 0..<crm.counts.leads {
            let lead = crm.lead(at: index)
            let contact = people.links(from: index).compactMap(\.toIndex).first.flatMap { partners[.contact]?[$0] }
            let company = companies.links(from: index).compactMap(\.toIndex).first
                .flatMap { partners[.company]?[$0] }
            _ = try create(
                "crm.lead",
                [
                    "type": "lead", "name": Self.name(lead[.name]),
                    "contact_name": Self.text(
                        [lead.firstName, lead.lastName].compactMap(\.self).joined(separator: " ")),
                    "partner_name": Self.text(lead.companyName), "email_from": Self.text(lead.email),
                    "phone": Self.text(lead.phone), "partner_id": Self.id(contact ?? company),
                    "user_id": Self.id(user(lead[.owner])),
                    "active": .bool(lead[.stage] != "unqualified-stage-id" && !crm.isArchived(.lead, at: index)),
                ], at: lead.createdAt)
        }
    }

    /// An e-mail has one document; one that hangs on nothing is no e-mail of a record's, and is left out.
    func fillEmails(_ crm: SyntheticCRM) throws {
        let links = (crm.links(.emailToDeal), crm.links(.emailToContact), crm.links(.emailToCompany))
        for index in 0..<crm.counts.emails where !crm.isArchived(.email, at: index) {
            guard let document = document(index, links.0, links.1, links.2) else { continue }
            let email = crm.email(at: index)
            let recipients = links.1.links(from: index).compactMap(\.toIndex).compactMap { partners[.contact]?[$0] }
            let author = email.isIncoming ? nil : email[.owner].flatMap { Int($0) }.flatMap { users[$0]?.partner }
            _ = try create(
                "mail.message",
                [
                    "message_type": email.isIncoming ? "email" : "email_outgoing",
                    "subject": Self.text(email[.subject]),
                    "body": Self.text(email[.html]), "date": .string(InstantText.text(email.sentAt)),
                    "email_from": .string(email.from.email), "author_id": Self.id(author),
                    "partner_ids": [[6, 0, .array(recipients.map { .number(String($0)) })]],
                    "model": .string(document.model), "res_id": Self.id(document.id),
                ], at: email.createdAt)
        }
    }

    func fillProducts(_ crm: SyntheticCRM) throws {
        for index in 0..<crm.counts.products {
            let product = crm.product(at: index)
            func number(_ text: String?) -> JSONValue { text.flatMap { Double($0) == nil ? nil : .number($0) } ?? 0 }
            _ = try create(
                "product.template",
                [
                    "name": Self.name(product[.name]), "default_code": Self.text(product[.sku]),
                    "list_price": number(product[.price]), "standard_price": number(product[.cost]),
                    "description_sale": Self.text(product[.description]),
                    "active": .bool(!crm.isArchived(.product, at: index)),
                ], at: product.createdAt)
        }
    }

    /// A file has one document; what hangs on a note alone hangs on nothing here, and is left out.
    func fillFiles(_ crm: SyntheticCRM) throws {
        let links = (crm.links(.fileToDeal), crm.links(.fileToContact), crm.links(.fileToCompany))
        for index in 0..<crm.counts.files where !crm.isArchived(.file, at: index) {
            guard let document = document(index, links.0, links.1, links.2) else { continue }
            let file = crm.file(at: index)
            let id = try create(
                AttachmentData.model,
                [
                    "name": Self.name(file.name), "res_model": .string(document.model),
                    "res_id": Self.id(document.id), "mimetype": .string(file.mimeType),
                ], at: file.createdAt)
            guard var attachment = try environment.session.document(AttachmentData.model, id)?.document.members else {
                continue
            }
            attachment += [
                .init(AttachmentData.syntheticFile, .number(String(index))),
                .init("file_size", .number(String(file.size))), .init("checksum", .string("seed-\(index)")),
            ]
            try environment.session.replace(
                AttachmentData.model, id, with: .object(attachment), at: file.createdAt)
        }
    }
}
