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

        package var code: ErrorCode {
            switch self {
            case .throttled: .throttled
            case .quotaExhausted: .quotaExhausted
            case .unavailable: .serverFailed
            case .credentials: .credentialsRejected
            case .permission: .permissionMissing
            case .absent, .refused: .requestRefused
            }
        }

        package var remedy: MigratezError.Remedy {
            switch self {
            case .throttled, .unavailable: .retry(after: nil)
            case .quotaExhausted: .waitForQuota(until: nil)
            case .credentials, .permission, .absent, .refused: .fixConfiguration
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
        case .credentials, .permission, .absent, .refused: return .final
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
        error.cause = RESTCallRefused(status: response.status, meaning: rule(for: response)?.meaning)
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

    var description: String { "the service answers \(status)" }
}
