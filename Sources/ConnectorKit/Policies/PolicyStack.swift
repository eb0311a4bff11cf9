// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezTransport

/// The policies of one connector around the process's HTTP client.
///
/// From the outside in: retries → authentication → rate budget → calls at once → reach → whatever `http` is (a
/// `LoggedClient`, say). So every attempt waits for room in the budget, and a renewed token is used by the next attempt.
package struct PolicyStack: Sendable {
    /// What the connector sends its requests through.
    package let client: any HTTPClient
    /// For progress: what the limiter waits for, and the day's use.
    package let limiter: RateLimiter
    /// The most calls at once that the settings allow; `nil` = to be found out (`rate.concurrency: auto`).
    package let concurrencyMax: Int?

    /// The settings that `make` reads; every connector that uses it lists them among its own.
    package static let settings: [SettingSpec] = [
        SettingSpec("rate.requests", .text, "requests per period, such as 150/10s"),
        SettingSpec("rate.daily_share", .text, "share of the day's requests that may be used, such as 70%"),
        SettingSpec("rate.concurrency", .text, "requests at once: a number, or auto"),
        ConnectorSettings.reachSpec,
    ]

    /// - Parameters:
    ///   - tokens: where access tokens come from; `nil` = no authentication (requests for tokens, for instance).
    ///   - tokenScheme: what stands before a token in the header `Authorization`.
    ///   - budget: what the vendor allows, if the settings say nothing.
    ///   - classBudgets: what the vendor allows for single endpoint classes besides.
    ///   - hints: reads the vendor's rate headers.
    /// - Throws: `invalidSetting`.
    package static func make(
        http: any HTTPClient, clock: any WallClock, settings: ConnectorSettings, tokens: (any TokenProvider)?,
        tokenScheme: String = "Bearer", retry: RetryPolicy = RetryPolicy(), budget: RateBudget? = nil,
        classBudgets: [String: RateBudget] = [:], hints: RateHintsReader? = nil
    ) throws(MigratezError) -> PolicyStack {
        var budget = budget
        if let text = settings["rate.requests"] { budget = try RateBudget(parsing: text) }
        var share = 1.0
        if let text = settings["rate.daily_share"] { share = try RateBudget.share(parsing: text) }
        let limiter = RateLimiter(budget: budget, classes: classBudgets, dailyShare: share, clock: clock)
        let callsMax = try concurrency(settings)
        let http: any HTTPClient = ReachClient(http, settings.reach)
        let bounded = callsMax.map { ConcurrencyLimitedClient(http, callsMax: $0) } ?? http
        var client: any HTTPClient = RateLimitedClient(bounded, limiter: limiter, hints: hints, clock: clock)
        if let tokens {
            client = AuthorizedClient(client, token: SharedToken(tokens, clock: clock), scheme: tokenScheme)
        }
        client = RetryingClient(client, policy: retry, clock: clock)
        return PolicyStack(client: client, limiter: limiter, concurrencyMax: callsMax)
    }

    private static func concurrency(_ settings: ConnectorSettings) throws(MigratezError) -> Int? {
        guard let text = settings["rate.concurrency"], text != "auto" else { return nil }
        guard let count = Int(text), (1...1000).contains(count) else {
            throw MigratezError(
                .invalidSetting, "'\(text)' is not a number of requests at once", remedy: .fixConfiguration,
                hint: "write a number from 1 to 1000, or auto")
        }
        return count
    }
}
