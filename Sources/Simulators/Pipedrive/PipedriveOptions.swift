// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// How a simulated Pipedrive company behaves.
package struct PipedriveOptions: Sendable {
    /// Requests with one token in any two seconds.
    package struct Burst: Sendable, Hashable {
        package var requests: Int
        package var window: Duration

        package init(requests: Int, window: Duration = .seconds(2)) {
            self.requests = requests
            self.window = window
        }
    }

    /// Personal tokens that are accepted; `nil` accepts any.
    package var tokens: Set<String>?
    /// How long access tokens from the token endpoint live.
    package var tokenLifetime: Duration
    /// `nil`: no limit. A Lite company has 20 requests in 2 s for a personal token.
    package var burst: Burst?
    /// The company's budget of tokens a day (UTC); `nil`: no limit.
    package var dailyTokens: Int?
    /// The most bytes of a file that is uploaded; `nil`: no limit.
    package var fileBytesMax: Int?
    /// How long a write stays invisible to search.
    package var searchLag: Duration
    /// Whether records can be given to people who have left. The reference is silent; the stricter reading is the default.
    package var permitsInactiveOwners: Bool
    /// Where records are kept; `nil` keeps them in a temporary file.
    package var database: String?
    package var clock: any WallClock

    package init(
        tokens: Set<String>? = nil, tokenLifetime: Duration = .seconds(3_599), burst: Burst? = nil,
        dailyTokens: Int? = nil, searchLag: Duration = .zero, permitsInactiveOwners: Bool = false,
        database: String? = nil, clock: any WallClock = SystemWallClock()
    ) {
        self.tokens = tokens
        self.tokenLifetime = tokenLifetime
        self.burst = burst
        self.dailyTokens = dailyTokens
        self.searchLag = searchLag
        self.permitsInactiveOwners = permitsInactiveOwners
        self.database = database
        self.clock = clock
    }
}
