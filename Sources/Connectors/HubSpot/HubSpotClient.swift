// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezTransport

/// Asks HubSpot for JSON. All requests here read, so each may be sent again.
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

    /// The answer to a POST that reads, valid JSON.
    func post(
        _ path: String, _ query: [(String, String)] = [], _ body: JSONValue, class endpointClass: String
    ) async throws -> [UInt8] {
        try await json(
            HTTPRequest(
                .post, url(path, query), headers: [HTTPHeader("Content-Type", "application/json")],
                body: .bytes(body.serialized()), endpointClass: endpointClass, isIdempotent: true))
    }

    func url(_ path: String, _ query: [(String, String)]) -> String {
        query.isEmpty ? baseURL + path : baseURL + path + "?" + URLQuery.encoded(query, keepsCommas: true)
    }

    /// An answer that is cut off although its length is right looks like success to the transport, so it is asked for
    /// again here.
    private func json(_ request: HTTPRequest) async throws -> [UInt8] {
        var attempt = 1
        while true {
            let response = try await http.send(request)
            guard response.isSuccess else { throw HubSpotAnswers.error(response, to: request) }
            do throws(JSONFailure) {
                try JSONScanner.validate(response.body, limits: .page)
                return response.body
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
