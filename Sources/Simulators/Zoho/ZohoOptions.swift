// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// How a simulated organisation of Zoho CRM behaves.
package struct ZohoOptions: Sendable {
    /// A user, who can own records.
    package struct User: Sendable, Hashable {
        package var email: String
        package var name: String
        package var isActive: Bool

        package init(email: String, name: String, isActive: Bool = true) {
            self.email = email
            self.name = name
            self.isActive = isActive
        }
    }

    /// The first one is the user of the interface; the second one acts by `otherTokens`.
    package var users = [
        User(email: "etl@acme.test", name: "Etl Integration"), User(email: "new.rep@acme.test", name: "New Rep"),
    ]
    package var companyName = "Acme, Inc."
    package var edition = "enterprise"
    /// What `api_domain` of a token says; `nil` = wherever the request came to.
    package var apiDomain: String?
    /// The versions below `/crm`.
    package var versions: Set = ["v6", "v7", "v8"]

    /// The client of the refresh; `nil` accepts any.
    package var clientSecret: String?
    package var refreshToken: String?
    /// How long a token lives.
    package var tokenLifetime: Duration = .seconds(3_600)
    /// New tokens of one refresh token in ten minutes.
    package var tokensMax = 10
    /// Tokens that are always valid, of the second user.
    package var otherTokens: Set<String> = []
    /// The scopes of every token; `nil` = all.
    package var scopes: Set<String>?

    /// Credits of 24 hours, and how many of them are used already.
    package var credits = 5_000_000
    package var creditsUsed = 0
    /// Calls under way at once.
    package var concurrencyMax = 20

    /// Whether records can be given to users who left. Zoho's documentation does not say that they can.
    package var permitsInactiveOwners = false
    /// How far the organisation's time zone is from UTC, in minutes: all times that it shows are in it.
    package var zoneMinutes = 330
    /// How long the token of a page is good for.
    package var pageTokenLifetime: Duration = .seconds(86_400)
    /// Single lines that somebody added by hand to the lines of quotes, orders and invoices.
    package var lineFields: [String] = []
    /// The most bytes of an attachment.
    package var fileBytesMax = 100 << 20
    /// How long a bulk job takes, and how long it and its result are kept.
    package var bulkDuration: Duration = .seconds(6)
    package var bulkLifetime: Duration = .seconds(86_400)
    /// Records that one bulk read exports.
    package var bulkPageRecords = 200_000
    /// How many of the first bulk jobs fail.
    package var bulkFailures = 0
    /// Results of bulk reads that are given out in a minute.
    package var downloadsMax = 10
    package var clock: any WallClock = SystemWallClock()

    package init() {}
}
