// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// What Dataverse takes in one request, and how many requests.
///
/// Source: Microsoft Learn, "Service protection API limits" and "Use bulk operation messages".
enum DynamicsLimits {
    /// 6,000 requests in five minutes by one user on one web server; some are left for others who use the same user.
    static let budget = RateBudget(requests: 5_400, per: .seconds(300))
    /// Rows of one page of a list.
    static let pageRowsMax = 5_000
    /// Operations of one `$batch`, and rows of one `CreateMultiple` that the vendor advises for standard tables.
    static let batchRowsMax = 1_000
    /// Rows of one write unless the settings say otherwise: all of a write are rolled back for one bad row.
    static let writeRowsDefault = 200
    /// Rows that an aggregate counts.
    static let countRowsMax = 50_000
    /// Requests at once, of the 52 that a user may have.
    static let concurrencyDefault = 8

    /// Requests that are left in the window of five minutes. No header tells of a day: the allowance of 24 hours is
    /// reported to administrators, not to clients.
    static let hints: RateHintsReader = { head in
        guard let text = head.headers["x-ms-ratelimit-burst-remaining-xrm-requests"], let remaining = Int(text) else {
            return nil
        }
        return RateHints(windowRemaining: remaining)
    }

    /// Whoever asks again too early is told to wait longer; a wait that no request is worth is a pause of the run.
    static let pauseAbove: Duration = .seconds(600)

    /// What an answer means to the policies.
    static let verdict: @Sendable (HTTPResponse, Timestamp) -> ResponseVerdict = { response, now in
        if response.status == 429 {
            let after = RetryAfter.delay(response.headers, now: now)
            guard let after, after > pauseAbove else { return .refused(after: after) }
            return .quotaExhausted(until: now.advanced(by: min(after, .seconds(86_400))))
        }
        guard (400..<500).contains(response.status) else { return .byStatus(response, now: now) }
        switch DynamicsRefusal(response).rule.triage {
        case .retryCall: return .transient(after: RetryAfter.delay(response.headers, now: now))
        case .rejectRow, .retryRow, .fixConfiguration: return .byStatus(response, now: now)
        }
    }
}
