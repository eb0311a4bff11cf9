// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezTransport
import Synchronization

/// Calls methods of models, by JSON-2 or by JSON-RPC.
///
/// Source: documentation, "External JSON-2 API" (arguments by name, `ids` and `context` beside them, the bare value as the
/// answer) and "External RPC API" (`execute_kw`; records first among the positional arguments).
struct OdooClient: Sendable {
    private let http: any HTTPClient
    private let access: OdooAccess
    /// The user's id, which JSON-RPC wants with every call.
    private let user = UserID()

    init(http: any HTTPClient, access: OdooAccess) {
        self.http = http
        self.access = access
    }

    var baseURL: String { access.baseURL }
    var database: String? { access.database }
    var interface: OdooAccess.Interface { access.interface }

    /// One call of a method.
    struct Call {
        var model: String
        var method: String
        /// The records that it is called on; `nil` for a method of the model.
        var ids: [String]?
        var arguments: [JSONValue.Member] = []
        /// Whether carrying it out twice comes to the same; only then it is sent again where its fate is unknown.
        var isRepeatable = true

        init(_ model: String, _ method: String, on ids: [String]? = nil, _ arguments: [JSONValue.Member] = []) {
            self.model = model
            self.method = method
            self.ids = ids
            self.arguments = arguments
        }

        var name: String { "\(model).\(method)" }
    }

    /// English, because messages are read; UTC, because `load` would shift times otherwise; archived records too; and no
    /// messages about what was changed, which nobody wrote.
    private static let context: JSONValue = [
        "lang": "en_US", "tz": "UTC", "active_test": false, "tracking_disable": true, "mail_create_nolog": true,
        "mail_create_nosubscribe": true, "mail_notrack": true,
    ]

    /// The answer as a tree.
    func value(_ call: Call) async throws -> JSONValue {
        let (body, path) = try await answer(call)
        return body.withUnsafeBufferPointer { bytes in
            guard let slice = member(at: path, in: bytes) else { return .null }
            return JSONValue(validated: UnsafeBufferPointer(rebasing: bytes[slice.range]))
        }
    }

    /// The answer as it came, and the elements of the list that it is.
    func list(_ call: Call) async throws -> (body: [UInt8], elements: [Range<Int>]) {
        let (body, path) = try await answer(call)
        guard let elements = body.withUnsafeBufferPointer({ elementRanges(at: path, in: $0) }) else {
            throw MigratezError(
                .brokenResponse, "Odoo's answer to \(call.name) is no list", remedy: .retry(after: nil))
        }
        return (body, elements)
    }

    /// What anybody may ask the server: its version.
    func version() async throws -> String? {
        switch interface {
        case .json2:
            let request = HTTPRequest(
                .get, access.baseURL + "/web/version", endpointClass: "account", isIdempotent: true)
            let response = try await http.send(request)
            guard response.isSuccess else { throw OdooAnswers.error(response, to: request, call: "version") }
            return (try? JSONValue(parsing: response.body))?["version"]?.text
        case .jsonRPC:
            return try await service("common", "version", [], name: "version", isRepeatable: true)["server_version"]?
                .text
        }
    }

    // MARK: Requests

    private func answer(_ call: Call) async throws -> (body: [UInt8], path: [String]) {
        switch interface {
        case .json2:
            var members = call.arguments
            if let ids = call.ids { members.append(.init("ids", .array(ids.map { .number($0) }))) }
            members.append(.init("context", Self.context))
            let url = "\(access.baseURL)/json/2/\(call.model)/\(call.method)"
            return (try await checked(url, .object(members), call.name, call.isRepeatable), [])
        case .jsonRPC:
            let records: [JSONValue] = call.ids.map { [.array($0.map { .number($0) })] } ?? []
            let keywords = JSONValue.object(call.arguments + [.init("context", Self.context)])
            let body = try await execute(
                [.string(call.model), .string(call.method), .array(records), keywords], call.name, call.isRepeatable)
            return (body, ["result"])
        }
    }

    private func execute(_ arguments: [JSONValue], _ name: String, _ isRepeatable: Bool) async throws -> [UInt8] {
        let user = try await userID()
        let who: [JSONValue] = access.key.withExposed { [.string(access.database ?? ""), .number(user), .string($0)] }
        return try await rpc("object", "execute_kw", who + arguments, name, isRepeatable)
    }

    /// Logging in tells the id; a login that is refused is no exception but `false`.
    private func userID() async throws -> String {
        if let known = user.id { return known }
        let arguments: [JSONValue] = access.key.withExposed {
            [.string(access.database ?? ""), .string(access.login ?? ""), .string($0), [:]]
        }
        let answer = try await service("common", "authenticate", arguments, name: "authenticate", isRepeatable: true)
        guard let id = answer.text else {
            throw MigratezError(
                .credentialsRejected, "Odoo refuses the login, the key or the database", remedy: .fixConfiguration,
                hint: "check auth.user, auth.token and database; keys of ordinary users end after three months")
        }
        user.id = id
        return id
    }

    private func service(
        _ service: String, _ method: String, _ arguments: [JSONValue], name: String, isRepeatable: Bool
    ) async throws -> JSONValue {
        let body = try await rpc(service, method, arguments, name, isRepeatable)
        return body.withUnsafeBufferPointer { JSONValue(validated: $0) }["result"] ?? .null
    }

    private func rpc(
        _ service: String, _ method: String, _ arguments: [JSONValue], _ name: String, _ isRepeatable: Bool
    ) async throws -> [UInt8] {
        let body: JSONValue = [
            "jsonrpc": "2.0", "method": "call", "id": 1,
            "params": ["service": .string(service), "method": .string(method), "args": .array(arguments)],
        ]
        return try await checked(access.baseURL + "/jsonrpc", body, name, isRepeatable)
    }

    /// A valid JSON answer that is no refusal. One that is cut off although its length is right looks like success to the
    /// transport, so it is asked for again here, if it may be.
    private func checked(_ url: String, _ body: JSONValue, _ name: String, _ isRepeatable: Bool) async throws -> [UInt8]
    {
        var headers = [HTTPHeader("Content-Type", "application/json; charset=utf-8")]
        if interface == .json2, let database = access.database {
            headers.append(HTTPHeader("X-Odoo-Database", database))
        }
        let request = HTTPRequest(
            .post, url, headers: headers, body: .bytes(body.serialized()), deadline: Self.deadline,
            endpointClass: name, isIdempotent: isRepeatable)
        var attempt = 1
        while true {
            let response = try await http.send(request)
            guard response.isSuccess, OdooAnswers.exception(in: response) == nil else {
                throw OdooAnswers.error(response, to: request, call: name)
            }
            do throws(JSONFailure) {
                try JSONScanner.validate(response.body, limits: .page)
                return response.body
            } catch {
                guard isRepeatable, attempt < Self.attemptsMax else {
                    throw error.error(.brokenResponse, in: "Odoo's answer to \(name)", remedy: .retry(after: nil))
                }
            }
            attempt += 1
        }
    }

    private static let attemptsMax = 4
    /// A little more than the server lets a worker take (`--limit-time-real`, 120 s).
    private static let deadline: Duration = .seconds(150)
}

/// The id that the login gave.
private final class UserID: Sendable {
    private let known = Mutex<String?>(nil)

    var id: String? {
        get { known.withLock { $0 } }
        set { known.withLock { $0 = newValue } }
    }
}
