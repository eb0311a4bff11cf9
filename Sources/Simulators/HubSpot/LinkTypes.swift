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

    /// Every type of links from one object to another: the unlabelled one first, then the primary one, then what users
    /// named. Empty if the two cannot be linked here.
    static func all(from: CRMObject, to: CRMObject) -> [LinkType] {
        guard let plain = unlabelled(from, to) else { return [] }
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
    static func of(_ link: Link, from: CRMObject, to: CRMObject) -> [LinkType] {
        all(from: from, to: to).enumerated().filter { position, type in
            position == 0 || (type.category == .hubSpot ? link.isPrimary : link.labels.contains(type.label ?? ""))
        }.map(\.element)
    }

    /// The same type seen from the other end.
    static func inverse(_ type: LinkType, from: CRMObject, to: CRMObject) -> LinkType? {
        guard let place = all(from: from, to: to).firstIndex(of: type) else { return nil }
        let other = all(from: to, to: from)
        return place < other.count ? other[place] : nil
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
