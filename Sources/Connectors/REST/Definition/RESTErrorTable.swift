// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
import MigratezTransport

/// What a vendor's refusals mean, by status and by the vendor's own code.
package struct RESTErrorTable: Sendable {
    /// What a refusal means to us: which error it is, and what may be done about it.
    package enum Meaning: String, Sendable, CaseIterable {
        /// Too many requests; nothing was done.
        case throttled
        /// The allowance of a long window is used up.
        case quotaExhausted = "quota_exhausted"
        /// The service fails for the moment; whether anything was done is not known.
        case unavailable
        case credentials
        case permission
        /// There is no such record.
        case absent
        /// The request cannot be as it is.
        case refused
        /// Of a row: another record has a value that no two may share.
        case duplicate
        /// Of a row: something must be given.
        case required
        /// Of a row: a value is of another kind.
        case invalid
        /// Of a row: a value is none of a fixed list.
        case notInList = "not_in_list"
        /// Of a row: a value is too long.
        case tooLong = "too_long"
        /// Of a row: what it refers to is not there.
        case noParent = "no_parent"

        package var code: ErrorCode {
            switch self {
            case .throttled: .throttled
            case .quotaExhausted: .quotaExhausted
            case .unavailable: .serverFailed
            case .credentials: .credentialsRejected
            case .permission: .permissionMissing
            case .absent, .refused, .duplicate, .required, .invalid, .notInList, .tooLong, .noParent: .requestRefused
            }
        }

        /// What it says of a row that was refused; `nil` = it says nothing of the row.
        var rejection: ErrorCode? {
            switch self {
            case .throttled, .quotaExhausted, .unavailable, .credentials, .permission: nil
            case .absent: .recordDeleted
            case .refused: .ruleViolated
            case .duplicate: .duplicate
            case .required: .requiredFieldMissing
            case .invalid: .wrongType
            case .notInList: .notInPicklist
            case .tooLong: .tooLong
            case .noParent: .parentNotLoaded
            }
        }

        package var remedy: MigratezError.Remedy {
            switch self {
            case .throttled, .unavailable: .retry(after: nil)
            case .quotaExhausted: .waitForQuota(until: nil)
            case .credentials, .permission, .absent, .refused, .duplicate, .required, .invalid, .notInList, .tooLong,
                .noParent:
                .fixConfiguration
            }
        }
    }

    /// The meaning of answers with this status and this code; `nil` = any.
    package struct Rule: Sendable {
        package var status: Int?
        package var vendorCode: String?
        package var meaning: Meaning
        var hint: String?
    }

    /// Where an answer holds the vendor's code.
    var code: RecordPaths?
    /// Where it says in how many seconds to come back, beside `Retry-After`.
    var wait: RecordPath?
    /// Where it says why, in words that may quote values.
    var text: RecordPath?
    /// Where it names the fields concerned.
    var field: RecordPath?
    /// The first one that fits counts; what none fits is told by its status alone.
    package var rules: [Rule]

    func rule(for response: HTTPResponse) -> Rule? {
        guard response.status >= 400 || rules.contains(where: { $0.status == response.status }) else { return nil }
        let code = vendorCode(in: response.body)
        return rules.first { rule in
            (rule.status == nil || rule.status == response.status)
                && (rule.vendorCode == nil || rule.vendorCode == code)
        }
    }

    /// - Parameter isUsedUp: whether the answer's headers say that nothing is left of the long window.
    func verdict(_ response: HTTPResponse, now: Timestamp, isUsedUp: Bool) -> ResponseVerdict {
        guard let rule = rule(for: response) else { return .byStatus(response, now: now) }
        let asked = RetryAfter.delay(response.headers, now: now) ?? seconds(in: response.body)
        switch rule.meaning {
        case .throttled where !isUsedUp: return .refused(after: asked)
        case .quotaExhausted, .throttled:
            return .quotaExhausted(until: asked.map { now.advanced(by: min($0, .seconds(86_400))) })
        case .unavailable: return .transient(after: asked)
        case .credentials, .permission, .absent, .refused, .duplicate, .required, .invalid, .notInList, .tooLong,
            .noParent:
            return .final
        }
    }

    /// The error for an answer that is a refusal. Vendors' messages may quote values, so only their code is shown.
    func error(_ response: HTTPResponse, to request: HTTPRequest) -> MigratezError {
        let code = vendorCode(in: response.body)
        var error = MigratezError.refusal(of: request, response, vendorCode: code)
        if let rule = rule(for: response) {
            error.code = rule.meaning.code
            error.remedy = rule.meaning.remedy
            error.hint = rule.hint
        } else if error.code == .requestRefused {
            error.remedy = .fixConfiguration
        }
        error.cause = RESTCallRefused(
            status: response.status, meaning: rule(for: response)?.meaning, code: code,
            text: text.flatMap { Self.text(at: RecordPaths(paths: [$0]), in: response.body) },
            fields: field.map { Self.texts(at: $0, in: response.body) } ?? [])
        return error
    }

    /// Codes are words; anything else could quote a value and is not shown.
    private func vendorCode(in body: [UInt8]) -> String? {
        guard let code, let text = Self.text(at: code, in: body), text.utf8.count <= 80,
            text.utf8.allSatisfy({
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || [0x2D, 0x2E, 0x5F].contains($0)
            })
        else { return nil }
        return text
    }

    private func seconds(in body: [UInt8]) -> Duration? {
        guard let wait, let text = Self.text(at: RecordPaths(paths: [wait]), in: body), let seconds = Double(text),
            seconds >= 0, seconds < 1e9
        else { return nil }
        return .milliseconds(Int64(seconds * 1000))
    }

    /// What the vendor's code for a row means.
    func meaning(of code: String) -> Meaning? { rules.first { $0.vendorCode == code }?.meaning }

    private static func texts(at path: RecordPath, in body: [UInt8]) -> [String] {
        body.withUnsafeBufferPointer { bytes in
            guard (try? JSONScanner.validate(bytes, limits: .page)) != nil, let start = root(of: bytes) else {
                return []
            }
            return path.values(in: bytes, from: start).map { JSONText.string($0, of: bytes) }
        }
    }

    private static func text(at paths: RecordPaths, in body: [UInt8]) -> String? {
        body.withUnsafeBufferPointer { bytes -> String? in
            do {
                try JSONScanner.validate(bytes, limits: .page)
            } catch {
                // A refusal of a proxy's is no JSON; then its status has to do.
                return nil
            }
            return root(of: bytes).flatMap { paths.text(in: bytes, from: $0) }
        }
    }
}

/// A call that was refused; the `cause` of the error.
struct RESTCallRefused: Error, CustomStringConvertible {
    var status: Int
    var meaning: RESTErrorTable.Meaning?
    /// The vendor's own code; a word.
    var code: String?
    /// The vendor's own words, which may quote values and must not leave the encrypted rejects.
    var text: String?
    var fields: [String] = []

    var description: String { "the service answers \(status)" }

    /// Whether what was sent is at fault, and not the moment, the token or the rights; and how.
    var rejection: ErrorCode? {
        if let meaning { return meaning.rejection }
        switch status {
        case 404, 410: return .recordDeleted
        case 400, 409, 413, 422: return .ruleViolated
        default: return nil
        }
    }
}
