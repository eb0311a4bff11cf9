// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes, reads and takes away contacts' parts in deals.
struct DealRoleWriter: Sendable {
    /// Rows of one call.
    private static let rowsMax = 100

    let client: ZohoClient
    /// The role of rows that name none; `nil` = such rows are refused, because Zoho asks for one.
    let defaultRole: String?

    private var roles: DealRoles { DealRoles(client) }

    /// One row, understood.
    private struct Wish {
        var row: Batch.Row
        var id: DealRoleID
        /// The role's id; `nil` = whatever the contact has.
        var role: String?
    }

    func write(_ rows: [Batch.Row]) async throws -> [Receipt] {
        let catalogue = Dictionary(
            try await roles.catalogue().map { ($0.name.lowercased(), $0.id) }, uniquingKeysWith: { first, _ in first })
        var receipts: [Receipt] = []
        var wishes: [String: [Wish]] = [:]
        for row in rows {
            do {
                let wish = try wish(row, catalogue)
                wishes[wish.id.deal, default: []].append(wish)
            } catch {
                receipts.append(Receipt(key: row.key, result: .rejected(error)))
            }
        }
        for (deal, wishes) in wishes.sorted(by: { $0.key < $1.key }) {
            try Task.checkCancellation()
            receipts += try await write(wishes, in: deal, catalogue)
        }
        return receipts
    }

    private func wish(_ row: Batch.Row, _ catalogue: [String: String]) throws(Rejection) -> Wish {
        let fields = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        func end(_ name: String) -> String? { row.references.first { $0.field == name }?.targetID }
        let known = row.targetID.flatMap { DealRoleID($0) }
        guard let deal = known?.deal ?? end(DealRoles.dealField),
            let contact = known?.contact ?? end(DealRoles.contactField), ZohoID.isID(deal), ZohoID.isID(contact)
        else { throw Rejection(.parentNotLoaded, fields: [DealRoles.dealField, DealRoles.contactField]) }
        var wish = Wish(row: row, id: DealRoleID(deal: deal, contact: contact))
        if let name = fields[DealRoles.roleField]?.text, !name.isEmpty {
            guard let role = catalogue[name.lowercased()] else {
                throw Rejection(
                    .notInPicklist, fields: [DealRoles.roleField], reason: "the organisation has no such contact role")
            }
            wish.role = role
        }
        return wish
    }

    /// The rows of one deal. A contact that has a role already keeps it if the row names none.
    private func write(
        _ wishes: [Wish], in deal: String, _ catalogue: [String: String]
    ) async throws -> [Receipt] {
        let before = Dictionary(
            try await roles.roles(in: deal).map { ($0.contact, $0.name) }, uniquingKeysWith: { first, _ in first })
        // The roles' ids, of what is there and of what is sent.
        var held = before.compactMapValues { $0.flatMap { catalogue[$0.lowercased()] } }
        var receipts: [Receipt] = []
        var sent: [(wish: Wish, role: String)] = []
        for wish in wishes {
            let isThere = before.keys.contains(wish.id.contact)
            // Another label of the same link would take the place of the one that is there.
            if let role = wish.role, wish.row.targetID == nil,
                let held = held[wish.id.contact], held != role
            {
                receipts.append(
                    Receipt(
                        key: wish.row.key,
                        result: .rejected(
                            Rejection(
                                .duplicate, fields: [DealRoles.roleField],
                                reason: "the contact has another role in the deal, and Zoho keeps one"))))
                continue
            }
            if let role = wish.role ?? (isThere ? nil : defaultRole.flatMap { catalogue[$0.lowercased()] }) {
                sent.append((wish, role))
                held[wish.id.contact] = role
            } else if isThere {
                receipts.append(Receipt(key: wish.row.key, result: .updated(id: wish.id.text)))
            } else {
                receipts.append(
                    Receipt(
                        key: wish.row.key,
                        result: .rejected(
                            Rejection(
                                .requiredFieldMissing, fields: [DealRoles.roleField],
                                reason: "map a role, or set target.load.contact_role to one that the organisation has"))
                    ))
            }
        }
        for start in stride(from: 0, to: sent.count, by: Self.rowsMax) {
            let part = sent[start..<min(start + Self.rowsMax, sent.count)]
            let answers = try await put(part.map { (contact: $0.wish.id.contact, role: $0.role) }, in: deal)
            guard answers.count == part.count else {
                throw MigratezError(
                    .brokenResponse, "\(part.count) contact roles got \(answers.count) answers",
                    remedy: .retry(after: nil))
            }
            for ((wish, _), answer) in zip(part, answers) {
                let id = wish.id.text
                guard answer["status"]?.text == "success" else {
                    var rejection = ZohoRefusal(answer).rejection(
                        ObjectSchema(name: DealRoles.object, label: "", fields: []))
                    if rejection.fields == [ZohoModule.id] {
                        rejection.code = .parentNotLoaded
                        rejection.fields = [DealRoles.contactField]
                    }
                    receipts.append(Receipt(key: wish.row.key, result: .rejected(rejection)))
                    continue
                }
                let isThere = before.keys.contains(wish.id.contact)
                receipts.append(Receipt(key: wish.row.key, result: isThere ? .updated(id: id) : .created(id: id)))
            }
        }
        return receipts
    }

