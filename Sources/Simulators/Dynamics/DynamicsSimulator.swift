// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel
package import MigratezSimulatorKit
package import MigratezSyntheticCRM

/// A server that speaks the Web API of Dataverse, on which Dynamics 365 stands, and the token endpoint of Entra ID.
///
/// Written from the vendor's documentation (crm-apis: Dynamics), without a line of the connector's. What it does not know
/// it answers with 404. The methods besides `respond` are for checks: they see what is stored, without requests.
package final class DynamicsSimulator: SimulatorService {
    private let environment: Environment

    /// - Parameters:
    ///   - crm: what the environment holds from the start; its owners are users. `nil` = no records.
    ///   - databasePath: a file that keeps the records, or continues with those that it has; `nil` forgets them.
    package init(
        _ crm: SyntheticCRM? = nil, options: DynamicsOptions = DynamicsOptions(), databasePath: String? = nil,
        clock: any WallClock = SystemWallClock()
    ) throws {
        let environment = try Environment(
            options: options, crm: crm, databasePath: databasePath, clock: clock)
        self.environment = environment
        try environment.store.write { session in
            guard try session.count("organization") == 0 else { return }
            try Self.setUp(environment, session)
            if let crm { try SeedContent(environment: environment, session: session, crm: crm).fill() }
        }
    }

    private static func setUp(_ environment: Environment, _ session: DocumentSession) throws {
        let now = environment.clock.now
        let people =
            [DynamicsOptions.User(email: environment.options.applicationUserEmail, name: "# Migratez")]
            + environment.options.users
        for (number, user) in people.enumerated() {
            let id = number == 0 ? Environment.applicationUser : RecordID.guid(code: 8, number: Int64(number + 1))
            var document: JSONValue = [
                "systemuserid": .string(id), "fullname": .string(user.name), "isdisabled": .bool(!user.isEnabled),
                "domainname": .string(user.email),
            ]
            if !user.email.isEmpty { document.set("internalemailaddress", to: .string(user.email)) }
            try session.insert("systemuser", document, at: now, id: Int64(number + 1))
        }
        try session.insert(
            "organization",
            [
                "organizationid": .string(Environment.organizationID), "name": "acme",
                "version": "9.2.26111.00100",
                "maxuploadfilesize": .number(String(environment.options.uploadBytesMax)),
            ], at: now)
        try SeedContent.setUpCatalogue(environment, session, at: now)
        for (number, automation) in environment.options.automations.enumerated() {
            let isRule = automation.kind == .duplicateRule
            var document: JSONValue = ["name": .string(automation.name), "statecode": 1]
            document.set(
                isRule ? "duplicateruleid" : "workflowid",
                to: .string(RecordID.guid(code: isRule ? 4414 : 4703, number: Int64(number + 1))))
            document.set(isRule ? "baseentityname" : "primaryentity", to: .string(automation.table))
            if !isRule {
                document.set("type", to: 1)
                document.set("category", to: 5)
            }
            try session.insert(isRule ? "duplicaterule" : "workflow", document, at: now)
        }
    }

    package func respond(to request: SimulatorRequest) async -> SimulatorResponse {
        let now = environment.clock.now
        let path = request.path
        if request.method == .post, path.count == 4, path[1...3] == ["oauth2", "v2.0", "token"] {
            return environment.tokens.token(request, tenant: path[0], now: now)
        }
        guard path.count >= 3, path[0] == "api", path[1] == "data", path[2].hasPrefix("v9.") else {
            return APIFailure.noSuchResource(path.first ?? "").response
        }
        guard environment.tokens.isValid(request, now: now) else {
            var response = APIFailure.unauthorized.response
            response.headers["WWW-Authenticate"] = "Bearer authorization_uri=https://login.microsoftonline.com"
            return response
        }
        switch environment.allowance.take() {
        case .dayExceeded: return APIFailure.throttled.response
        case .windowExceeded(let after):
            var response = APIFailure.throttled.response
            response.headers["Retry-After"] = String(max(1, (after.wholeMilliseconds + 999) / 1000))
            return response
        case .granted(let remaining, _):
            var response = answer(request, version: path[2], now: now)
            response.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] = String(remaining)
            response.headers["x-ms-dop-hint"] = "8"
            return response
        }
    }

    private func answer(_ request: SimulatorRequest, version: String, now: Timestamp) -> SimulatorResponse {
        let root = "http://\(request.headers["Host"] ?? "127.0.0.1")/api/data/\(version)/"
        do {
            return try environment.store.write { session in
                RequestHandler(environment: environment, session: session, now: now, root: root).answer(request)
            }
        } catch {
            return APIFailure.serverFailed.response
        }
    }

    package func route(of request: SimulatorRequest) -> SimulatorRoute { Self.route(request) }

    package func failure(status: Int, for request: SimulatorRequest) -> SimulatorResponse {
        switch status {
        case 401: APIFailure.unauthorized.response
        case 429: APIFailure.throttled.response
        case 503: APIFailure(503, "0x80044151", "SQL timeout expired.").response
        default: APIFailure(status, "0x80040216", "An unexpected error occurred.").response
        }
    }

    package func state() async -> [UInt8] {
        let counts = try? environment.store.read { session in
            JSONValue.object(
                try environment.allTables.map {
                    JSONValue.Member($0.setName, .number(String(try session.count($0.name))))
                })
        }
        return (counts ?? .object([])).serialized()
    }

    // MARK: For checks

    /// Records of a table.
    package func count(of table: String) throws -> Int { try environment.store.read { try $0.count(table) } }

    /// Every record of a table, in order of creation, as the Web API would show it with all annotations of lookups.
    package func records(of table: String) throws -> [JSONValue] {
        guard let definition = environment.table(table) else { return [] }
        let view = try RecordView(definition, select: nil, annotations: "Microsoft.Dynamics.CRM.lookuplogicalname")
        return try environment.store.read { try $0.documents(table) }.map(view.json)
    }
}

extension DynamicsSimulator {
    /// Messages that are sent by POST and change nothing.
    private static let reading: Set = [
        "InitializeAnnotationBlocksDownload", "InitializeAttachmentBlocksDownload", "DownloadBlock",
    ]

    /// Kinds of requests: what stands in brackets is left out, and reading through a batch is told from writing.
    private static func route(_ request: SimulatorRequest) -> SimulatorRoute {
        let path = request.path
        guard path.count > 3, path[0] == "api" else {
            return SimulatorRoute("\(request.method.rawValue) /\(path.last ?? "")", isWrite: false)
        }
        let names = path[3...].map { PathSegment($0).name }
        let name = "\(request.method.rawValue) /\(names.joined(separator: "/"))"
        guard names.first == "$batch" else {
            let isReading = request.method == .get || names.first.map(Self.reading.contains) == true
            return SimulatorRoute(name, isWrite: !isReading)
        }
        let body = String(decoding: request.body, as: UTF8.self)
        let writes = ["POST ", "PATCH ", "DELETE "].contains { verb in
            body.hasPrefix(verb) || body.contains("\n" + verb)
        }
        return SimulatorRoute(name, isWrite: writes)
    }
}
