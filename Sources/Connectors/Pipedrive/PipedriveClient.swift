// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Talks JSON with Pipedrive.
struct PipedriveClient: Sendable {
    let http: any HTTPClient
    let baseURL: String

    /// The whole answer to a GET.
    ///
    /// An answer that is cut off although its length is right looks like success to the transport, so it is asked for
    /// again here.
    func answer(_ path: String, _ query: [(String, String)] = [], _ kind: RequestKind) async throws -> JSONValue {
        let request = HTTPRequest(
            .get, url(path, query), endpointClass: kind.rawValue, isIdempotent: true)
        var attempt = 1
        while true {
            let response = try await http.send(request)
            guard response.isSuccess else { throw PipedriveAnswers.error(response, to: request) }
            do throws(JSONFailure) {
                return try JSONValue(parsing: response.body)
            } catch {
                guard attempt < PipedriveClient.attemptsMax else {
                    throw error.error(.brokenResponse, in: "\(request)", remedy: .retry(after: nil))
                }
            }
            attempt += 1
        }
    }

    /// What stands in `data` of the answer to a GET.
    func data(_ path: String, _ query: [(String, String)] = [], _ kind: RequestKind) async throws -> JSONValue {
        guard let data = try await answer(path, query, kind)["data"] else {
            throw MigratezError(
                .brokenResponse, "Pipedrive's answer to \(path) holds no data", remedy: .retry(after: nil))
        }
        return data
    }

    /// All entries of a list of version 2 that is known to be short.
    func all(_ path: String, _ kind: RequestKind) async throws -> [JSONValue] {
        var entries: [JSONValue] = []
        var cursor: String?
        repeat {
            var query = [("limit", String(PipedriveLimits.pageRecordsMax))]
            if let cursor { query.append(("cursor", cursor)) }
            let answer = try await answer(path, query, kind)
            entries += answer["data"]?.elements ?? []
            let next = answer["additional_data"]?["next_cursor"]?.text
            guard next == nil || next != cursor else { throw PipedriveClient.loop(path) }
            cursor = next
        } while cursor != nil
        return entries
    }

    /// What stands in `data` of the answer to a call that changes something.
    ///
    /// - Parameter isRepeatable: whether carrying it out twice comes to the same; only then it is sent again where its
    ///   fate is unknown.
    /// - Throws: for a refusal an error whose `callRefused` tells more.
    func write(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue?, _ kind: RequestKind, isRepeatable: Bool
    ) async throws -> JSONValue {
        let request = HTTPRequest(
            method, url(path, []), headers: [HTTPHeader("Content-Type", "application/json")],
            body: body.map { .bytes($0.serialized()) } ?? .empty, endpointClass: kind.rawValue,
            isIdempotent: isRepeatable)
        return try await data(of: request)
    }

    /// What stands in `data` of the answer to an upload; sent once, since its body is a stream.
    func upload(_ path: String, _ upload: FormUpload) async throws -> JSONValue {
        try await data(
            of: HTTPRequest(
                .post, url(path, []), headers: [upload.contentType], body: try await upload.body(),
                deadline: .seconds(3_600), endpointClass: RequestKind.formerWrite.rawValue, isIdempotent: false))
    }

    /// Deletes records, each by a request of its own.
    ///
    /// - Parameter request: a record's path and what the request costs; `nil` if there is no such record.
    func delete(
        _ ids: [String], _ request: (String) async throws -> (path: String, kind: RequestKind)?
    ) async throws -> [Deletion] {
        var deletions: [Deletion] = []
        for id in ids {
            try Task.checkCancellation()
            guard let (path, kind) = try await request(id) else {
                deletions.append(Deletion(id: id, result: .absent))
                continue
            }
            do {
                _ = try await write(.delete, path, nil, kind, isRepeatable: true)
                deletions.append(Deletion(id: id, result: .deleted))
            } catch let error as MigratezError {
                guard let refusal = error.callRefused, refusal.isAboutRow else { throw error }
                // It was there just now: a request whose answer was lost deleted it.
                let isGone = [404, 410].contains(refusal.status)
                deletions.append(Deletion(id: id, result: isGone ? .deleted : .refused(refusal.rejection { $0 })))
            }
        }
        return deletions
    }

    /// As `write`, with values as a form (WHATWG URL, `application/x-www-form-urlencoded`); twice comes to the same.
    func writeForm(
        _ method: HTTPMethod, _ path: String, _ values: [(String, String)], _ kind: RequestKind
    ) async throws -> JSONValue {
        try await data(
            of: HTTPRequest(
                method, url(path, []), headers: [HTTPHeader("Content-Type", "application/x-www-form-urlencoded")],
                body: .bytes(Array(URLQuery.encoded(values).utf8)), endpointClass: kind.rawValue, isIdempotent: true))
    }

    private func data(of request: HTTPRequest) async throws -> JSONValue {
        let response = try await http.send(request)
        guard response.isSuccess else { throw PipedriveAnswers.error(response, to: request) }
        do {
            return try JSONValue(parsing: response.body)["data"] ?? .null
        } catch {
            throw error.error(.brokenResponse, in: "\(request)", remedy: .retry(after: nil))
        }
    }

    static func loop(_ what: String) -> MigratezError {
        MigratezError(
            .cursorLoop, "Pipedrive's list \(what) leads back to a page that was read already",
            remedy: .retry(after: nil))
    }

    private func url(_ path: String, _ query: [(String, String)]) -> String {
        query.isEmpty ? baseURL + path : baseURL + path + "?" + URLQuery.encoded(query)
    }

    private static let attemptsMax = 4
}
