// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel

/// People of the source and their counterparts in the destination, both by id.
package struct PeopleMap: Sendable, Equatable {
    /// Source id → destination id.
    package private(set) var targets: [String: String] = [:]
    /// Who gets what belongs to anybody else; `nil` = such records are rejected.
    package private(set) var substitute: String?

    /// Nobody has a counterpart.
    package init() {}

    /// The counterparts as they are given.
    package init(targets: [String: String], substitute: String?) {
        self.targets = targets
        self.substitute = substitute
    }

    /// Finds the counterparts by address: first by the table, then by the same address if the rules say so. Only active
    /// people of the destination count, because a CRM refuses records for others.
    ///
    /// - Throws: `invalidSetting` if the person whom `unmatched` names is not an active one of the destination.
    package init(_ spec: PeopleSpec, source: [Person], destination: [Person]) throws(MigratezError) {
        var ids: [String: String] = [:]
        for person in destination where person.isActive {
            guard let email = person.email.flatMap({ MatchKey.normalized($0, as: .email) }) else { continue }
            // Of two people with one address the first stands, so that the choice does not depend on the order of a hash.
            if ids[email] == nil { ids[email] = person.id }
        }
        for person in source {
            guard let email = person.email.flatMap({ MatchKey.normalized($0, as: .email) }),
                let wanted = spec.entries[email] ?? (spec.matchesEmail ? email : nil), let id = ids[wanted]
            else { continue }
            targets[person.id] = id
        }
        guard case .assign(let email, _) = spec.unmatched else { return }
        guard let id = ids[email] else {
            throw MigratezError(
                .invalidSetting, "nobody active in the destination has the address that people.unmatched.assign names",
                remedy: .fixConfiguration, hint: "name an active user of the destination in people.unmatched.assign")
        }
        substitute = id
    }
}
