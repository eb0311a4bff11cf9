// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
import Synchronization

/// Whose account it is, what the token may do there, and how much of the day is left.
///
/// Source: developers.hubspot.com, "Account information API" and "Private apps" (token information); the scopes that
/// reading takes: "Scopes".
extension HubSpotSource {
    package func account(for objects: [StreamName]) async throws -> AccountReport {
        let details = try await accountDetails()
        var report = AccountReport(account: "HubSpot account \(details["portalId"]?.text ?? "of an unknown number")")
        report.apiVersion = settings.paths.version == "v3" ? "v3, associations v4" : settings.paths.version
        report.edition = details["accountType"]?.text
        for (name, key) in [
            ("time zone", "timeZone"), ("currency", "companyCurrency"), ("data in", "dataHostingLocation"),
        ] {
            if let value = details[key]?.text { report.facts.append(.init(name, value)) }
        }
        try await addScopes(for: objects, to: &report)
        try await addUsage(to: &report)
        return report
    }

    package func identity() async throws -> String {
        guard let portal = try await accountDetails()["portalId"]?.text else {
            throw MigratezError(.brokenResponse, "HubSpot did not tell the account's number")
        }
        return "HubSpot account \(portal)"
    }

    /// Records can be opened at the account's own domain; activities have no page of their own.
    package func recordAddress(of object: StreamName, id: String) async throws -> String? {
        guard let typeID = HubSpotObject(object).typeID else { return nil }
        let details = try await accountDetails()
        guard let domain = details["uiDomain"]?.text, let portal = details["portalId"]?.text else { return nil }
        return "https://\(domain)/contacts/\(portal)/record/\(typeID)/\(id)"
    }

    /// Asked for once.
    private func accountDetails() async throws -> JSONValue {
        if let known = accountMemory.details { return known }
        let details = try await value(settings.paths.accountInfo("details"), [])
        accountMemory.details = details
        return details
    }

    /// HubSpot tells the scopes of tokens of private apps; for other tokens a missing scope shows as a refusal only.
    private func addScopes(for objects: [StreamName], to report: inout AccountReport) async throws {
        guard !tokens.isRenewable else {
            report.unknown.append("scopes: HubSpot is asked for those of private apps only")
            return
        }
        let token = try await tokens.fetch().secret
        let body: JSONValue = token.withExposed { ["tokenKey": .string($0)] }
        let answer = try await report.asking("scopes") {
            try await client.post("/oauth/v2/private-apps/get/access-token-info", [], body, class: "account")
        }
        guard let answer else { return }
        let info = answer.withUnsafeBufferPointer { JSONValue(validated: $0) }
        report.user = info["userId"]?.text.map { "user \($0)" }
        report.scopes = (info["scopes"]?.elements ?? []).compactMap(\.text).sorted()
        let needed = Set(objects.flatMap { HubSpotObject($0).readScopes } + ["crm.objects.owners.read"])
        report.missingRights = needed.subtracting(report.scopes).sorted()
    }

    private func addUsage(to report: inout AccountReport) async throws {
        let usage = try await report.asking("requests of the day") {
            try await value(settings.paths.accountInfo("api-usage/daily/private-apps"), [])
        }
        for result in usage?["results"]?.elements ?? [] {
            guard let limit = result["usageLimit"]?.int, let used = result["currentUsage"]?.int else { continue }
            report.allowances.append(
                Allowance(
                    "requests a day", limit: limit, remaining: max(0, limit - used),
                    resetsAt: result["resetsAt"]?.text))
        }
    }

    // MARK: Planning

    package func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        let pages = max(1, (records + settings.pageRecords - 1) / settings.pageRecords)
        return [CallEstimate("list \(HubSpotObject(object).type)", pages, secondsEach: 0.1...0.6)]
    }

    package func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] {
        let batches = (records + HubSpotSource.linkIDsMax - 1) / HubSpotSource.linkIDsMax
        return [
            CallEstimate(
                "associations \(HubSpotObject(from).type) → \(HubSpotObject(to).type)", batches, secondsEach: 0.2...1)
        ]
    }
}

/// What the account said of itself.
final class AccountMemory: Sendable {
    private let state = Mutex<JSONValue?>(nil)

    var details: JSONValue? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
