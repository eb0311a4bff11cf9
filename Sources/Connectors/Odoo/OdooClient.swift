// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
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
    private let clock: any WallClock
    /// The user's id, which JSON-RPC wants with every call.
    private let user = UserID()

    init(http: any HTTPClient, access: OdooAccess, clock: any WallClock) {
        self.http = http
        self.access = access
        self.clock = clock
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
        let (url, body, path) = try await message(call)
        return (try await checked(url, body, call.name, call.isRepeatable), path)
    }

    /// Where a call is sent, what is sent, and where its value stands in the answer.
    private func message(_ call: Call) async throws -> (url: String, body: JSONValue, path: [String]) {
        switch interface {
        case .json2:
            var members = call.arguments
            if let ids = call.ids { members.append(.init("ids", .array(ids.map { .number($0) }))) }
            members.append(.init("context", Self.context))
            return ("\(access.baseURL)/json/2/\(call.model)/\(call.method)", .object(members), [])
        case .jsonRPC:
            let records: [JSONValue] = call.ids.map { [.array($0.map { .number($0) })] } ?? []
            let keywords = JSONValue.object(call.arguments + [.init("context", Self.context)])
            let user = try await userID()
            let who: [JSONValue] = access.key.withExposed {
                [.string(access.database ?? ""), .number(user), .string($0)]
            }
            let arguments = who + [.string(call.model), .string(call.method), .array(records), keywords]
            return (access.baseURL + "/jsonrpc", Self.rpc("object", "execute_kw", arguments), ["result"])
        }
    }

    // MARK: Contents

    /// The answer to a call in whose arguments a text stands for a content, which is sent in its place in base 64.
    ///
    /// The call must be repeatable: it is sent again where its fate is unknown, with the content from its first byte on.
    /// - Throws: `Rejection(.contentTooLarge)` if the server takes no request of that length.
    func value(_ call: Call, with content: RowContent, inPlaceOf mark: String) async throws -> JSONValue {
        let (url, body, path) = try await message(call)
        let bytes = body.serialized()
        let place = JSONValue.string(mark).serialized().dropFirst().dropLast()
        guard call.isRepeatable, let range = bytes.firstRange(of: place) else {
            throw MigratezError(.internalError, "\(call.name) has no place for a content")
        }
        let (head, tail) = (Array(bytes[..<range.lowerBound]), Array(bytes[range.upperBound...]))
        var attempt = 1
        while true {
            var request = self.request(url, call.name, isRepeatable: true)
            request.body = .stream(
                length: head.count + content.base64Bytes + tail.count,
                RowContent.pieces(head, try await content.base64Pieces(), tail))
            request.deadline = Self.contentDeadline
            do {
                let response = try await http.send(request)
                if response.status == 413 { throw Rejection(.contentTooLarge, vendorCode: "413") }
                let answer = try check(response, to: request, call.name)
                return answer.withUnsafeBufferPointer { bytes in
                    guard let slice = member(at: path, in: bytes) else { return .null }
                    return JSONValue(validated: UnsafeBufferPointer(rebasing: bytes[slice.range]))
                }
            } catch let error as MigratezError {
                // A body that is streamed is not sent again by the policies below.
                guard case .retry(let after) = error.remedy, attempt < Self.attemptsMax else { throw error }
                try await clock.sleep(for: after ?? .seconds(1 << attempt))
                attempt += 1
            }
        }
    }

    /// Hands on what a text of the answer stands for in base 64, as it arrives.
    ///
    /// - Returns: whether the answer has such a text at all.
    func stream(
        _ call: Call, _ name: String, piece: ([UInt8]) async throws -> Void
    ) async throws -> Bool {
        let (url, body, _) = try await message(call)
        var request = self.request(url, call.name, isRepeatable: call.isRepeatable)
        request.body = .bytes(body.serialized())
        request.deadline = Self.contentDeadline
        request.responseBytesMax = .GiB(1)
        var head = HTTPResponseHead(status: 0)
        var text = Base64Member(name)
        try await http.stream(request) {
            head = $0
        } chunk: { bytes in
            let isSuccess = (200..<300).contains(head.status)
            let decoded = isSuccess ? try text.take(bytes) : try text.keep(bytes)
            for start in stride(from: 0, to: decoded.count, by: RowContent.pieceBytesMax) {
                try await piece(Array(decoded[start..<min(start + RowContent.pieceBytesMax, decoded.count)]))
            }
        }
        if text.isComplete { return true }
        guard !text.hasBegun else {
            throw MigratezError(
                .brokenResponse, "Odoo's answer to \(call.name) broke off", remedy: .retry(after: nil))
        }
        _ = try check(HTTPResponse(head: head, body: text.head), to: request, call.name)
        return false
    }

    /// What answers a content may take: 100 MB on a line of 1 Mbit/s.
    private static let contentDeadline: Duration = .seconds(900)

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
        try await checked(access.baseURL + "/jsonrpc", Self.rpc(service, method, arguments), name, isRepeatable)
    }

    private static func rpc(_ service: String, _ method: String, _ arguments: [JSONValue]) -> JSONValue {
        [
            "jsonrpc": "2.0", "method": "call", "id": 1,
            "params": ["service": .string(service), "method": .string(method), "args": .array(arguments)],
        ]
    }

    /// A valid JSON answer that is no refusal. One that is cut off although its length is right looks like success to the
    /// transport, so it is asked for again here, if it may be.
    private func checked(_ url: String, _ body: JSONValue, _ name: String, _ isRepeatable: Bool) async throws -> [UInt8]
    {
        var request = self.request(url, name, isRepeatable: isRepeatable)
        request.body = .bytes(body.serialized())
        var attempt = 1
        while true {
            let response = try await http.send(request)
            do {
                return try check(response, to: request, name)
            } catch let error as MigratezError where error.code == .brokenResponse {
                guard isRepeatable, attempt < Self.attemptsMax else { throw error }
            }
            attempt += 1
        }
    }

    private func request(_ url: String, _ name: String, isRepeatable: Bool) -> HTTPRequest {
        var headers = [HTTPHeader("Content-Type", "application/json; charset=utf-8")]
        if interface == .json2, let database = access.database {
            headers.append(HTTPHeader("X-Odoo-Database", database))
        }
        return HTTPRequest(
            .post, url, headers: headers, deadline: Self.deadline, endpointClass: name, isIdempotent: isRepeatable)
    }

    /// The body of an answer that is no refusal, and valid JSON.
    private func check(_ response: HTTPResponse, to request: HTTPRequest, _ name: String) throws -> [UInt8] {
        guard response.isSuccess, OdooAnswers.exception(in: response) == nil else {
            throw OdooAnswers.error(response, to: request, call: name)
        }
        do throws(JSONFailure) {
            try JSONScanner.validate(response.body, limits: .page)
            return response.body
        } catch {
            throw error.error(.brokenResponse, in: "Odoo's answer to \(name)", remedy: .retry(after: nil))
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
