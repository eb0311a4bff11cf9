// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Whose org it is, what the user may do there, and how much is left of what the org may use.
///
/// Source: REST API Developer Guide, "Limits" and "Describe Global"; OpenID Connect's userinfo endpoint; Object
/// Reference, "Organization".
struct SalesforceAccount: Sendable {
    private let api: SalesforceAPI

    init(_ api: SalesforceAPI) { self.api = api }

    /// - Parameter rights: the members of a described object that must be true.
    func report(rights: [String], on objects: [String]) async throws -> AccountReport {
        // The first call logs in: whoever is refused is refused here.
        let limits = try await api.json(api.request(.get, "/limits", endpointClass: "account"))
        var report = AccountReport(account: "Salesforce org")
        report.apiVersion = api.version
        let user = try await report.asking("the user") {
            try await api.json(api.request(.get, "/services/oauth2/userinfo", endpointClass: "account"))
        }
        report.user = user?["preferred_username"]?.text
        try await addOrganization(to: &report)
        for (key, name) in Self.allowanceNames {
            guard let limit = limits[key]?["Max"]?.int, let remaining = limits[key]?["Remaining"]?.int else { continue }
            report.allowances.append(Allowance(name, limit: limit, remaining: remaining))
        }
        try await add(rights, on: objects, to: &report)
        return report
    }

    /// The organisation's id, or the address where it is reached if the user may not ask for that.
    func identity() async throws -> String {
        do {
            let user = try await api.json(api.request(.get, "/services/oauth2/userinfo", endpointClass: "account"))
            if let id = user["organization_id"]?.text { return "Salesforce organisation \(id)" }
        } catch let error as MigratezError where error.code == .permissionMissing || error.code == .requestRefused {
            // Not every token has the scope that this takes.
        }
        return "Salesforce organisation at \(api.address)"
    }

    private static let allowanceNames = [
        ("DailyApiRequests", "API requests in 24 hours"), ("DailyBulkApiBatches", "bulk batches in 24 hours"),
        ("DataStorageMB", "MB of data storage"), ("FileStorageMB", "MB of file storage"),
    ]

    private func addOrganization(to report: inout AccountReport) async throws {
        let found = try await report.asking("the organization") {
            var records: [JSONValue] = []
            try await api.query("SELECT Name,OrganizationType,IsSandbox,InstanceName FROM Organization") {
                records.append($0)
            }
            return records.first
        }
        guard let organization = found ?? nil else { return }
        if let name = organization["Name"]?.text { report.account = name }
        report.edition = organization["OrganizationType"]?.text
        if organization["IsSandbox"]?.bool == true { report.facts.append(.init("kind", "sandbox")) }
        if let instance = organization["InstanceName"]?.text { report.facts.append(.init("instance", instance)) }
    }

    /// An object that the user may not see is not in the list at all.
    private func add(_ rights: [String], on objects: [String], to report: inout AccountReport) async throws {
        let answer = try await report.asking("rights on objects") {
            try await api.json(api.request(.get, "/sobjects", endpointClass: "describe"))
        }
        guard let answer else { return }
        let described = Dictionary(
            (answer["sobjects"]?.elements ?? []).map { ($0["name"]?.text ?? "", $0) }, uniquingKeysWith: { $1 })
        for object in objects {
            guard let given = described[object] else {
                report.missingRights.append("see \(object)")
                continue
            }
            for right in rights where given[right]?.bool != true {
                report.missingRights.append("\(right == "queryable" ? "read" : "create") \(object)")
            }
        }
    }
}
