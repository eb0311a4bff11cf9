// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Whose environment it is, and what the application user may do there.
///
/// Source: Microsoft Learn, "WhoAmI Function", "RetrieveUserPrivileges Function", "Organization table".
struct DynamicsAccount: Sendable {
    private let connection: DynamicsConnection
    private var api: DynamicsAPI { connection.api }

    init(_ connection: DynamicsConnection) { self.connection = connection }

    /// - Parameter rights: what must be allowed on each table: `Read`, `Create`, `Write`.
    func report(rights: [String], on objects: [String]) async throws -> AccountReport {
        // The first call logs in: whoever is refused is refused here.
        let me = try await api.json("WhoAmI", endpointClass: "account")
        var report = AccountReport(account: "Dynamics 365 environment")
        report.apiVersion = api.root.split(separator: "/").last.map(String.init)
        let organization = try await report.asking("the environment") {
            try await api.json("organizations", query: [("$select", "name,version")], endpointClass: "account")
        }
        if let name = organization?["value"]?[0]?["name"]?.text { report.account = "Dynamics 365 environment \(name)" }
        if let version = organization?["value"]?[0]?["version"]?.text {
            report.facts.append(.init("version", version))
        }
        guard let id = me["UserId"]?.text.flatMap(RecordID.init) else { return report }
        let user = try await report.asking("the user") {
            try await api.json(
                "systemusers(\(id.text))", query: [("$select", "fullname")], endpointClass: "account")
        }
        report.user = user?["fullname"]?.text
        try await add(rights, on: objects, of: id, to: &report)
        return report
    }

    /// The id of the organisation, which an environment is to itself.
    func identity() async throws -> String {
        guard let id = try await api.json("WhoAmI", endpointClass: "account")["OrganizationId"]?.text else {
            throw MigratezError(
                .brokenResponse, "the environment did not tell its id", remedy: .retry(after: nil))
        }
        return "Dynamics 365 environment \(id)"
    }

    /// The id of the user that requests are made for; `nil` if the environment did not say.
    func userID() async throws -> String? {
        try await api.json("WhoAmI", endpointClass: "account")["UserId"]?.text
    }

    private func add(
        _ rights: [String], on objects: [String], of user: RecordID, to report: inout AccountReport
    ) async throws {
        let answer = try await report.asking("privileges") {
            try await api.json(
                "systemusers(\(user.text))/Microsoft.Dynamics.CRM.RetrieveUserPrivileges", endpointClass: "account")
        }
        guard let answer else { return }
        let given = Set((answer["RolePrivileges"]?.elements ?? []).compactMap { $0["PrivilegeName"]?.text })
        for object in objects {
            let privileges: [String: String]
            do {
                privileges = try await connection.catalog.table(object).privileges
            } catch let error as MigratezError where error.code == .requestRefused {
                report.missingRights.append("see \(object)")
                continue
            }
            for right in rights {
                guard let name = privileges[right], !given.contains(name) else { continue }
                report.missingRights.append(name)
            }
        }
    }
}
