// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
package import MigratezModel
package import MigratezSimulatorKit

/// A server that speaks the interfaces of the Salesforce Platform over records in SQLite.
///
/// Written from the vendor's documentation (crm-apis: Salesforce), without a line of the connector's. What is simplified
/// is said where it is; what it does not know it answers with 404. The methods besides `respond` are for checks: they
/// see what is stored, without requests.
package final class SalesforceSimulator: SimulatorService {
    private let org: Org

    /// - Parameter databasePath: a file that keeps the records, or continues with those that it has; `nil` forgets them.
    package init(
        options: OrgOptions = OrgOptions(), databasePath: String? = nil, clock: any WallClock = SystemWallClock()
    ) throws {
        org = try Org(options: options, databasePath: databasePath, clock: clock)
    }

    package func respond(to request: SimulatorRequest) async -> SimulatorResponse {
        // crm-apis: Salesforce, section 4.
        guard request.target.utf8.count <= 16_384 else { return .text("URI Too Long", status: 414) }
        let path = request.path
        guard path.first == "services" else { return APIFailure.noSuchResource.response }
        switch (request.method, path.dropFirst().first, path.count) {
        case (.post, "oauth2", 3) where path[2] == "token":
            return org.sessions.token(request, now: org.clock.now)
        case (.post, "oauth2", 3) where path[2] == "revoke":
            return org.sessions.revoke(request)
        case (.get, "oauth2", 3) where path[2] == "userinfo": return await userInfo(request)
        case (.get, "data", 2): return .json(versions())
        case (_, "data", 3...): return await answer(request)
        default: return APIFailure.noSuchResource.response
        }
    }

    private func answer(_ request: SimulatorRequest) async -> SimulatorResponse {
        let now = org.clock.now
        guard let version = version(request.path[2]) else { return APIFailure.noSuchResource.response }
        guard let user = org.sessions.user(of: request, now: now) else {
            return APIFailure(401, "INVALID_SESSION_ID", "Session expired or invalid").response
        }
        let (used, isRefused) = org.usage.take(at: now)
        var response: SimulatorResponse
        if isRefused {
            response = APIFailure(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").response
        } else {
            do {
                response = try await org.store.queue.writeWithoutTransaction { [org] db in
                    RequestHandler(org: org, db: db, userID: user, api: version, now: now.milliseconds).answer(request)
                }
            } catch {
                response = APIFailure(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred").response
            }
        }
        response.headers["Sforce-Limit-Info"] = "api-usage=\(used)/\(org.options.dailyRequestsMax)"
        return response
    }

    /// OpenID Connect's endpoint: whom the token stands for.
    private func userInfo(_ request: SimulatorRequest) async -> SimulatorResponse {
        guard let user = org.sessions.user(of: request, now: org.clock.now), let id = RecordID(user) else {
            return .text("Bad_OAuth_Token", status: 403)
        }
        let answer = try? await org.store.queue.read { db -> [UInt8]? in
            let sql = "SELECT Username, Name, Email FROM \"User\" WHERE n = ?"
            guard let row = try Row.fetchOne(db, sql: sql, arguments: [id.ordinal]) else { return nil }
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("user_id", user)
            writer.member("organization_id", "00DMz0000000001AAA")
            writer.member("preferred_username", row["Username"] as String?)
            writer.member("name", row["Name"] as String?)
            writer.member("email", row["Email"] as String?)
            writer.endObject()
            return writer.bytes
        }
        guard let answer = answer ?? nil else { return .text("Bad_Id", status: 404) }
        return .json(answer)
    }

    /// `v67.0` as it is, if that version exists.
    private func version(_ text: String) -> String? {
        guard text.hasPrefix("v"), text.hasSuffix(".0"), let number = Int(text.dropFirst().dropLast(2)),
            org.options.apiVersions.contains(number)
        else { return nil }
        return text
    }

    private func versions() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginArray()
        for number in org.options.apiVersions {
            writer.beginObject()
            // v67 is Summer '26; three releases a year (crm-apis: Salesforce, section 1).
            let season = ["Spring", "Summer", "Winter"][(number - 66 + 300) % 3]
            let year = 26 + (number - 66 + 300) / 3 - 100 + (season == "Winter" ? 1 : 0)
            writer.member("label", "\(season) '\(year)")
            writer.member("url", "/services/data/v\(number).0")
            writer.member("version", "\(number).0")
            writer.endObject()
        }
        writer.endArray()
        return writer.bytes
    }

    package func route(of request: SimulatorRequest) -> SimulatorRoute { RouteNames.route(of: request) }

    package func failure(status: Int, for request: SimulatorRequest) -> SimulatorResponse {
        switch status {
        case 401: APIFailure(401, "INVALID_SESSION_ID", "Session expired or invalid").response
        case 403: APIFailure(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").response
        case 503: APIFailure(503, "SERVER_UNAVAILABLE", "Server unavailable").response
        default: APIFailure(status, "UNKNOWN_EXCEPTION", "An unexpected error occurred").response
        }
    }

    package func state() async -> [UInt8] {
        let counts = try? await org.store.queue.read { [org] db in try Inspection(org.store, db).state() }
        return counts ?? Array("{}".utf8)
    }
}

// MARK: - For checks
extension SalesforceSimulator {
    /// Records of an object that are not deleted.
    package func count(of object: String) throws -> Int {
        try org.store.queue.read { try Inspection(org.store, $0).count(of: object) }
    }

    /// Every record of an object, in order of creation, as JSON with all its fields as the REST interface shows them;
    /// the content of files and notes is in `VersionData` and `Content` in base64.
    package func records(
        of object: String, includingDeleted: Bool = false, _ body: ([UInt8]) throws -> Void
    ) throws {
        try org.store.queue.read {
            try Inspection(org.store, $0).records(of: object, includingDeleted: includingDeleted, body)
        }
    }

    /// Values of a field that more than one record has, with how many.
    package func duplicates(of object: String, by field: String) throws -> [(value: String, count: Int)] {
        try org.store.queue.read { try Inspection(org.store, $0).duplicates(of: object, by: field) }
    }

    /// Archives the tasks and events of days before `day` (`2025-01-01`), as the platform does with old ones.
    package func archiveActivities(before day: String) throws {
        try org.store.queue.write { db in
            for object in ["Task", "Event"] {
                try db.execute(sql: "UPDATE \(object) SET IsArchived = 1 WHERE ActivityDate < ?", arguments: [day])
            }
        }
    }
}
