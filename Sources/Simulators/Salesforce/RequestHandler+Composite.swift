// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
import MigratezSimulatorKit

/// Several requests in one: `composite` with references between them, and `composite/batch` without
/// (crm-apis: Salesforce, sections 3 and 5).
extension RequestHandler {
    private static let requestsMax = 25
    /// Of them, queries and collections.
    private static let queriesMax = 5

    func composite(_ request: SimulatorRequest) throws -> SimulatorResponse {
        let document = try document(request)
        let parts = document["compositeRequest"]?.elements ?? []
        try check(parts.map { $0["url"]?.text ?? "" }, limitsQueries: true)
        let allOrNone = document["allOrNone"]?.bool ?? false
        var answers: [(id: String, status: Int, body: JSONValue)] = []
        try db.inSavepoint {
            for part in parts {
                let id = part["referenceId"]?.text ?? ""
                guard let known = References(answers).resolved(part) else {
                    answers.append((id, 400, failure("PROCESSING_HALTED", "Invalid reference specified.")))
                    continue
                }
                let response = try perform(known, request)
                answers.append((id, response.status, RequestHandler.body(of: response)))
            }
            return allOrNone && answers.contains { $0.status >= 300 } ? .rollback : .commit
        }
        let isUndone = allOrNone && answers.contains { $0.status >= 300 }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("compositeResponse")
        writer.beginArray()
        for answer in answers {
            let wasGood = answer.status < 300
            let halted = failure(
                "PROCESSING_HALTED",
                "The transaction was rolled back since another operation in the same transaction failed.")
            writer.beginObject()
            writer.key("body")
            (isUndone && wasGood ? halted : answer.body).write(to: &writer)
            writer.key("httpHeaders")
            writer.beginObject()
            writer.endObject()
            writer.member("httpStatusCode", isUndone && wasGood ? 400 : answer.status)
            writer.member("referenceId", answer.id)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return .json(writer.bytes)
    }

    /// Requests that know nothing of each other; their URLs are relative to `/services/data/`.
    func batch(_ request: SimulatorRequest) throws -> SimulatorResponse {
        let document = try document(request)
        let parts = document["batchRequests"]?.elements ?? []
        try check(parts.map { $0["url"]?.text ?? "" }, limitsQueries: false)
        var hasErrors = false
        var results: [(Int, JSONValue)] = []
        for part in parts {
            let url = part["url"]?.text ?? ""
            let target = url.hasPrefix("/") ? url : "/services/data/" + url
            let body = part["richInput"]?.serialized() ?? []
            let response = subrequest(part["method"]?.text ?? "GET", target, body, request)
            hasErrors = hasErrors || response.status >= 300
            results.append((response.status, RequestHandler.body(of: response)))
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("hasErrors", hasErrors)
        writer.key("results")
        writer.beginArray()
        for (status, body) in results {
            writer.beginObject()
            writer.member("statusCode", status)
            writer.key("result")
            body.write(to: &writer)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return .json(writer.bytes)
    }

    private func check(_ urls: [String], limitsQueries: Bool) throws(APIFailure) {
        guard !urls.isEmpty, urls.count <= RequestHandler.requestsMax else {
            throw APIFailure(400, "LIMIT_EXCEEDED", "The number of subrequests must be from 1 to 25")
        }
        let queries = urls.filter { $0.contains("/query") || $0.contains("/composite/sobjects") }
        if limitsQueries, queries.count > RequestHandler.queriesMax {
            throw APIFailure(400, "LIMIT_EXCEEDED", "Only 5 subrequests can be queries or collections")
        }
    }

    private func perform(_ part: JSONValue, _ request: SimulatorRequest) throws -> SimulatorResponse {
        let body = part["body"].map { $0.isNull ? [] : $0.serialized() } ?? []
        return subrequest(part["method"]?.text ?? "GET", part["url"]?.text ?? "", body, request)
    }

    private func subrequest(
        _ method: String, _ target: String, _ body: [UInt8], _ request: SimulatorRequest
    ) -> SimulatorResponse {
        guard let method = SimulatorRequest.Method(rawValue: method.uppercased()) else {
            return APIFailure(400, "INVALID_HTTP_METHOD", "unknown method \(method)").response
        }
        let inner = SimulatorRequest(method: method, target: target, headers: request.headers, body: body)
        guard inner.path.count > 3, inner.path[3] != "composite" || inner.path.dropFirst(4).first == "sobjects",
            inner.path[3] != "jobs"
        else { return APIFailure(400, "INVALID_INPUT", "this resource cannot be a subrequest").response }
        return answer(inner)
    }

    private func failure(_ code: String, _ message: String) -> JSONValue {
        [["errorCode": .string(code), "message": .string(message)]]
    }

    private static func body(of response: SimulatorResponse) -> JSONValue {
        guard case .bytes(let bytes) = response.body, !bytes.isEmpty else { return .null }
        return (try? JSONValue(parsing: bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
    }

    /// `@{reference.path}` in URLs and bodies, replaced by what the answers so far say.
    private struct References {
        private let answers: [String: JSONValue]

        init(_ answers: [(id: String, status: Int, body: JSONValue)]) {
            self.answers = Dictionary(
                answers.filter { $0.status < 300 }.map { ($0.id, $0.body) }, uniquingKeysWith: { $1 })
        }

        /// `nil` if a reference leads nowhere.
        func resolved(_ value: JSONValue) -> JSONValue? {
            switch value {
            case .string(let text): return resolved(text).map { .string($0) }
            case .array(let elements):
                let all = elements.map { resolved($0) }
                return all.contains(nil) ? nil : .array(all.compactMap { $0 })
            case .object(let members):
                var resolvedMembers: [JSONValue.Member] = []
                for member in members {
                    guard let value = resolved(member.value) else { return nil }
                    resolvedMembers.append(JSONValue.Member(member.key, value))
                }
                return .object(resolvedMembers)
            case .null, .bool, .number: return value
            }
        }

        private func resolved(_ text: String) -> String? {
            var rest = text[...]
            var result = ""
            while let start = rest.firstIndex(of: "@"), rest[start...].hasPrefix("@{") {
                guard let end = rest[start...].firstIndex(of: "}") else { break }
                guard let value = value(rest[rest.index(start, offsetBy: 2)..<end]) else { return nil }
                result += rest[..<start] + value
                rest = rest[rest.index(after: end)...]
            }
            return result + rest
        }

        /// `ref.id`, `ref[0].id`, `ref.records[0].Id`
        private func value(_ path: Substring) -> String? {
            let steps = path.split { $0 == "." || $0 == "[" || $0 == "]" }
            guard var value = steps.first.flatMap({ answers[String($0)] }) else { return nil }
            for step in steps.dropFirst() {
                guard let next = Int(step).flatMap({ value[$0] }) ?? value[String(step)] else { return nil }
                value = next
            }
            return value.text
        }
    }
}
