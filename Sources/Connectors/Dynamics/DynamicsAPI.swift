// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Calls of the Web API; a refusal becomes an error with our code and remedy.
struct DynamicsAPI: Sendable {
    /// The whole stack: rate, retry, token.
    let http: any HTTPClient
    /// `https://acme.crm4.dynamics.com/api/data/v9.2/`
    let root: String
    private let headers: [HTTPHeader]

    /// - Parameter headers: what every request carries besides.
    init(http: any HTTPClient, root: String, headers: [HTTPHeader]) {
        self.http = http
        self.root = root
        // Microsoft Learn, "Compose HTTP requests and handle errors": the last one keeps caches out.
        self.headers =
            [
                HTTPHeader("Accept", "application/json"), HTTPHeader("OData-Version", "4.0"),
                HTTPHeader("OData-MaxVersion", "4.0"), HTTPHeader("If-None-Match", "null"),
            ] + headers
    }

    /// A request for a path below the root.
    func request(
        _ method: HTTPMethod, _ path: String, query: [(name: String, value: String)] = [], prefer: String? = nil,
        contentType: String? = nil, body: HTTPBody = .empty, endpointClass: String, isIdempotent: Bool? = nil
    ) -> HTTPRequest {
        let address = root + path + (query.isEmpty ? "" : "?" + ODataText.query(query))
        var headers = headers
        if let prefer { headers.append(HTTPHeader("Prefer", prefer)) }
        if let contentType { headers.append(HTTPHeader("Content-Type", contentType)) }
        // An operation ends after two minutes over there (crm-apis: Dynamics, section 6).
        return HTTPRequest(
            method, address, headers: headers, body: body, deadline: .seconds(150), responseBytesMax: .MiB(64),
            endpointClass: endpointClass, isIdempotent: isIdempotent)
    }

    /// Sends a request and returns the answer if its status is 2xx; throws what the refusal means otherwise.
    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let response = try await http.send(request)
        guard response.isSuccess else { throw DynamicsRefusal(response).error(of: request) }
        return response
    }

    /// Sends a request and reads its answer as JSON; an empty answer is `null`.
    func json(_ request: HTTPRequest) async throws -> JSONValue {
        let response = try await send(request)
        if response.body.isEmpty { return .null }
        do { return try JSONValue(parsing: response.body) } catch { throw Self.broken(error, request) }
    }

    /// The answer to a GET.
    func json(
        _ path: String, query: [(name: String, value: String)] = [], endpointClass: String
    ) async throws -> JSONValue {
        try await json(request(.get, path, query: query, endpointClass: endpointClass))
    }

    /// The answer to a POST of JSON.
    func post(
        _ path: String, _ body: JSONValue, endpointClass: String, isIdempotent: Bool
    ) async throws -> JSONValue {
        try await json(
            request(
                .post, path, contentType: "application/json; charset=utf-8", body: .bytes(body.serialized()),
                endpointClass: endpointClass, isIdempotent: isIdempotent))
    }

    /// The rows of a list, page after page, handed on as they come.
    func rows(
        _ path: String, query: [(name: String, value: String)], prefer: String? = nil, endpointClass: String = "query",
        _ row: (JSONValue) throws -> Void
    ) async throws {
        var next = request(.get, path, query: query, prefer: prefer, endpointClass: endpointClass)
        var seen: Set<String> = []
        while true {
            let answer = try await json(next)
            guard case .array(let rows)? = answer["value"] else {
                throw MigratezError(
                    .brokenResponse, "\(next) answered without its list", remedy: .retry(after: nil))
            }
            for element in rows { try row(element) }
            guard let link = answer["@odata.nextLink"]?.text else { return }
            guard seen.insert(link).inserted else {
                throw MigratezError(.cursorLoop, "\(next) leads back to a page that was read already")
            }
            next = request(.get, try place(of: link), prefer: prefer, endpointClass: endpointClass)
        }
    }

    /// What stands behind the root in an address that an answer gave. It is used as it stands, for it is encoded
    /// already (Microsoft Learn, "Page results using OData").
    ///
    /// - Throws: `brokenResponse` if it leads elsewhere: the token goes to no other address.
    func place(of link: String) throws(MigratezError) -> String {
        guard link.hasPrefix(root) else {
            throw MigratezError(
                .brokenResponse, "the address of the next page is not below the environment's own", remedy: .stop,
                hint: "check base_url: it must be the address that the environment itself uses")
        }
        return String(link.dropFirst(root.count))
    }

    /// What an answer means that is not JSON.
    static func broken(_ failure: JSONFailure, _ request: HTTPRequest) -> MigratezError {
        failure.error(.brokenResponse, in: "the answer to \(request)", remedy: .retry(after: nil))
    }
}
