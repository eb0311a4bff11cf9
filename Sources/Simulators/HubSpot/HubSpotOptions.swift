// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// How a simulated HubSpot account behaves.
package struct HubSpotOptions: Sendable {
    /// Requests by one application in a window of time, and in a day.
    package struct Rate: Sendable, Hashable {
        package var requests: Int
        package var window: Duration
        /// `nil`: no daily limit.
        package var daily: Int?

        package init(requests: Int, window: Duration, daily: Int? = nil) {
            self.requests = requests
            self.window = window
            self.daily = daily
        }
    }

    /// Bearer tokens that are accepted besides those that the token endpoint hands out; `nil` accepts any.
    package var tokens: Set<String>?
    /// Scopes of every token; `nil` grants all.
    package var scopes: Set<String>?
    /// How long tokens from the token endpoint live.
    package var tokenLifetime: Duration
    /// The limit on all requests but searches; `nil`: none. A Professional account has 190 in 10 s, 625,000 a day.
    package var rate: Rate?
    /// The limit on searches; `nil`: none. HubSpot allows 5 a second.
    package var searchRate: Rate?
    /// How long a write stays invisible to search.
    package var searchLag: Duration
    /// Request targets longer than this are answered 414.
    package var targetBytesMax: Int
    /// The most bytes of one file; `nil`: no limit.
    package var fileBytesMax: Int?
    /// Records of the custom object `subscription`, which the account has if there are any.
    package var subscriptions: Int
    /// How many lists there are.
    package var lists: Int
    /// How many custom objects there may be: 10 in Enterprise accounts (HubSpot Products & Services Catalog).
    package var customObjectsMax: Int
    /// How many labels the links between two objects may have.
    package var labelsPerPairMax: Int
    /// Where changes are kept; `nil` keeps them in memory.
    package var database: String?
    package var clock: any WallClock

    package init(
        tokens: Set<String>? = nil, scopes: Set<String>? = nil, tokenLifetime: Duration = .seconds(1800),
        rate: Rate? = nil, searchRate: Rate? = nil, searchLag: Duration = .zero, targetBytesMax: Int = 16_384,
        fileBytesMax: Int? = nil, subscriptions: Int = 0, lists: Int = 0, customObjectsMax: Int = 10,
        labelsPerPairMax: Int = 50,
        database: String? = nil, clock: any WallClock = SystemWallClock()
    ) {
        self.tokens = tokens
        self.scopes = scopes
        self.tokenLifetime = tokenLifetime
        self.rate = rate
        self.searchRate = searchRate
        self.searchLag = searchLag
        self.targetBytesMax = targetBytesMax
        self.fileBytesMax = fileBytesMax
        self.subscriptions = subscriptions
        self.lists = lists
        self.customObjectsMax = customObjectsMax
        self.labelsPerPairMax = labelsPerPairMax
        self.database = database
        self.clock = clock
    }
}
