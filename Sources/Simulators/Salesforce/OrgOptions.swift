// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// How a simulated organisation is set up. The defaults are those of a new organisation, with generous limits.
package struct OrgOptions: Sendable {
    /// A user of the organisation, who can own records.
    package struct User: Sendable {
        package var email: String
        package var name: String
        package var isActive: Bool

        package init(email: String, name: String, isActive: Bool = true) {
            self.email = email
            self.name = name
            self.isActive = isActive
        }
    }

    /// Something that an administrator has set up to happen when records are saved. It is listed, and does nothing here.
    package struct Automation: Sendable {
        package enum Kind: Sendable { case flow, trigger, workflowRule, duplicateRule, validationRule }

        package var kind: Kind
        package var name: String
        package var object: String
        /// Of a workflow rule: the types of its actions (`FieldUpdate`, `Alert`).
        package var actions: [String]

        package init(_ kind: Kind, _ name: String, on object: String, actions: [String] = []) {
            self.kind = kind
            self.name = name
            self.object = object
            self.actions = actions
        }
    }

    /// A kind of records of one object.
    package struct RecordType: Sendable {
        package var object: String
        package var name: String
        /// Whether accounts of this kind are persons.
        package var isPerson: Bool

        package init(_ name: String, of object: String, isPerson: Bool = false) {
            self.name = name
            self.object = object
            self.isPerson = isPerson
        }
    }

    /// What the organisation calls itself, and its edition.
    package var name = "Acme, Inc."
    package var edition = "Enterprise Edition"
    package var automations: [Automation] = []
    /// "View Setup and Configuration": whether the user of the interface may see automations.
    package var showsSetup = true
    /// The versions under `/services/data`.
    package var apiVersions: ClosedRange<Int> = 59...68
    /// The first one is the administrator, who is also the user of every session that names no other.
    package var users: [User] = [
        User(email: "etl@acme.test", name: "Etl Integration"), User(email: "new.rep@acme.test", name: "New Rep"),
    ]

    /// The client of the OAuth flows; `nil` accepts any.
    package var clientID: String?
    package var clientSecret: String?
    package var refreshToken: String?
    /// PEM of the key that signs JWT assertions; `nil` checks their shape only.
    package var jwtPublicKey: String?
    /// Access tokens that are always valid, for clients that do not log in.
    package var staticTokens: Set<String> = []
    /// After so long, or so many requests, a session is answered 401 INVALID_SESSION_ID.
    package var sessionLifetime: Duration?
    package var sessionRequestsMax: Int?

    /// API requests in 24 hours; then 403 REQUEST_LIMIT_EXCEEDED.
    package var dailyRequestsMax = 5_000_000
    /// Records on a page of a query, unless the request asks for fewer.
    package var queryPageRecordsMax = 2000

    /// "Set Audit Fields upon Record Creation": `CreatedDate` and its like can be set on insert.
    package var permitsAuditFields = false
    /// "Update Records with Inactive Owners": records can be given to users who left.
    package var permitsInactiveOwners = false
    /// A duplicate rule that refuses a contact with the e-mail address of another one.
    package var hasContactDuplicateRule = false
    /// Whether new custom fields are visible at once. A real organisation hides them from users until somebody grants
    /// field-level security.
    package var showsNewFields = true

    /// Whether an update or upsert may repeat the value of a field that can be set on creation only. The platform
    /// refuses it (`INVALID_FIELD_FOR_INSERT_UPDATE`), whatever the value.
    package var acceptsUnchangedCreateOnlyFields = false

    /// The most bytes of one file; the platform's own limit is 2 GB.
    package var fileBytesMax = 2_000_000_000
    /// E-mails are records of their own, rather than tasks alone.
    package var hasEnhancedEmail = true
    /// Several contacts may be related to a task or event ("Shared Activities").
    package var sharesActivities = false
    /// Whether the standard price book is active; that of a new organisation is not.
    package var hasActivePriceBook = true
    package var recordTypes: [RecordType] = []
    /// Accounts may be persons; there must be a record type for them.
    package var hasPersonAccounts = false

    /// The share of the rows with a parent in common with other rows under way that meet a lock, 0...1.
    package var lockShare = 0.0
    /// How often a bulk job must be asked before it says that it is complete.
    package var jobPollsMin = 2
    /// Decides which rows meet a lock and in which order bulk results come.
    package var seed: UInt64 = 1

    package init() {}
}
