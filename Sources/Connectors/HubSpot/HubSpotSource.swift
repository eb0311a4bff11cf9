// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// HubSpot as a source.
///
/// Records are read from the list endpoints, which have no cap and do not lag behind, never from search. Each record is
/// a slice of HubSpot's own answer. Links come from the batch read of associations. Streams are named in the singular
/// (`contact`, `line_item`); a custom object by its id (`2-123`).
package struct HubSpotSource: Source {
    package let name = "hubspot"
    /// What a pipeline may set below `source:`.
    package static let settings: [SettingSpec] = HubSpotSettings.specs

    package let limiter: RateLimiter?
    let settings: HubSpotSettings
    let client: HubSpotClient
    let tokens: any TokenProvider
    let accountMemory = AccountMemory()
    private let loops = CursorLoopGuard()

    /// - Parameter http: the process's client; retries, authentication and the rate budget are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        let checked = try HubSpotSettings(settings)
        let retry = RetryPolicy(verdict: { HubSpotAnswers.verdict($0, now: $1) })
        let tokenClient = try PolicyStack.make(http: http, clock: clock, settings: settings, tokens: nil, retry: retry)
        let exchange = RefreshTokens.Exchange(
            http: tokenClient.client, url: checked.baseURL + checked.paths.token, clock: clock)
        tokens = try checked.tokens(settings, refreshing: exchange)
        let policies = try PolicyStack.make(
            http: http, clock: clock, settings: settings, tokens: tokens, retry: retry,
            // The lowest allowance of any subscription, so that nobody else is crowded out; search has its own.
            budget: RateBudget(requests: 100, per: .seconds(10)),
            classBudgets: ["search": RateBudget(requests: 4, per: .seconds(1))],
            hints: { HubSpotAnswers.hints($0) })
        self.settings = checked
        limiter = policies.limiter
        client = HubSpotClient(http: policies.client, baseURL: checked.baseURL)
    }

    package func layout(of object: StreamName) -> RecordLayout {
        RecordLayout(
            id: "id", fields: "properties", modified: HubSpotObject(object).modified,
            formerIDs: HubSpotObject.mergedIDs)
    }

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let place = try HubSpotCursor(cursor)
        var page = try await page(of: HubSpotObject(object), fields: fields, at: place)
        if page.next == nil, settings.includesArchived, !place.isArchived {
            page.next = HubSpotCursor(isArchived: true).cursor
        }
        if let next = page.next, loops.isLoop(object, from: cursor, to: next) {
            throw MigratezError(
                .cursorLoop, "HubSpot's list of \(object) leads back to a page that was read already",
                remedy: .retry(after: nil))
        }
        return page
    }

    /// `nil`: HubSpot counts in search only, whose index lags behind.
    package func count(of object: StreamName) async throws -> Int? { nil }

    /// The total of a search without conditions.
    package func estimatedCount(of object: StreamName) async throws -> Int? {
        let body: JSONValue = ["filterGroups": [], "limit": 1]
        do {
            let answer = try await client.post(
                settings.paths.search(HubSpotObject(object).type), [], body, class: "search")
            return try JSONValue(parsing: answer)["total"]?.int
        } catch is MigratezError {
            // Not worth stopping for: it is only for a progress bar.
            return nil
        }
    }
}
