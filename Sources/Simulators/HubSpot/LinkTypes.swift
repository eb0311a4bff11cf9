// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSyntheticCRM

/// One type of a link between two records, seen from one of them.
struct LinkType: Sendable, Hashable {
    enum Category: String, Sendable {
        case hubSpot = "HUBSPOT_DEFINED"
        case user = "USER_DEFINED"
    }

    var category: Category
    var id: Int
    var label: String?

    /// The types of links that every account has: the unlabelled one first, then the primary one, then those of the
    /// synthetic CRM, which users named. Empty if the two cannot be linked here.
    static func standard(from: ObjectType, to: ObjectType) -> [LinkType] {
        guard let from = from.synthetic, let to = to.synthetic, let plain = unlabelled(from, to) else { return [] }
        var types = [LinkType(category: .hubSpot, id: plain)]
        if let primary = primary(from, to) {
            types.append(LinkType(category: .hubSpot, id: primary, label: "Primary"))
        }
        let (kind, isReversed) = kind(from, to)
        if let kind {
            types += kind.labels.enumerated().map { position, label in
                LinkType(category: .user, id: userID(kind, position, isReversed), label: label.name)
            }
        }
        return types
    }

    /// The types of a synthetic link.
    static func of(_ link: Link, from: ObjectType, to: ObjectType) -> [LinkType] {
        standard(from: from, to: to).enumerated().filter { position, type in
            position == 0 || (type.category == .hubSpot ? link.isPrimary : link.labels.contains(type.label ?? ""))
        }.map(\.element)
    }

    /// The kind of the synthetic links between two objects, and whether it runs the other way.
    static func kind(_ from: CRMObject, _ to: CRMObject) -> (LinkKind?, isReversed: Bool) {
        if let kind = LinkKind(from: from, to: to) { return (kind, false) }
        return (LinkKind(from: to, to: from), true)
    }

    /// Ids that HubSpot documents, by direction.
    private static func unlabelled(_ from: CRMObject, _ to: CRMObject) -> Int? {
        switch (from, to) {
        case (.contact, .company): 279
        case (.company, .contact): 280
        case (.deal, .contact): 3
        case (.contact, .deal): 4
        case (.deal, .company): 341
        case (.company, .deal): 342
        case (.note, .contact): 202
        case (.contact, .note): 201
        case (.note, .company): 190
        case (.company, .note): 189
        case (.note, .deal): 214
        case (.deal, .note): 213
        case (.task, .contact): 204
        case (.contact, .task): 203
        case (.task, .company): 192
        case (.company, .task): 191
        case (.task, .deal): 216
        case (.deal, .task): 215
        case (.call, .contact): 194
        case (.contact, .call): 193
        case (.call, .company): 182
        case (.company, .call): 181
        case (.call, .deal): 206
        case (.deal, .call): 205
        case (.meeting, .contact): 200
        case (.contact, .meeting): 199
        case (.meeting, .company): 188
        case (.company, .meeting): 187
        case (.meeting, .deal): 212
        case (.deal, .meeting): 211
        case (.email, .contact): 198
        case (.contact, .email): 197
        case (.email, .company): 186
        case (.company, .email): 185
        case (.email, .deal): 210
        case (.deal, .email): 209
        case (.lineItem, .deal): 20
        case (.deal, .lineItem): 19
        case (.lead, .contact): 608
        case (.contact, .lead): 609
        case (.lead, .company): 610
        case (.company, .lead): 611
        default: nil
        }
    }

    private static func primary(_ from: CRMObject, _ to: CRMObject) -> Int? {
        switch (from, to) {
        case (.contact, .company): 1
        case (.company, .contact): 2
        case (.deal, .company): 5
        case (.company, .deal): 6
        case (.lead, .contact): 578
        case (.contact, .lead): 579
        case (.lead, .company): 580
        case (.company, .lead): 581
        default: nil
        }
    }

    /// Numbers of this account's own.
    private static func userID(_ kind: LinkKind, _ position: Int, _ isReversed: Bool) -> Int {
        1001 + kind.rawValue * 20 + position * 2 + (isReversed ? 1 : 0)
    }

    var json: JSONValue {
        [
            "category": .string(category.rawValue), "typeId": .number(String(id)),
            "label": label.map { .string($0) } ?? .null,
        ]
    }
}

/// The links from one record to another.
struct LinkView: Sendable {
    var toID: Int
    var types: [LinkType]
}

/// All types of links of an account, by direction.
struct LinkTypeBook: Sendable {
    private struct Direction: Hashable {
        var from: ObjectType
        var to: ObjectType
    }

    /// An addition: a label, or links with a custom object.
    struct Addition: Sendable {
        var id: Int
        var inverseID: Int
        var from: ObjectType
        var to: ObjectType
        /// `nil`: the unlabelled links of a custom object.
        var label: String?
        var inverseLabel: String?
        /// What the account calls a label in requests; no two of one direction share it.
        var name: String?
    }

    /// What was added, both directions of each at the same place.
    private var added: [Direction: [LinkType]] = [:]
    private var names: [Direction: Set<String>] = [:]
    private var plain: [ObjectType: [(id: Int, from: ObjectType, to: ObjectType)]] = [:]
    private(set) var nextID = 5_001

    /// Every type of links from one object to another, the unlabelled one first.
    func all(from: ObjectType, to: ObjectType) -> [LinkType] {
        LinkType.standard(from: from, to: to) + (added[Direction(from: from, to: to)] ?? [])
    }

    /// The same type seen from the other end.
    func inverse(_ type: LinkType, from: ObjectType, to: ObjectType) -> LinkType? {
        guard let place = all(from: from, to: to).firstIndex(of: type) else { return nil }
        let other = all(from: to, to: from)
        return place < other.count ? other[place] : nil
    }

    func hasName(_ name: String, from: ObjectType, to: ObjectType) -> Bool {
        names[Direction(from: from, to: to)]?.contains(name) == true
    }

    /// The unlabelled types of links with a custom object, both directions.
    func unlabelled(of type: ObjectType) -> [(id: Int, from: ObjectType, to: ObjectType)] { plain[type] ?? [] }

    /// Links with custom objects have no type of HubSpot's own, labels have none in any case.
    mutating func add(_ new: Addition) {
        let (there, back) = (Direction(from: new.from, to: new.to), Direction(from: new.to, to: new.from))
        added[there, default: []].append(LinkType(category: .user, id: new.id, label: new.label))
        added[back, default: []].append(
            LinkType(category: .user, id: new.inverseID, label: new.inverseLabel ?? new.label))
        if let name = new.name {
            names[there, default: []].insert(name)
            names[back, default: []].insert(name)
        } else {
            plain[new.from, default: []] += [(new.id, new.from, new.to), (new.inverseID, new.to, new.from)]
        }
        nextID = max(nextID, new.id + 1, new.inverseID + 1)
    }
}
