// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Talks JSON with HubSpot. All requests but those of `write` read, so each of these may be sent again.
struct HubSpotClient: Sendable {
    let http: any HTTPClient
    let baseURL: String

    /// The answer to a GET, valid JSON.
    func get(_ path: String, _ query: [(String, String)], class endpointClass: String) async throws -> [UInt8] {
        try await get(url(path, query), class: endpointClass)
    }

    /// The answer to a GET of an address that `url` made, valid JSON.
    func get(_ address: String, class endpointClass: String) async throws -> [UInt8] {
        try await json(HTTPRequest(.get, address, endpointClass: endpointClass, isIdempotent: true))
    }

    /// The answer to a GET of an address that `url` made, valid JSON, and its list `results`; `nil` if it has none.
    func list(_ address: String, class endpointClass: String) async throws -> (body: [UInt8], list: PageSplit?) {
        let request = HTTPRequest(.get, address, endpointClass: endpointClass, isIdempotent: true)
        let (body, list) = try await checked(request) { body throws(JSONFailure) in
            try body.withUnsafeBufferPointer { bytes throws(JSONFailure) in
                try PageSplit.validating(bytes, list: "results", limits: .page)
            }
        }
        return (body, list)
    }

    /// The answer to a POST that reads, valid JSON.
    func post(
        _ path: String, _ query: [(String, String)] = [], _ body: JSONValue, class endpointClass: String
    ) async throws -> [UInt8] {
        try await json(
            HTTPRequest(
                .post, url(path, query), headers: [HTTPHeader("Content-Type", "application/json")],
                body: .bytes(body.serialized()), endpointClass: endpointClass, isIdempotent: true))
    }

    /// The answer to a GET as a tree, for what steers the work.
    func value(_ path: String, _ query: [(String, String)], class endpointClass: String) async throws -> JSONValue {
        let answer = try await get(path, query, class: endpointClass)
        return answer.withUnsafeBufferPointer { JSONValue(validated: $0) }
    }

    /// The answer to a call that changes something; an empty one is `null`.
    ///
    /// - Parameter isRepeatable: whether carrying it out twice comes to the same; only then it is sent again where its
    ///   fate is unknown.
    /// - Throws: for a refusal an error whose `callRefused` tells more.
    func write(
        _ method: HTTPMethod, _ path: String, _ body: [UInt8], class endpointClass: String, isRepeatable: Bool
    ) async throws -> JSONValue {
        let request = HTTPRequest(
            method, url(path, []), headers: [HTTPHeader("Content-Type", "application/json")],
            body: .bytes(body), endpointClass: endpointClass, isIdempotent: isRepeatable)
        let response = try await http.send(request)
        guard response.isSuccess else { throw HubSpotAnswers.error(response, to: request) }
        guard !response.body.isEmpty else { return .null }
        do {
            return try JSONValue(parsing: response.body)
        } catch {
            throw error.error(.brokenResponse, in: "\(request)", remedy: .retry(after: nil))
        }
    }

    func url(_ path: String, _ query: [(String, String)]) -> String {
        query.isEmpty ? baseURL + path : baseURL + path + "?" + URLQuery.encoded(query, keepsCommas: true)
    }

    /// An answer that is cut off although its length is right looks like success to the transport, so it is asked for
    /// again here.
    private func json(_ request: HTTPRequest) async throws -> [UInt8] {
        try await checked(request) { body throws(JSONFailure) in try JSONScanner.validate(body, limits: .page) }.body
    }

    private func checked<T>(
        _ request: HTTPRequest, _ check: ([UInt8]) throws(JSONFailure) -> T
    ) async throws -> (body: [UInt8], result: T) {
        var attempt = 1
        while true {
            let response = try await http.send(request)
            guard response.isSuccess else { throw HubSpotAnswers.error(response, to: request) }
            do throws(JSONFailure) {
                return (response.body, try check(response.body))
            } catch {
                guard attempt < HubSpotClient.attemptsMax else {
                    throw error.error(.brokenResponse, in: "\(request)", remedy: .retry(after: nil))
                }
            }
            attempt += 1
        }
    }

    private static let attemptsMax = 4
}
