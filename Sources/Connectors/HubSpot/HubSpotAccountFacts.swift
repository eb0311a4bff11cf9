// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import Synchronization

/// Whose account it is, what the token may do there, and how much of the day is left.
///
/// Source: developers.hubspot.com, "Account information API" and "Private apps" (token information); the scopes that
/// reading takes: "Scopes".
final class HubSpotAccountFacts: Sendable {
    private let connection: HubSpotConnection
    private let known = Mutex<JSONValue?>(nil)

    init(_ connection: HubSpotConnection) { self.connection = connection }

    /// - Parameter scopes: what the work at hand takes.
    func report(needing scopes: Set<String>) async throws -> AccountReport {
        let paths = connection.paths
        let details = try await accountDetails()
        var report = AccountReport(account: "HubSpot account \(details["portalId"]?.text ?? "of an unknown number")")
        report.apiVersion = paths.version == "v3" ? "v3, associations v4" : paths.version
        report.edition = details["accountType"]?.text
        for (name, key) in [
            ("time zone", "timeZone"), ("currency", "companyCurrency"), ("data in", "dataHostingLocation"),
        ] {
            if let value = details[key]?.text { report.facts.append(.init(name, value)) }
        }
        try await addScopes(needing: scopes, to: &report)
        try await addUsage(to: &report)
        return report
    }

    func identity() async throws -> String {
        guard let portal = try await accountDetails()["portalId"]?.text else {
            throw MigratezError(.brokenResponse, "HubSpot did not tell the account's number")
        }
        return "HubSpot account \(portal)"
    }

    /// Records can be opened at the account's own domain; activities have no page of their own.
    func recordAddress(of object: HubSpotObject, id: String) async throws -> String? {
        var typeID = object.typeID
        if typeID == nil, object.isCustom {
            typeID = try await HubSpotCatalog(connection).customObject(object).typeID
        }
        guard let typeID else { return nil }
        let details = try await accountDetails()
        guard let domain = details["uiDomain"]?.text, let portal = details["portalId"]?.text else { return nil }
        return "https://\(domain)/contacts/\(portal)/record/\(typeID)/\(id)"
    }

    /// Asked for once.
    private func accountDetails() async throws -> JSONValue {
        if let details = known.withLock({ $0 }) { return details }
        let details = try await value(connection.paths.accountInfo("details"))
        known.withLock { $0 = details }
        return details
    }

    /// HubSpot tells the scopes of tokens of private apps; for other tokens a missing scope shows as a refusal only.
    private func addScopes(needing needed: Set<String>, to report: inout AccountReport) async throws {
        guard !connection.tokens.isRenewable else {
            report.unknown.append("scopes: HubSpot is asked for those of private apps only")
            return
        }
        let token = try await connection.tokens.fetch().secret
        let body: JSONValue = token.withExposed { ["tokenKey": .string($0)] }
        let answer = try await report.asking("scopes") {
            try await connection.client.post("/oauth/v2/private-apps/get/access-token-info", [], body, class: "account")
        }
        guard let answer else { return }
        let info = answer.withUnsafeBufferPointer { JSONValue(validated: $0) }
        report.user = info["userId"]?.text.map { "user \($0)" }
        report.scopes = (info["scopes"]?.elements ?? []).compactMap(\.text).sorted()
        let all = needed.union(["crm.objects.owners.read"])
        report.missingRights = all.subtracting(report.scopes).sorted()
    }

    private func addUsage(to report: inout AccountReport) async throws {
        let usage = try await report.asking("requests of the day") {
            try await value(connection.paths.accountInfo("api-usage/daily/private-apps"))
        }
        for result in usage?["results"]?.elements ?? [] {
            guard let limit = result["usageLimit"]?.int, let used = result["currentUsage"]?.int else { continue }
            report.allowances.append(
                Allowance(
                    "requests a day", limit: limit, remaining: max(0, limit - used),
                    resetsAt: result["resetsAt"]?.text))
        }
    }

    private func value(_ path: String) async throws -> JSONValue {
        try await connection.client.value(path, [], class: "account")
    }
}
