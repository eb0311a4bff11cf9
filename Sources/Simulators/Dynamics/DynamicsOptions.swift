// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// How a simulated environment of Dataverse is set up. The defaults are those of a new one, with generous limits.
package struct DynamicsOptions: Sendable {
    /// A user of the environment, who can own records.
    package struct User: Sendable {
        package var email: String
        package var name: String
        package var isEnabled: Bool

        package init(email: String, name: String, isEnabled: Bool = true) {
            self.email = email
            self.name = name
            self.isEnabled = isEnabled
        }
    }

    /// A process or a duplicate rule that an administrator has switched on. It is listed, and does nothing here.
    package struct Automation: Sendable {
        package enum Kind: Sendable { case workflow, duplicateRule }

        package var kind: Kind
        package var name: String
        package var table: String

        package init(_ kind: Kind, _ name: String, on table: String) {
            self.kind = kind
            self.name = name
            self.table = table
        }
    }

    /// People besides those of the synthetic CRM. The application user, for whom every token is, is not among them.
    package var users: [User] = []
    /// The address of the application user, who owns what nobody was named for; most have none.
    package var applicationUserEmail = ""
    package var automations: [Automation] = []
    /// The tenant and the client of the token endpoint; `nil` accepts any.
    package var tenant: String?
    package var clientID: String?
    package var clientSecret: String?
    /// Access tokens that are always valid, for clients that do not log in.
    package var staticTokens: Set<String> = []
    package var tokenLifetime: Duration = .seconds(3599)
    /// Requests in a sliding window; Dataverse allows a user 6,000 in 300 seconds on each web server.
    package var requestsMax = 6_000
    package var window: Duration = .seconds(300)
    /// Rows on a page, unless the request asks for fewer.
    package var pageRowsMax = 5_000
    /// Rows that an aggregate counts at most.
    package var aggregateRowsMax = 50_000
    /// The longest document of a note: in base 64, or of its bytes where they come in blocks. 5 MB unless an administrator
    /// has set another, 128 MB at most.
    package var uploadBytesMax = 5 << 20
    /// Tables that take no message for many rows at once: `CreateMultiple` and its like.
    package var tablesWithoutMultiple: Set<String> = []
    /// How often the index of a new alternate key is asked for before it is active.
    package var keyPollsMin = 1
    /// Privileges that the application user lacks: `prvCreateContact`.
    package var missingPrivileges: Set<String> = []

    package init() {}
}
