// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// One vendor's protocol.
protocol SimulatedVendor: Sendable {
    init(_ options: RESTSimulator.Options, _ crm: SyntheticCRM)

    /// The tables in which records are kept.
    var tables: [String] { get }
    /// Fills the tables.
    func seed(_ session: DocumentSession, _ crm: SyntheticCRM) throws
    /// Answers that need no authentication and count against no limit: tokens.
    func unlimited(_ request: SimulatorRequest, now: Timestamp) throws -> VendorAnswer?
    /// Why the request is not let in.
    func refusal(of request: SimulatorRequest, now: Timestamp) -> VendorFailure?
    /// - Throws: `VendorFailure` for what the vendor refuses.
    func answer(_ request: SimulatorRequest, _ session: DocumentSession, now: Timestamp) throws -> VendorAnswer
    func isWrite(_ request: SimulatorRequest) -> Bool
    /// A refusal in the vendor's own form.
    func body(of failure: VendorFailure) -> JSONValue
    func throttle(after wait: Duration, now: Timestamp) -> VendorFailure
    func limitHeaders(_ allowance: RequestAllowance, remaining: Int) -> [(String, String)]
}

extension SimulatedVendor {
    func unlimited(_ request: SimulatorRequest, now: Timestamp) throws -> VendorAnswer? { nil }
    func limitHeaders(_ allowance: RequestAllowance, remaining: Int) -> [(String, String)] { [] }

    func throttle(after wait: Duration, now: Timestamp) -> VendorFailure {
        VendorFailure(429, "rate_limit_exceeded", "too many requests")
    }

    func isWrite(_ request: SimulatorRequest) -> Bool { request.method != .get }
}

struct VendorAnswer {
    var body: JSONValue
    var status: Int
    var headers: [(String, String)]

    init(_ body: JSONValue, status: Int = 200, headers: [(String, String)] = []) {
        self.body = body
        self.status = status
        self.headers = headers
    }
}

/// What a vendor refuses.
struct VendorFailure: Error {
    var status: Int
    var code: String
    var message: String
    var headers: [(String, String)] = []
    /// Seconds, where the vendor says them in the body.
    var wait: Int?

    init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    static func notFound(_ what: String) -> VendorFailure {
        VendorFailure(404, "not_found", "there is no such \(what)")
    }
    static let noRoute = VendorFailure(404, "not_found", "there is nothing at this address")
}

extension SimulatorRequest {
    /// The body, an object.
    ///
    /// - Throws: `VendorFailure` if it is none.
    func json() throws -> JSONValue {
        guard let value = try? JSONValue(parsing: body), case .object = value else {
            throw VendorFailure(400, "invalid_request", "the body is not a JSON object")
        }
        return value
    }

    /// A number of the query within bounds.
    func number(_ name: String, _ otherwise: Int, _ range: ClosedRange<Int>) throws -> Int {
        guard let text = query(name) else { return otherwise }
        guard let number = wholeNumber(text), range.contains(number) else {
            throw VendorFailure(
                400, "invalid_request", "\(name) must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// The token behind a word of the header `Authorization`: `Bearer …`.
    func credential(_ scheme: String) -> String? {
        guard let header = headers["Authorization"], header.lowercased().hasPrefix("\(scheme.lowercased()) ") else {
            return nil
        }
        return String(header.dropFirst(scheme.count + 1))
    }
}

/// JSON does not tell `50` from `50.0`, and some clients send that.
private func wholeNumber(_ text: String) -> Int? { Double(text).flatMap { Int(exactly: $0) } }

extension JSONValue {
    /// A number of a body within bounds.
    func number(_ name: String, _ otherwise: Int, _ range: ClosedRange<Int>) throws -> Int {
        guard let value = self[name], !value.isNull else { return otherwise }
        guard case .number(let text) = value, let number = wholeNumber(text), range.contains(number) else {
            throw VendorFailure(400, "validation_type", "\(name) must be a number up to \(range.upperBound)")
        }
        return number
    }

    /// The object with the members of another put in place of its own.
    func merging(_ other: JSONValue) -> JSONValue {
        let replaced = Set(other.members.map(\.key))
        return .object(members.filter { !replaced.contains($0.key) } + other.members)
    }

    static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    static func number(_ number: Int) -> JSONValue { .number(String(number)) }
}
