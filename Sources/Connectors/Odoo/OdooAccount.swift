// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Whose database it is, and what the key may do there.
struct OdooAccount: Sendable {
    private let connection: OdooConnection

    init(_ connection: OdooConnection) { self.connection = connection }

    /// - Parameter verb: `read`, `create`, `write`: what the work at hand takes.
    func report(needing verb: String, on objects: [OdooObject]) async throws -> AccountReport {
        var report = AccountReport(account: try await identity())
        let version = try await connection.client.version()
        report.apiVersion = connection.client.interface.rawValue
        report.edition = version.map { "Odoo \($0)" }
        let id = try await connection.catalog.userID()
        let user = try await connection.catalog.records(of: "res.users", ids: [id], fields: ["login"]).first
        report.user = user?["login"]?.text
        for model in Set(objects.map(\.model)).sorted() {
            let isAllowed = try await report.asking("rights on \(model)") { try await may(verb, model) }
            if isAllowed == false { report.missingRights.append("\(verb) \(model)") }
        }
        report.unknown.append("requests allowed: the server has no such limit; a proxy before it may")
        return report
    }

    /// The method was renamed in version 18 (documentation, "Changelog"); JSON-2 came after that.
    private func may(_ verb: String, _ model: String) async throws -> Bool {
        let operation = JSONValue.Member("operation", .string(verb))
        switch connection.client.interface {
        case .json2:
            return try await connection.client.value(
                OdooClient.Call(model, "has_access", on: [], [operation])
            ).bool == true
        case .jsonRPC:
            return try await connection.client.value(
                OdooClient.Call(model, "check_access_rights", [operation, .init("raise_exception", false)])
            ).bool == true
        }
    }

    /// The moment in which a database was made is that of its first company, which everybody may read; its name and its
    /// address may change.
    func identity() async throws -> String {
        let companies = try await connection.catalog.records(of: "res.company", fields: ["create_date"])
        guard let created = companies.first?["create_date"]?.text else {
            throw MigratezError(.brokenResponse, "Odoo did not tell when the database was made")
        }
        let host = connection.client.baseURL.split(separator: "/").last.map(String.init) ?? ""
        return "Odoo database \(connection.client.database ?? "at \(host)") of \(created)"
    }

    func recordAddress(of object: OdooObject, id: String) -> String? {
        let base = connection.client.baseURL
        return switch connection.client.interface {
        // Since version 18 (documentation, "Web client", URLs).
        case .json2: "\(base)/odoo/\(object.model)/\(id)"
        case .jsonRPC: "\(base)/web#id=\(id)&model=\(object.model)&view_type=form"
        }
    }
}
