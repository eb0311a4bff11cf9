// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Calls below `/services/data/vNN.0`; a refusal becomes an error with our code and remedy.
struct SalesforceAPI: Sendable {
    /// The whole stack: rate, retry, token, instance.
    let http: any HTTPClient
    /// Where requests are written for; the instance is put in below.
    let address: String
    /// `v67.0`
    let version: String
    let headers: [HTTPHeader]

    /// - Parameter allowsDuplicates: whether rows are saved that a duplicate rule would refuse.
    init(http: any HTTPClient, access: SalesforceAccess, allowsDuplicates: Bool = false) {
        self.http = http
        address = access.loginURL
        version = access.apiVersion
        headers = [
            HTTPHeader("Accept", "application/json"),
            HTTPHeader("Sforce-Call-Options", "client=migratez"),
            // Assignment rules are on by default and would hand imported leads and cases to somebody else.
            HTTPHeader("Sforce-Auto-Assign", "FALSE"),
            HTTPHeader("Sforce-Duplicate-Rule-Header", "allowSave=\(allowsDuplicates)"),
        ]
    }

    /// A request for a path below the version, or for a whole path that an answer gave (`nextRecordsUrl`).
    func request(
        _ method: HTTPMethod, _ path: String, query: [(String, String)] = [], accept: String? = nil,
        contentType: String? = nil, body: HTTPBody = .empty, endpointClass: String, isIdempotent: Bool? = nil,
        deadline: Duration = .seconds(120), responseBytesMax: ByteCount = .MiB(32)
    ) -> HTTPRequest {
        var url = address + (path.hasPrefix("/services/") ? path : "/services/data/\(version)\(path)")
        if !query.isEmpty {
            url += "?" + query.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
        }
        var headers = headers
        if let accept { headers[0] = HTTPHeader("Accept", accept) }
        if let contentType { headers.append(HTTPHeader("Content-Type", contentType)) }
        return HTTPRequest(
            method, url, headers: headers, body: body, deadline: deadline, responseBytesMax: responseBytesMax,
            endpointClass: endpointClass, isIdempotent: isIdempotent)
    }

