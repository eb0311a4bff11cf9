// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Which contacts take part in a deal, and as what.
///
/// Source: zoho/crm-oas, `contact_roles.json`: a related list of deals whose rows have the contacts' ids, up to 100 a
/// call; writing one that is there gives it another role.
struct ContactRoles {
    private static let firstRoleID: Int64 = 554_023_000_000_006_801

    let organisation: Organisation
    let session: DocumentSession
    let request: SimulatorRequest
    let now: Timestamp

    /// The roles that there are.
    func catalogue() -> SimulatorResponse {
        let roles = StandardModules.contactRoles.enumerated().map { number, name -> JSONValue in
            [
                "id": .string(Self.roleID(number)), "name": .string(name),
                "sequence_number": .number(String(number + 1)),
            ]
        }
        return .json(JSONValue.object([.init("contact_roles", .array(roles))]).serialized())
    }

    func list(of deal: String) throws -> SimulatorResponse {
        _ = try existing("Deals", deal)
        let fields = request.queryList("fields")
        guard !fields.isEmpty else { throw ZohoFailure.missing(parameter: "fields") }
        let perPage = min(request.query("per_page").flatMap { Int($0) } ?? 200, 200)
        let page = max(request.query("page").flatMap { Int($0) } ?? 1, 1)
        let links = try session.documents(
            Organisation.Table.contactRoles, where: .member("deal", .equals, .string(deal)),
            offset: (page - 1) * perPage, limit: perPage + 1)
        guard !links.isEmpty else { return .empty() }
        let shown = links.prefix(perPage).map { link -> JSONValue in
            let role = link.document["role"]?.text.flatMap { Self.role($0) }
            return [
                "id": link.document["contact"] ?? .null,
                "Contact_Role": role.map { ["name": .string($0.name), "id": .string($0.id)] } ?? .null,
            ]
        }
        return .json(
            JSONValue.object([
                .init("data", .array(Array(shown))),
                .init(
                    "info",
                    [
                        "per_page": .number(String(perPage)), "count": .number(String(shown.count)),
                        "page": .number(String(page)), "more_records": .bool(links.count > perPage),
                    ]),
            ]).serialized())
    }

    func put(_ deal: String, _ body: JSONValue) throws -> SimulatorResponse {
        _ = try existing("Deals", deal)
        let rows = body["data"]?.elements ?? []
        guard (1...100).contains(rows.count) else { throw ZohoFailure.invalid("data", "invalid data") }
        var answers: [JSONValue] = []
        var failed = 0
        for (number, row) in rows.enumerated() {
            do {
                let contact = row["id"]?.text ?? ""
                guard try existing("Contacts", contact) else {
                    throw RowFailure("INVALID_DATA", "the id given seems to be invalid", field: "id", row: number)
                }
                let role = row["Contact_Role"]?["id"]?.text ?? row["Contact_Role"]?["name"]?.text
                guard role == nil || Self.role(role ?? "") != nil else {
                    throw RowFailure("INVALID_DATA", "invalid data", field: "Contact_Role", row: number)
                }
                try store(deal, contact, role.flatMap { Self.role($0)?.id })
                answers.append([
                    "code": "SUCCESS", "details": ["id": .string(contact)], "message": "relation updated",
                    "status": "success",
                ])
            } catch let failure as RowFailure {
                failed += 1
                answers.append(failure.json)
            }
        }
        return RecordWriting.answer(answers, failed: failed, good: 200)
    }

    func delete(_ deal: String) throws -> SimulatorResponse {
        let ids = request.queryList("ids")
        guard (1...100).contains(ids.count) else { throw ZohoFailure.missing(parameter: "ids") }
        var answers: [JSONValue] = []
        var failed = 0
        for contact in ids {
            guard let link = try link(deal, contact) else {
                failed += 1
                answers.append(
                    RowFailure("INVALID_DATA", "the relation does not exist", [.init("id", .string(contact))]).json)
                continue
            }
            try session.erase(Organisation.Table.contactRoles, link.id)
            answers.append([
                "code": "SUCCESS", "details": ["id": .string(contact)], "message": "relation removed",
                "status": "success",
            ])
        }
        return RecordWriting.answer(answers, failed: failed, good: 200)
    }

    /// - Parameter role: its id.
    func store(_ deal: String, _ contact: String, _ role: String?) throws {
        let document: JSONValue = [
            "deal": .string(deal), "contact": .string(contact), "role": role.map { .string($0) } ?? .null,
        ]
        if let link = try link(deal, contact) {
            try session.replace(Organisation.Table.contactRoles, link.id, with: document, at: now)
        } else {
            try session.insert(Organisation.Table.contactRoles, document, at: now)
        }
    }

    private func link(_ deal: String, _ contact: String) throws -> StoredDocument? {
        try session.documents(
            Organisation.Table.contactRoles,
            where: .and([
                .member("deal", .equals, .string(deal)), .member("contact", .equals, .string(contact)),
            ]), limit: 1
        ).first
    }

    /// Whether there is such a record; a deal that is not there is refused as an address.
    private func existing(_ module: String, _ id: String) throws -> Bool {
        let table = RecordTable(
            organisation: organisation, session: session, module: try organisation.module(module))
        let isThere = try table.record(id) != nil
        if !isThere, module == "Deals" {
            throw ZohoFailure(400, "INVALID_DATA", "the related id given seems to be invalid")
        }
        return isThere
    }

    static func roleID(_ number: Int) -> String { String(firstRoleID + Int64(number) * 2) }

    /// The role by its id or its name.
    private static func role(_ text: String) -> (id: String, name: String)? {
        for (number, name) in StandardModules.contactRoles.enumerated()
        where text == name || text == roleID(number) {
            return (roleID(number), name)
        }
        return nil
    }
}
