// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSyntheticCRM

/// A kind of records: one that every account has, or one that somebody defined in this account.
enum ObjectType: Sendable, Hashable {
    case standard(CRMObject)
    /// By the number in its type id, `2-<number>`.
    case custom(Int)

    static let contact = ObjectType.standard(.contact)
    static let company = ObjectType.standard(.company)
    static let deal = ObjectType.standard(.deal)
    static let note = ObjectType.standard(.note)
    static let file = ObjectType.standard(.file)

    static let allStandardButFiles = CRMObject.allButFiles.map { ObjectType.standard($0) }

    /// Accepts `contacts`, `contact`, `0-1` and `2-123`. The bare name of a custom object is none of its names
    /// (developers.hubspot.com, changelog of June 2025).
    init?(path: String) {
        if let type = ObjectType.allStandardButFiles.first(where: {
            path == $0.plural || path == $0.singular || path == $0.typeID
        }) {
            self = type
            return
        }
        guard path.hasPrefix("2-"), let number = Int(path.dropFirst(2)), number > 0 else { return nil }
        self = .custom(number)
    }

    /// What the database calls it; numbers of custom objects are far above those of the others.
    var number: Int {
        switch self {
        case .standard(let object): object.rawValue
        case .custom(let number): number
        }
    }

    init?(number: Int) {
        if number >= CustomObject.firstNumber {
            self = .custom(number)
        } else if let object = CRMObject(rawValue: number) {
            self = .standard(object)
        } else {
            return nil
        }
    }

    /// The kind of records of the synthetic CRM; it has none of what somebody defined.
    var synthetic: CRMObject? {
        guard case .standard(let object) = self else { return nil }
        return object
    }

    var isCustom: Bool { synthetic == nil }

    var singular: String {
        switch self {
        case .custom: typeID
        case .standard(let object):
            switch object {
            case .contact: "contact"
            case .company: "company"
            case .deal: "deal"
            case .note: "note"
            case .task: "task"
            case .call: "call"
            case .meeting: "meeting"
            case .file: "file"
            case .email: "email"
            case .product: "product"
            case .lineItem: "line_item"
            case .lead: "lead"
            }
        }
    }

    var plural: String { self == .company ? "companies" : isCustom ? singular : singular + "s" }
    var upper: String { singular.uppercased() }

    var typeID: String {
        switch self {
        case .custom(let number): "2-\(number)"
        case .standard(let object):
            switch object {
            case .contact: "0-1"
            case .company: "0-2"
            case .deal: "0-3"
            case .task: "0-27"
            case .note: "0-46"
            case .meeting: "0-47"
            case .call: "0-48"
            case .file: preconditionFailure("files have an interface of their own")
            case .email: "0-49"
            case .product: "0-7"
            case .lineItem: "0-8"
            case .lead: "0-136"
            }
        }
    }

    var isActivity: Bool {
        switch synthetic {
        case .note, .task, .call, .meeting, .email: true
        case .contact, .company, .deal, .product, .lineItem, .lead, .file, nil: false
        }
    }

    /// Activities have no scopes of their own, and all custom objects have one.
    var scopeName: String { isActivity ? "contacts" : isCustom ? "custom" : plural }

    /// What a record shows when no properties are asked for.
    var defaultProperties: [String] {
        switch synthetic {
        case .contact: ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"]
        case .company: ["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"]
        case .deal:
            [
                "amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id",
                "pipeline",
            ]
        case .file: []
        case .note, .task, .call, .meeting, .email, .lead, nil:
            ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"]
        case .product: ["createdate", "description", "hs_lastmodifieddate", "hs_object_id", "name", "price"]
        case .lineItem:
            ["amount", "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_product_id", "quantity"]
        }
    }

    /// What a record shows in any case.
    var systemProperties: [String] { [createdProperty, modifiedProperty, "hs_object_id"] }
    var createdProperty: String {
        isActivity || isCustom || self == .standard(.lead) ? "hs_createdate" : "createdate"
    }
    var modifiedProperty: String { self == .contact ? "lastmodifieddate" : "hs_lastmodifieddate" }

    /// The properties whose values no two records may share.
    var uniqueProperties: [String] { self == .contact ? ["email"] : [] }
}

/// The synthetic CRM as these kinds of records see it: of what somebody defined it has nothing.
extension SyntheticCRM {
    func count(of type: ObjectType) -> Int { type.synthetic.map { counts[$0] } ?? 0 }
    func archivedCount(of type: ObjectType) -> Int { type.synthetic.map { archivedCount(of: $0) } ?? 0 }
    func index(of type: ObjectType, id: Int) -> Int? { type.synthetic.flatMap { index(of: $0, id: id) } }
    func firstIndex(of type: ObjectType, after id: Int) -> Int {
        type.synthetic.map { firstIndex(of: $0, after: id) } ?? 0
    }

    /// An id for a new record, above all others.
    func firstFreeID(of type: ObjectType) -> Int { type.synthetic.map { firstFreeID(of: $0) } ?? 1 }
}
