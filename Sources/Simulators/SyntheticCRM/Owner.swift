// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A user of the CRM who can own records.
package struct Owner: Sendable, Hashable {
    package let index: Int

    package init(at index: Int) { self.index = index }

    /// What `hubspot_owner_id` holds; not the same as the user's id.
    package var id: Int { Owner.id(at: index) }
    package var userID: Int { 4_000_000 + index * 17 }
    /// `owner<N>@acme.test` with N from 1; the sixth is `old.rep@acme.test`, who has left.
    package var email: String { index == 5 ? "old.rep@acme.test" : "owner\(index + 1)@acme.test" }
    package var firstName: String { Vocabulary.firstNames[(index * 7 + 3) % Vocabulary.firstNames.count] }
    package var lastName: String { Vocabulary.lastNames[(index * 11 + 5) % Vocabulary.lastNames.count] }
    /// One in seven has left; such owners are listed only with `archived=true`.
    package var isActive: Bool { index % 7 != 5 }

    static func id(at index: Int) -> Int { 70_000_001 + index * 13 }

    /// The owner with this id among the first `count`.
    package static func with(id: Int, count: Int) -> Owner? {
        let offset = id - 70_000_001
        guard offset >= 0, offset.isMultiple(of: 13), offset / 13 < count else { return nil }
        return Owner(at: offset / 13)
    }
}

extension SyntheticCRM {
    /// All owners, inactive ones included.
    package var owners: [Owner] { (0..<counts.owners).map(Owner.init(at:)) }
}

/// A pipeline of deals with its stages.
package struct DealPipeline: Sendable, Hashable {
    package struct Stage: Sendable, Hashable {
        package let id: String
        package let label: String
        /// `0.0` … `1.0`, as text.
        package let probability: String
        package var isClosed: Bool { probability == "1.0" || probability == "0.0" }
    }

    package let id: String
    package let label: String
    package let stages: [Stage]

    /// The two pipelines of every synthetic CRM.
    package static let all = [
        DealPipeline(
            id: "default", label: "Sales pipeline",
            stages: [
                Stage(id: "appointmentscheduled", label: "Appointment scheduled", probability: "0.2"),
                Stage(id: "qualifiedtobuy", label: "Qualified to buy", probability: "0.4"),
                Stage(id: "presentationscheduled", label: "Presentation scheduled", probability: "0.6"),
                Stage(id: "decisionmakerboughtin", label: "Decision maker bought-in", probability: "0.8"),
                Stage(id: "contractsent", label: "Contract sent", probability: "0.9"),
                Stage(id: "closedwon", label: "Closed won", probability: "1.0"),
                Stage(id: "closedlost", label: "Closed lost", probability: "0.0"),
            ]),
        DealPipeline(
            id: "75238104", label: "Renewals",
            stages: [
                Stage(id: "143200817", label: "Renewal due", probability: "0.7"),
                Stage(id: "143200818", label: "Renewed", probability: "1.0"),
                Stage(id: "143200819", label: "Churned", probability: "0.0"),
            ]),
    ]
}
