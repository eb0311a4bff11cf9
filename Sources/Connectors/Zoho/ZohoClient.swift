// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Talks JSON with Zoho CRM. All requests but those of `write` read, so each of these may be sent again.
struct ZohoClient: Sendable {
    let http: any HTTPClient
    /// With the version: `https://www.zohoapis.com/crm/v8`.
    let baseURL: String

    /// The answer to a GET, valid JSON; empty if there is nothing (204).
    func get(_ path: String, _ query: [(String, String)] = [], class endpointClass: String) async throws -> [UInt8] {
        try await json(HTTPRequest(.get, url(path, query), endpointClass: endpointClass, isIdempotent: true))
    }

    /// The answer to a GET as a tree, for what steers the work; null if there is nothing.
    func value(
        _ path: String, _ query: [(String, String)] = [], class endpointClass: String
    ) async throws -> JSONValue {
        let answer = try await get(path, query, class: endpointClass)
        return answer.withUnsafeBufferPointer { JSONValue(validated: $0) }
    }

    /// The answer to a query in COQL, valid JSON; empty if no record is found.
    func query(_ select: String) async throws -> [UInt8] {
        let body: JSONValue = ["select_query": .string(select)]
        return try await json(
            HTTPRequest(
                .post, url("/coql", []), headers: [Self.contentType], body: .bytes(body.serialized()),
                endpointClass: "query", isIdempotent: true))
    }

    /// The records of a query as trees.
    func records(_ select: String) async throws -> [JSONValue] {
        let answer = try await query(select)
        return answer.withUnsafeBufferPointer { JSONValue(validated: $0) }["data"]?.elements ?? []
    }

    /// The answer to a call that changes something, with an entry for each row below `list`.
    ///
    /// Zoho answers a call all of whose rows fail with 400, and one with some of each with 207; that is no refusal of the
    /// call.
    ///
    /// - Parameter isRepeatable: whether carrying it out twice comes to the same; only then it is sent again where its
    ///   fate is unknown.
    /// - Throws: for a refusal an error whose `callRefused` tells more.
    func write(
        _ method: HTTPMethod, _ path: String, _ query: [(String, String)] = [], _ body: [UInt8] = [],
        list: String = "data", isRepeatable: Bool
    ) async throws -> [JSONValue] {
        let request = HTTPRequest(
            method, url(path, query), headers: body.isEmpty ? [] : [Self.contentType],
            body: body.isEmpty ? .empty : .bytes(body), endpointClass: "write", isIdempotent: isRepeatable)
        return try await rows(of: request, list)
    }

    /// As `write`, with a file; sent once, since its body is a stream.
    func upload(_ path: String, _ upload: FormUpload) async throws -> [JSONValue] {
        try await rows(
            of: HTTPRequest(
                .post, url(path, []), headers: [upload.contentType], body: try await upload.body(),
                deadline: .seconds(3_600), endpointClass: "write", isIdempotent: false), "data")
    }

    /// What brings the bytes of a file.
    func download(_ path: String) -> HTTPRequest {
        HTTPRequest(
            .get, url(path, []), headers: [HTTPHeader("Accept", "*/*")], deadline: .seconds(3_600),
            responseBytesMax: .GiB(1), endpointClass: "content", isIdempotent: true)
    }

    private func rows(of request: HTTPRequest, _ list: String) async throws -> [JSONValue] {
        let response = try await http.send(request)
        let answer: JSONValue
        do {
            answer = try JSONValue(parsing: response.body)
        } catch {
            guard response.isSuccess else { throw ZohoAnswers.error(response, to: request) }
            throw error.error(.brokenResponse, in: "the answer to \(request)", remedy: .retry(after: nil))
        }
        if response.isSuccess || response.status == 400, case .array(let rows)? = answer[list] { return rows }
        guard response.isSuccess else { throw ZohoAnswers.error(response, to: request) }
        throw MigratezError(
            .brokenResponse, "the answer to \(request) says nothing of its rows", remedy: .retry(after: nil))
    }

    private func url(_ path: String, _ query: [(String, String)]) -> String {
        query.isEmpty ? baseURL + path : baseURL + path + "?" + URLQuery.encoded(query, keepsCommas: true)
    }

    /// An answer that is cut off although its length is right looks like success to the transport, and so does an error
    /// with status 200; both are asked for again here.
    private func json(_ request: HTTPRequest) async throws -> [UInt8] {
        var attempt = 1
        while true {
            let response = try await http.send(request)
            guard response.isSuccess else { throw ZohoAnswers.error(response, to: request) }
            if response.status == 204 { return [] }
            let failure: MigratezError
            do throws(JSONFailure) {
                try JSONScanner.validate(response.body, limits: .page)
                guard response.body.withUnsafeBufferPointer({ member(at: ["status"], in: $0) }) != nil else {
                    return response.body
                }
                failure = MigratezError(
                    .brokenResponse, "the answer to \(request) is an error in the shape of a success",
                    remedy: .retry(after: nil))
            } catch {
                failure = error.error(.brokenResponse, in: "the answer to \(request)", remedy: .retry(after: nil))
            }
            guard attempt < Self.attemptsMax else { throw failure }
            attempt += 1
        }
    }

    private static let attemptsMax = 4
    private static let contentType = HTTPHeader("Content-Type", "application/json")
}