    /// Giving a contact the role that it has changes nothing, so a lost call may be sent again.
    private func put(_ rows: [(contact: String, role: String)], in deal: String) async throws -> [JSONValue] {
        let body: JSONValue = [
            "data": .array(
                rows.map { ["id": .string($0.contact), "Contact_Role": ["id": .string($0.role)]] })
        ]
        return try await client.write(.put, path(deal), [], body.serialized(), isRepeatable: true)
    }

    /// The rows whose contact takes part in the deal.
    func resolve(_ rows: [Batch.Row]) async throws -> [Receipt] {
        let ids = rows.filter { $0.targetID == nil }.compactMap { row -> (key: String, id: DealRoleID)? in
            guard let deal = row.references.first(where: { $0.field == DealRoles.dealField })?.targetID,
                let contact = row.references.first(where: { $0.field == DealRoles.contactField })?.targetID
            else { return nil }
            return (row.key, DealRoleID(deal: deal, contact: contact))
        }
        let current = try await current(of: ids.map(\.id))
        return ids.filter { current[$0.id] != nil }
            .map { Receipt(key: $0.key, result: .created(id: $0.id.text)) }
    }

    func read(_ ids: [String], fields: [String]) async throws -> [ReadBack] {
        let parts = ids.compactMap { DealRoleID($0) }
        let current = try await current(of: parts)
        return parts.compactMap { part in
            guard let role = current[part] else { return nil }
            let values: [String: JSONValue] = [
                DealRoles.dealField: .string(part.deal), DealRoles.contactField: .string(part.contact),
                DealRoles.roleField: role.name.map { .string($0) } ?? .null,
            ]
            let object = JSONValue.object(fields.map { .init($0, values[$0] ?? .null) })
            return ReadBack(id: part.text, key: nil, fields: object.serialized())
        }
    }

    func delete(_ ids: [String]) async throws -> [Deletion] {
        let parts = ids.map { DealRoleID($0) }
        let current = try await current(of: parts.compactMap(\.self))
        let there = Dictionary(grouping: Set(parts.compactMap(\.self)).filter { current[$0] != nil }, by: \.deal)
        for (deal, parts) in there.sorted(by: { $0.key < $1.key }) {
            let contacts = parts.map(\.contact).sorted()
            for start in stride(from: 0, to: contacts.count, by: Self.rowsMax) {
                let part = contacts[start..<min(start + Self.rowsMax, contacts.count)]
                _ = try await client.write(
                    .delete, path(deal), [("ids", part.joined(separator: ","))], isRepeatable: true)
            }
        }
        return zip(ids, parts).map { text, part in
            Deletion(id: text, result: part.map { current[$0] != nil } == true ? .deleted : .absent)
        }
    }

    /// Which of these there are.
    private func current(of parts: [DealRoleID]) async throws -> [DealRoleID: DealRoles.Role] {
        var current: [DealRoleID: DealRoles.Role] = [:]
        for deal in Set(parts.map(\.deal)).sorted() {
            for role in try await roles.roles(in: deal) {
                current[DealRoleID(deal: deal, contact: role.contact)] = role
            }
        }
        return current
    }

    private func path(_ deal: String) -> String { "/\(ZohoModule.deals)/\(deal)/\(DealRoles.object)" }
}
