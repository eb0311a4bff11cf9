// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The links from one object to another, as an object that a pipeline writes to: `contact_to_company`.
///
/// HubSpot has no fields that refer to other records. A row of this object is one link, or one label on it: its fields are
/// `from`, `to`, `label` (a name that the account gave to such links) and `primary`.
struct LinkObject: Sendable, Hashable {
    static let fromField = "from"
    static let toField = "to"
    static let labelField = "label"
    static let primaryField = "primary"

    let name: String
    private(set) var from: HubSpotObject
    let fromName: String
    private(set) var to: HubSpotObject
    let toName: String

    /// `nil` if the name is not of the form `A_to_B`.
    init?(_ name: String) {
        guard let middle = name.firstRange(of: "_to_"), let from = StreamName(String(name[..<middle.lowerBound])),
            let to = StreamName(String(name[middle.upperBound...]))
        else { return nil }
        self.name = name
        (self.from, fromName) = (HubSpotObject(from), from.text)
        (self.to, toName) = (HubSpotObject(to), to.text)
    }

    /// The same links, between what the names of the ends stand for in the account.
    func between(_ from: HubSpotObject, and to: HubSpotObject) -> LinkObject {
        var found = self
        (found.from, found.to) = (from, to)
        return found
    }

    /// Whether a link leads from a child to its parent; HubSpot knows that of companies only.
    var isHierarchy: Bool { from.type == "companies" && to.type == "companies" }

    /// Whether such links hang files on records.
    var carriesFiles: Bool { fromName == HubSpotAttachments.object }

    /// What links are that can have no label: those with files, and those of an object that is still to be created.
    var plainSchema: ObjectSchema {
        ObjectSchema(
            name: name, label: "\(from.label) to \(to.label)",
            fields: [Self.end(Self.fromField, fromName), Self.end(Self.toField, toName)])
    }

    private static func end(_ name: String, _ object: String) -> FieldSchema {
        FieldSchema(
            name: name, label: name, kind: .reference, isRequired: true, isUpdateable: false, refersTo: [object])
    }

    func schema(_ types: LinkTypes) -> ObjectSchema {
        var fields = [Self.end(Self.fromField, fromName), Self.end(Self.toField, toName)]
        if !types.labelled.isEmpty {
            let options = types.labelled.compactMap(\.label).map { FieldSchema.Option(value: $0, label: $0) }
            fields.append(
                FieldSchema(
                    name: Self.labelField, label: "Label", kind: .choice, isUpdateable: false, options: options,
                    isRestricted: true))
        }
        if types.primary != nil { fields.append(FieldSchema(name: Self.primaryField, label: "Primary", kind: .bool)) }
        return ObjectSchema(name: name, label: "\(from.label) to \(to.label)", fields: fields)
    }
}

/// The types that links from one object to another may have.
struct LinkTypes: Sendable {
    /// The one that every link has.
    var plain: LinkType
    var primary: LinkType?
    /// Those that the account has given a name to.
    var labelled: [LinkType]

    /// - Parameter labels: the answer to a request for the labels of such links; `nil` if nothing in it is a link.
    init?(_ labels: [JSONValue], of object: LinkObject) {
        let types = labels.map { LinkType($0) }
        let own = types.filter { $0.category == LinkType.own }
        if object.isHierarchy {
            plain = LinkType.childToParent
        } else {
            // Those of a custom object are not HubSpot's own.
            let unlabelled = types.filter { $0.label == nil && !$0.isPrimary }
            guard let first = unlabelled.first(where: { $0.category == LinkType.own }) ?? unlabelled.first else {
                return nil
            }
            plain = first
        }
        primary = object.isHierarchy ? nil : own.first(where: \.isPrimary)
        labelled = types.filter(\.isLabel)
    }

    /// The type with that label.
    func labelled(_ label: String) -> LinkType? { labelled.first { $0.label == label } }
}

/// The id of a link: HubSpot has none, so it is made of what tells the link from every other one.
///
/// `512:77` is the link between two records; `512:77:1005` the label of that number on it; `512:77:1005:new` a label on a
/// link that came with it, so that whoever takes it back takes the link back, too.
struct LinkID: Hashable {
    var from: String
    var to: String
    var label: Int?
    var isNewLink = false

    init(from: String, to: String, label: Int? = nil, isNewLink: Bool = false) {
        self.from = from
        self.to = to
        self.label = label
        self.isNewLink = isNewLink
    }

    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (2...4).contains(parts.count), Int(parts[0]) != nil, Int(parts[1]) != nil else { return nil }
        from = parts[0]
        to = parts[1]
        guard parts.count > 2 else { return }
        guard let number = Int(parts[2]) else { return nil }
        label = number
        guard parts.count > 3 else { return }
        guard parts[3] == Self.newMark else { return nil }
        isNewLink = true
    }

    var text: String {
        var text = "\(from):\(to)"
        if let label { text += ":\(label)" + (isNewLink ? ":\(Self.newMark)" : "") }
        return text
    }

    var pair: LinkPair { LinkPair(from: from, to: to) }

    private static let newMark = "new"
}

/// Two records, by id.
struct LinkPair: Hashable {
    var from: String
    var to: String
}
