// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// What one side says about the account that it lets us into, and what it lets us do there.
///
/// It holds names and numbers of the account's settings, never records. What the vendor does not tell is absent, or
/// listed in `unknown` with the reason; nothing is guessed.
package struct AccountReport: Sendable, Equatable {
    /// Who answers: `HubSpot account 1000001`, `Acme, Inc.`, a folder.
    package var account: String
    /// Whom it takes us for.
    package var user: String?
    package var apiVersion: String?
    /// What the vendor calls the kind of account: `STANDARD`, `Enterprise Edition`.
    package var edition: String?
    /// The rights that the credentials carry, sorted; empty if the vendor does not list them.
    package var scopes: [String] = []
    /// What the objects need and the credentials do not give; a run would fail for each of them.
    package var missingRights: [String] = []
    /// The one that requests count against comes first.
    package var allowances: [Allowance] = []
    /// What else is worth knowing, in the order to show it: time zone, records there, free storage.
    package var facts: [Fact] = []
    /// What could not be found out, with the reason.
    package var unknown: [String] = []

    package init(account: String) { self.account = account }

    /// A name and what the account says about it.
    package struct Fact: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }
}

/// How much of something the vendor allows, and how much of it is left.
package struct Allowance: Sendable, Codable, Equatable {
    /// `API requests a day`
    package var name: String
    package var limit: Int
    package var remaining: Int
    /// When it is full again, as the vendor writes it.
    package var resetsAt: String?

    package init(_ name: String, limit: Int, remaining: Int, resetsAt: String? = nil) {
        self.name = name
        self.limit = limit
        self.remaining = remaining
        self.resetsAt = resetsAt
    }

    /// The part that is left, 0 to 1.
    package var remainingShare: Double { limit > 0 ? Double(max(0, remaining)) / Double(limit) : 0 }
}

extension AccountReport {
    /// The answer to a question that the account may refuse to answer; a refusal is noted under `unknown`.
    ///
    /// - Throws: everything else: an account that cannot be reached at all is no report.
    package mutating func asking<T>(_ what: String, _ question: () async throws -> T) async throws -> T? {
        do {
            return try await question()
        } catch let error as MigratezError where error.code == .permissionMissing || error.code == .requestRefused {
            unknown.append("\(what): \(error.code.meaning)")
            return nil
        }
    }
}
