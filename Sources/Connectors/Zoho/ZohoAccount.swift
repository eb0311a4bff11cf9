// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Whose organisation it is, whom the token stands for, and what that user may do.
///
/// Source: zoho.com/crm/developer, "Get organization data", "Get users", "Modules metadata".
struct ZohoAccount: Sendable {
    private let connection: ZohoConnection

    init(_ connection: ZohoConnection) { self.connection = connection }

    func identity() async throws -> String {
        "Zoho CRM organisation \(try await connection.catalog.organisation())"
    }

    func report(reading: [String], writing: [String]) async throws -> AccountReport {
        let organisation = try await organisation()
        var report = AccountReport(
            account: organisation["company_name"]?.text ?? "an organisation of Zoho CRM without a name")
        report.apiVersion = connection.access.version
        report.edition = organisation["license_details"]?["paid_type"]?.text
        for (name, key) in [("organisation", "zgid"), ("time zone", "time_zone"), ("currency", "iso_code")] {
            if let value = organisation[key]?.text { report.facts.append(.init(name, value)) }
        }
        report.facts.append(.init("data centre", connection.access.dataCenter.rawValue))
        let user = try await report.asking("user") {
            try await connection.client.value("/users", [("type", "CurrentUser")], class: "account")
        }
        report.user = user?["users"]?[0]?["full_name"]?.text
        report.unknown.append("scopes: Zoho does not list those of a token")
        if let modules = try await report.asking("rights", { try await connection.catalog.modules() }) {
            let byName = Dictionary(modules.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
            for name in reading where byName[name]?.isReadable == false { report.missingRights.append("view \(name)") }
            // Rows of a subform are written with the record that they belong to.
            for name in writing where byName[name]?.parent == nil && byName[name]?.isCreateable == false {
                report.missingRights.append("create \(name)")
            }
        }
        if let use = connection.limiter.dailyUse {
            report.allowances.append(
                Allowance("credits of 24 hours", limit: use.limit, remaining: max(0, use.limit - use.used)))
        } else {
            report.unknown.append("credits: Zoho tells what is left only once half is used")
        }
        return report
    }

    /// Where people look at a record; `nil` if the data centre's own pages are not where the organisation is.
    func recordAddress(of object: String, id: String) async throws -> String? {
        var (module, id) = (object, id)
        if let row = SubformRowID(id), let subform = try await connection.catalog.subform(object) {
            (module, id) = (subform.parent, row.record)
        }
        guard !connection.access.isBaseURLGiven, module != ZohoModule.notes, ZohoID.isID(id),
            let organisation = try await organisation()["zgid"]?.text
        else { return nil }
        return "\(connection.access.dataCenter.pages)/crm/org\(organisation)/tab/\(module)/\(id)"
    }

    private func organisation() async throws -> JSONValue {
        guard let organisation = try await connection.client.value("/org", class: "account")["org"]?[0] else {
            throw MigratezError(
                .brokenResponse, "Zoho's answer does not describe the organisation", remedy: .retry(after: nil))
        }
        return organisation
    }
}