    /// Sends a request and returns the answer if its status is 2xx; throws what the refusal means otherwise.
    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let response = try await http.send(request)
        guard response.isSuccess else { throw Self.error(response.status, response.body, of: request) }
        return response
    }

    /// Sends a request and reads its answer as JSON; an empty answer is `null`.
    func json(_ request: HTTPRequest) async throws -> JSONValue {
        let response = try await send(request)
        if response.body.isEmpty { return .null }
        do { return try JSONValue(parsing: response.body) } catch { throw Self.broken(error, request) }
    }

    /// What an answer means that is not JSON.
    static func broken(_ failure: JSONFailure, _ request: HTTPRequest) -> MigratezError {
        failure.error(.brokenResponse, in: "the answer to \(request)", remedy: .retry(after: nil))
    }

    /// Sends a request with a JSON body.
    func json(
        _ method: HTTPMethod, _ path: String, body: JSONValue, endpointClass: String, isIdempotent: Bool
    ) async throws -> JSONValue {
        try await json(
            request(
                method, path, contentType: "application/json", body: .bytes(body.serialized()),
                endpointClass: endpointClass, isIdempotent: isIdempotent))
    }

    /// The rows of a query, page after page, handed on as they come.
    ///
    /// `nextRecordsUrl` is followed as it stands (REST API Developer Guide, "Query"); OFFSET is never used.
    ///
    /// - Parameters:
    ///   - isTooling: asks the Tooling API, which knows of definitions rather than of records.
    ///   - includesArchived: also finds archived activities, and what is in the recycle bin.
    func query(
        _ soql: String, isTooling: Bool = false, includesArchived: Bool = false, _ row: (JSONValue) throws -> Void
    ) async throws {
        let path = isTooling ? "/tooling/query" : includesArchived ? "/queryAll" : "/query"
        var next = request(.get, path, query: [("q", soql)], endpointClass: "query")
        var seen: Set<String> = []
        while true {
            let answer = try await json(next)
            guard let done = answer["done"]?.bool else {
                throw MigratezError(.brokenResponse, "a query answered without 'done'", remedy: .retry(after: nil))
            }
            for record in answer["records"]?.elements ?? [] { try row(record) }
            if done { return }
            guard let path = answer["nextRecordsUrl"]?.text, path.hasPrefix("/services/"), seen.insert(path).inserted
            else { throw MigratezError(.cursorLoop, "a query repeated a page or named no next one") }
            next = request(.get, path, endpointClass: "query")
        }
    }

    /// The number that a `SELECT COUNT()` query answers.
    func count(_ soql: String, includesArchived: Bool = false) async throws -> Int {
        let path = includesArchived ? "/queryAll" : "/query"
        let answer = try await json(request(.get, path, query: [("q", soql)], endpointClass: "query"))
        guard let total = answer["totalSize"]?.int else {
            throw MigratezError(.brokenResponse, "a count answered without 'totalSize'", remedy: .retry(after: nil))
        }
        return total
    }

    /// What a non-2xx answer means.
    static func error(_ status: Int, _ body: [UInt8], of request: HTTPRequest) -> MigratezError {
        let refusals = (try? JSONValue(parsing: body)).map(SalesforceRefusal.list) ?? []
        let refused = CallRefused(status: status, refusals: refusals)
        guard let first = refusals.first else {
            if status >= 500 {
                return MigratezError(
                    .serverFailed, "\(request) answered \(status)", remedy: .retry(after: nil), cause: refused)
            }
            if status == 401 {
                return MigratezError(
                    .credentialsRejected, "\(request) answered 401", remedy: .fixConfiguration, cause: refused)
            }
            return MigratezError(
                .requestRefused, "\(request) answered \(status)", remedy: .fixConfiguration, cause: refused)
        }
        let rule = first.rule
        var hint: String?
        var remedy = rule.remedy
        switch rule.remedy {
        case .retry where rule.isOfSession:
            // One fresh token was tried already, below.
            remedy = .fixConfiguration
            hint = "the session was refused twice: check that the user may use the API (permission 'API Enabled')"
        case .waitForQuota:
            hint = "the org's API requests of the last 24 hours are used up; resume later"
        case .fixConfiguration where rule.code == .permissionMissing:
            hint = "give the user the rights listed in the connector's documentation"
        default: break
        }
        if status >= 500, rule.remedy == .rejectRecord { remedy = .retry(after: nil) }
        return MigratezError(
            status >= 500 && remedy == .retry(after: nil) ? .serverFailed : rule.code,
            "\(request) answered \(status) \(first.vendorCode)", remedy: remedy, hint: hint, cause: refused)
    }
}

/// A call that Salesforce refused as a whole; the `cause` of the error.
struct CallRefused: Error, CustomStringConvertible {
    var status: Int
    var refusals: [SalesforceRefusal]

    /// Codes and fields only: the texts may quote values.
    var description: String {
        let codes = refusals.map { refusal in
            refusal.fields.isEmpty
                ? refusal.vendorCode : "\(refusal.vendorCode) (\(refusal.fields.joined(separator: ", ")))"
        }
        return "status \(status)" + (codes.isEmpty ? "" : ": " + codes.joined(separator: ", "))
    }
}

extension MigratezError {
    /// The call's refusal that led to this error, if one did.
    var callRefused: CallRefused? { cause as? CallRefused }

    /// Whether the same call may be made anew, if a second one does no harm.
    var mayPassAnew: Bool {
        if leavesFateUnknown || isSurelyNotSent { return true }
        // The token had expired and the body was a stream; the next attempt carries a new token.
        return code == .credentialsRejected && remedy == .retry(after: nil)
    }
}
