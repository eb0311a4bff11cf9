// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Asks a service. All requests but those of `write` read, so that each may be sent again.
struct RESTClient: Sendable {
    let http: any HTTPClient
    let baseURL: String
    let headers: [HTTPHeader]
    let errors: RESTErrorTable
    /// The item of the query that holds a secret, if one does.
    let secretItem: String?

    /// An answer, valid JSON.
    struct Answer: Sendable {
        var head: HTTPResponseHead
        var body: [UInt8]

        /// What a closure finds in the document.
        func find<Value>(_ body: (UnsafeBufferPointer<UInt8>, JSONSlice) throws -> Value?) rethrows -> Value? {
            try self.body.withUnsafeBufferPointer { bytes in
                try root(of: bytes).flatMap { try body(bytes, $0) }
            }
        }
    }

    /// - Throws: `internalError` if a value of the path is not known, which the definition's check rules out.
    func request(
        _ template: RequestTemplate, _ values: PlaceholderValues, class endpointClass: String,
        isRepeatable: Bool = true
    ) throws(MigratezError) -> HTTPRequest {
        guard let target = template.target(values) else {
            throw MigratezError(.internalError, "a request has no value for a part of its path")
        }
        var request = HTTPRequest(
            template.method, baseURL + target, headers: headers, endpointClass: endpointClass,
            isIdempotent: isRepeatable)
        if let body = template.body?.filled(values) {
            request.headers.append(HTTPHeader("Content-Type", "application/json"))
            request.body = .bytes(body.serialized())
        }
        return request
    }

    /// The request for an address that an answer gave.
    ///
    /// - Throws: `brokenResponse` if it leads elsewhere than to the service itself.
    func request(following address: String, class endpointClass: String) throws(MigratezError) -> HTTPRequest {
        var address = address
        if address.hasPrefix("/"), !address.hasPrefix("//"), let base = try? RequestURL(baseURL) {
            address = String(baseURL.dropLast(base.path == "/" ? 0 : base.path.count)) + address
        }
        let origin = try RequestURL(baseURL)
        guard let url = try? RequestURL(address), url.host == origin.host, url.port == origin.port,
            url.isSecure == origin.isSecure
        else {
            throw MigratezError(
                .brokenResponse, "the address of the next page leads away from the service", remedy: .stop)
        }
        return HTTPRequest(.get, address, headers: headers, endpointClass: endpointClass, isIdempotent: true)
    }

    /// The address of a next page as it may be kept: some services repeat in it what the request was signed with.
    func withoutSecret(_ address: String) -> String {
        guard let secretItem, let mark = address.firstIndex(of: "?") else { return address }
        let kept = address[address.index(after: mark)...].split(separator: "&").filter { item in
            item.prefix { $0 != "=" } != secretItem
        }
        return address[..<mark] + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&"))
    }

    /// An answer that is cut off although its length is right looks like success to the transport, so it is asked for
    /// again here.
    func send(_ request: HTTPRequest) async throws -> Answer {
        var attempt = 1
        while true {
            let response = try await http.send(request)
            guard response.isSuccess else { throw errors.error(response, to: request) }
            do throws(JSONFailure) {
                try JSONScanner.validate(response.body, limits: .page)
                return Answer(head: response.head, body: response.body)
            } catch {
                guard attempt < RESTClient.attemptsMax else {
                    throw error.error(.brokenResponse, in: "\(request)", remedy: .retry(after: nil))
                }
            }
            attempt += 1
        }
    }

    func send(
        _ template: RequestTemplate, _ values: PlaceholderValues, class endpointClass: String
    ) async throws -> Answer {
        try await send(request(template, values, class: endpointClass))
    }

    /// The answer to a call that changes something; one without a body is `null`.
    ///
    /// - Parameter isRepeatable: whether carrying it out twice comes to the same; only then it is sent again where its
    ///   fate is unknown.
    /// - Throws: for a refusal an error whose `cause` is a `RESTCallRefused`.
    func write(
        _ template: RequestTemplate, _ values: PlaceholderValues, isRepeatable: Bool
    ) async throws -> Answer {
        let request = try request(template, values, class: "write", isRepeatable: isRepeatable)
        let response = try await http.send(request)
        guard response.isSuccess else { throw errors.error(response, to: request) }
        guard !response.body.isEmpty else { return Answer(head: response.head, body: Array("null".utf8)) }
        do throws(JSONFailure) {
            try JSONScanner.validate(response.body, limits: .page)
            return Answer(head: response.head, body: response.body)
        } catch {
            throw error.error(.brokenResponse, in: "\(request)", remedy: .retry(after: nil))
        }
    }

    private static let attemptsMax = 4
}

extension MigratezError {
    /// The service's refusal that led to this error, if one did.
    var callRefused: RESTCallRefused? { cause as? RESTCallRefused }

    /// Whether a call was refused because there is no such record.
    var meansAbsent: Bool {
        guard let refusal = callRefused else { return false }
        return refusal.meaning == .absent || refusal.meaning == nil && (refusal.status == 404 || refusal.status == 410)
    }
}
