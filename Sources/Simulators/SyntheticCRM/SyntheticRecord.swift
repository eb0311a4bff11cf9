// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// One record of a synthetic CRM. It holds no values; each is computed when it is asked for.
package protocol SyntheticRecord: Sendable {
    associatedtype Field: SyntheticField
    static var object: CRMObject { get }
    var crm: SyntheticCRM { get }
    var index: Int { get }
    init(_ crm: SyntheticCRM, _ index: Int)
    /// The value as HubSpot keeps it, always text; `nil` if there is none, which is not the same as an empty one.
    subscript(field: Field) -> String? { get }
}

extension SyntheticRecord {
    package var id: Int { crm.id(of: Self.object, at: index) }
    package var isArchived: Bool { crm.isArchived(Self.object, at: index) }

    var draw: Draw { Draw(seed: crm.seed, realm: Self.object.rawValue, index: index) }

    /// When it was created: one in twenty in 2015 to 2018, the others from 2019 to September 2026.
    package var createdAt: Timestamp {
        let draw = draw
        let old = draw.share(Question.created) < 500
        let (start, days) = old ? (1_420_070_400_000, 1461) : (1_546_300_800_000, 2830)
        let offset = draw.below(days * 86_400_000, Question.createdTime)
        return Timestamp(milliseconds: Int64(start) + Int64(offset))
    }

    /// When it was last changed: up to 60 days after it was created.
    package var updatedAt: Timestamp {
        Timestamp(milliseconds: createdAt.milliseconds + Int64(draw.below(60 * 86_400_000, Question.modified)))
    }

    /// The id of the owner: 9 % have none, 0.2 % one that does not exist.
    var ownerID: String? {
        let kind = draw.share(Question.ownerKind)
        if kind < 900 || crm.counts.owners == 0 { return kind.isMultiple(of: 9) ? "" : nil }
        if kind < 920 { return "69999999" }
        return String(Owner.id(at: draw.below(crm.counts.owners, Question.owner)))
    }
}

/// A field of one object, by the name that HubSpot gives it.
package protocol SyntheticField: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
    /// What people read.
    var label: String { get }
    var kind: FieldKind { get }
}

extension SyntheticField {
    /// The name with its words apart.
    package var label: String {
        let words = rawValue.split(separator: "_").filter { $0 != "hs" && $0 != "hubspot" }
        return words.enumerated().map { $0 == 0 ? $1.prefix(1).uppercased() + $1.dropFirst() : String($1) }
            .joined(separator: " ")
    }
}

/// What values a field takes.
package enum FieldKind: Sendable, Equatable {
    case text
    case longText
    case html
    case phone
    case number
    case bool
    /// Midnight UTC: `2026-01-31`.
    case date
    case dateTime
    case choice([String])
    case owner
    /// Set by the system; writes are refused.
    case readOnly
    case readOnlyDateTime
}
