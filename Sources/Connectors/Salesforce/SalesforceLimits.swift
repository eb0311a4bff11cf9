// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// The platform's allowances: how it tells them, and what a load takes of them.
package enum SalesforceLimits {
    /// `Sforce-Limit-Info: api-usage=18/5000` on every answer: the requests of the last 24 hours and how many there may
    /// be (REST API Developer Guide, "Limit Info Header"). It names no time at which there will be room again.
    package static let hints: RateHintsReader = { head in
        guard let text = head.headers["Sforce-Limit-Info"] else { return nil }
        for part in text.split(whereSeparator: { $0 == ";" || $0 == "," || $0 == " " }) {
            guard part.hasPrefix("api-usage=") else { continue }
            let numbers = part.dropFirst("api-usage=".count).split(separator: "/")
            guard numbers.count == 2, let used = Int(numbers[0]), let limit = Int(numbers[1]) else { return nil }
            return RateHints(dailyUsed: used, dailyLimit: limit)
        }
        return nil
    }

    /// What an answer means to the policies: a used-up day comes as 403, not as 429.
    package static let verdict: @Sendable (HTTPResponse, Timestamp) -> ResponseVerdict = { response, now in
        guard !response.isSuccess, response.status < 500,
            let refusal = (try? JSONValue(parsing: response.body)).map(SalesforceRefusal.list)?.first
        else { return .byStatus(response, now: now) }
        let rule = refusal.rule
        switch rule.remedy {
        case .waitForQuota: return .quotaExhausted(until: nil)
        case .retry where rule.isOfLock: return .refused(after: nil)
        case .retry where !rule.isOfSession: return .transient(after: nil)
        default: return .byStatus(response, now: now)
        }
    }

    /// Requests that a load takes: one for 200 rows, or about a dozen a bulk job. Notes are looked up after they are
    /// written.
    package static func estimatedCalls(object: String, rows: Int, route: WriteRoute) -> Int {
        guard rows > 0 else { return 0 }
        let writes = (rows + route.recordsMax - 1) / route.recordsMax
        // Create, upload, start, about six looks at the state, two lists, one last look, delete.
        if route.name == RouteName.bulk2 { return writes * 13 }
        return ContentNote.isDocument(object) ? writes * 2 : writes
    }
}
