// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Contacts that take part in deals, each by a role, as an object that a pipeline writes to: `Contact_Roles`.
///
/// A row of it is one contact of one deal: its fields are `Deal`, `Contact` and `Role`. Zoho keeps one role for each pair, so
/// writing a row twice comes to the same.
///
/// Source: zoho/crm-oas, `contact_roles.json`; zoho.com/crm/developer, "Contact roles".
struct DealRoles: Sendable {
    static let object = "Contact_Roles"
    static let dealField = "Deal"
    static let contactField = "Contact"
    static let roleField = "Role"

    /// A contact of a deal.
    struct Role: Sendable, Hashable {
        var contact: String
        /// The role's name; `nil` if the contact has none.
        var name: String?
    }

    private static let pagesMax = 1_000

    let client: ZohoClient

    init(_ client: ZohoClient) { self.client = client }

    /// The contacts of a deal, to the last page; none if there is no such deal.
    func roles(in deal: String) async throws -> [Role] {
        var roles: [Role] = []
        for page in 1...Self.pagesMax {
            let answer: JSONValue
            do {
                answer = try await client.value(
                    "/\(ZohoModule.deals)/\(deal)/\(Self.object)",
                    [("fields", "Contact_Role"), ("page", String(page)), ("per_page", "200")], class: "related")
            } catch let error as MigratezError where error.callRefused?.refusal.code == "INVALID_DATA" {
                return []
            }
            roles += (answer["data"]?.elements ?? []).compactMap { row in
                row[ZohoModule.id]?.text.map { Role(contact: $0, name: row["Contact_Role"]?["name"]?.text) }
            }
            guard answer["info"]?["more_records"]?.bool == true else { return roles }
        }
        throw MigratezError(.cursorLoop, "the contacts of deal \(deal) have no end", remedy: .retry(after: nil))
    }

    /// The roles that the organisation has: name and id.
    func catalogue() async throws -> [(name: String, id: String)] {
        let answer = try await client.value("/Contacts/roles", class: "schema")
        return (answer["contact_roles"]?.elements ?? []).compactMap { role in
            guard let name = role["name"]?.text, let id = role[ZohoModule.id]?.text else { return nil }
            return (name, id)
        }
    }

    func schema() async throws -> ObjectSchema {
        let options = try await catalogue().map { FieldSchema.Option(value: $0.name, label: $0.name) }
        func end(_ name: String, _ module: String) -> FieldSchema {
            FieldSchema(
                name: name, label: name, kind: .reference, isRequired: true, isUpdateable: false, refersTo: [module])
        }
        return ObjectSchema(
            name: Self.object, label: "Contact roles",
            fields: [
                end(Self.dealField, ZohoModule.deals), end(Self.contactField, ZohoModule.contacts),
                FieldSchema(
                    name: Self.roleField, label: "Role", kind: .choice, options: options, isRestricted: true),
            ])
    }
}

/// The id of a contact's part in a deal, which Zoho has none for: `554…:554…`, the deal's and the contact's.
struct DealRoleID: Hashable {
    var deal: String
    var contact: String

    init(deal: String, contact: String) {
        self.deal = deal
        self.contact = contact
    }

    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts.allSatisfy(ZohoID.isID) else { return nil }
        self.init(deal: parts[0], contact: parts[1])
    }

    var text: String { "\(deal):\(contact)" }
}
