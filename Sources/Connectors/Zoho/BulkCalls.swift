// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Requests of Zoho's bulk interface, which has addresses and forms of its own.
///
/// Source: zoho/crm-oas, `v8.0/bulk_read.json` and `v8.0/bulk_write.json`.
struct BulkCalls: Sendable {
    /// The endpoint class of downloads, of which only so many are allowed in a minute ("Bulk Read: Limitations").
    static let downloadClass = "bulk download"
    static let downloads = RateBudget(requests: 10, per: .seconds(60))

    private static let attemptsMax = 4

    /// Waits for jobs; each look costs a credit.
    static func watch(_ clock: any WallClock) -> JobWatch {
        JobWatch(clock: clock, pauses: .seconds(1) ... .seconds(30), place: "Setup, Data Administration") {
            $0.mayPassAnew
        }
    }

    let http: any HTTPClient
    let access: ZohoAccess

    /// The answer to a GET.
    func get(_ path: String) async throws -> JSONValue {
        try await value(HTTPRequest(.get, bulkURL + path, endpointClass: "bulk", isIdempotent: true))
    }

    /// The answer to a request that begins a job.
    ///
    /// - Parameter isRepeatable: whether a second job does no harm; only then it is sent again where its fate is unknown.
    func post(_ path: String, _ body: JSONValue, isRepeatable: Bool) async throws -> JSONValue {
        try await value(
            HTTPRequest(
                .post, bulkURL + path, headers: [HTTPHeader("Content-Type", "application/json")],
                body: .bytes(body.serialized()), endpointClass: "bulk", isIdempotent: isRepeatable))
    }

    /// Sends a file to where bulk writes take theirs from; sent once, since its body is a stream.
    func upload(_ upload: FormUpload, organisation: String) async throws -> JSONValue {
        let headers = [
            upload.contentType, HTTPHeader("feature", "bulk-write"), HTTPHeader("X-CRM-ORG", organisation),
        ]
        return try await value(
            HTTPRequest(
                .post, "\(access.uploadURL)/crm/\(access.version)/upload", headers: headers,
                body: try await upload.body(), deadline: .seconds(1_800), endpointClass: "bulk", isIdempotent: false))
    }

    /// Hands on the bytes of a result as they come.
    ///
    /// - Parameter place: as the job names it: a path, or a whole address.
    func download(_ place: String, piece: ([UInt8]) async throws -> Void) async throws {
        let request = HTTPRequest(
            .get, try address(of: place), headers: [HTTPHeader("Accept", "*/*")], deadline: .seconds(3_600),
            responseBytesMax: .GiB(1), endpointClass: Self.downloadClass, isIdempotent: true)
        try await ContentDownload(http, request, expectedBytes: nil).run(piece: piece) { Self.error($0, to: request) }
    }

    private var bulkURL: String { "\(access.baseURL)/crm/bulk/\(access.version)" }

    /// The token goes to Zoho only: whatever an answer names is held against the data centre's own domains, and the
    /// addresses that were given.
    private func address(of place: String) throws(MigratezError) -> String {
        if place.hasPrefix("/") { return access.baseURL + place }
        let url = try RequestURL(place)
        for known in [access.baseURL, access.uploadURL] {
            let known = try RequestURL(known)
            if (known.host, known.port, known.isSecure) == (url.host, url.port, url.isSecure) { return place }
        }
        guard url.isSecure, access.dataCenter.domains.contains(where: { url.host.hasSuffix(".\($0)") }) else {
            throw MigratezError(
                .brokenResponse, "Zoho names a result at \(url.host), which is none of its own addresses",
                remedy: .stop)
        }
        return place
    }

    /// An answer that is cut off although its length is right looks like success to the transport; it is asked for again
    /// where that does no harm.
    private func value(_ request: HTTPRequest) async throws -> JSONValue {
        var attempt = 1
        while true {
            let response = try await http.send(request)
            guard response.isSuccess else { throw Self.error(response, to: request) }
            let answer: JSONValue
            do {
                answer = try JSONValue(parsing: response.body)
            } catch {
                guard request.isIdempotent, attempt < Self.attemptsMax else {
                    throw error.error(.brokenResponse, in: "the answer to \(request)", remedy: .retry(after: nil))
                }
                attempt += 1
                continue
            }
            guard answer["status"] != "error" else { throw Self.error(response, to: request) }
            return answer
        }
    }

    /// Refusals stand by themselves, or as the one entry of a list.
    private static func error(_ response: HTTPResponse, to request: HTTPRequest) -> MigratezError {
        guard let entry = (try? JSONValue(parsing: response.body))?["data"]?[0] else {
            return ZohoAnswers.error(response, to: request)
        }
        return ZohoAnswers.error(HTTPResponse(head: response.head, body: entry.serialized()), to: request)
    }
}

extension MigratezError {
    /// Whether the same may be tried again from its beginning.
    var mayPassAnew: Bool {
        guard case .retry = remedy else { return false }
        return true
    }
}
