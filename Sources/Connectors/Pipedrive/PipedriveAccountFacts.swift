// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import Synchronization

/// Whose company it is, and what the token's user may do there (`GET /users/me` of version 1).
final class PipedriveAccountFacts: Sendable {
    private let connection: PipedriveConnection
    private let known = Mutex<JSONValue?>(nil)

    init(_ connection: PipedriveConnection) { self.connection = connection }

    func report() async throws -> AccountReport {
        let user = try await ownUser()
        var report = AccountReport(account: try await identity())
        report.user = user["id"]?.text.map { "user \($0)" }
        report.apiVersion = "\(connection.paths.version), and \(connection.paths.formerVersion) for what it lacks"
        for (name, key) in [
            ("company", "company_name"), ("domain", "company_domain"), ("country", "company_country"),
            ("currency", "default_currency"), ("time zone", "timezone_name"),
        ] {
            if let value = user[key]?.text { report.facts.append(.init(name, value)) }
        }
        // Others' records are seen by their visibility, unless by an administrator.
        let isAdmin = (user["access"]?.elements ?? []).contains { entry in
            ["sales", "global"].contains(entry["app"]?.text) && entry["admin"]?.bool == true
        }
        if !isAdmin { report.missingRights.append("administrator of Sales, to see the records of everybody") }
        report.unknown.append("tokens of the day: Pipedrive tells neither how many there are nor how many are left")
        return report
    }

    func identity() async throws -> String {
        guard let company = try await ownUser()["company_id"]?.text else {
            throw MigratezError(.brokenResponse, "Pipedrive did not tell the company's number")
        }
        return "Pipedrive company \(company)"
    }

    /// Notes and files have no page of their own.
    func recordAddress(of object: PipedriveObject, id: String) async throws -> String? {
        guard object != .note, object != .file, let domain = try await ownUser()["company_domain"]?.text else {
            return nil
        }
        let path = object == .activity ? "activities" : object.rawValue
        return "https://\(domain).pipedrive.com/\(path)/\(id)"
    }

    func leadAddress(_ id: String) async throws -> String? {
        guard let domain = try await ownUser()["company_domain"]?.text else { return nil }
        return "https://\(domain).pipedrive.com/leads/inbox/\(id)"
    }

    /// Asked for once.
    private func ownUser() async throws -> JSONValue {
        if let user = known.withLock({ $0 }) { return user }
        let user = try await connection.client.data(connection.paths.ownUser, [], .formerRead)
        known.withLock { $0 = user }
        return user
    }
}
