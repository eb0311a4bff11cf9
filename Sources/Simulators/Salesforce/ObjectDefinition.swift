// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// An sObject: its names and its fields. Immutable; a new field makes a new definition.
final class ObjectDefinition: Sendable {
    let name: String
    let label: String
    let labelPlural: String
    /// The first three characters of the ids of its records.
    let prefix: UInt32
    let keyPrefix: String
    /// The first is `Id`; the others are the columns of its table, in this order.
    let fields: [FieldDefinition]
    let isCreateable: Bool
    let isUpdateable: Bool
    let isDeletable: Bool
    /// Whether administrators may add fields to it.
    let holdsCustomFields: Bool
    /// Whether Bulk API 2.0 can load it: it cannot load files.
    let isBulkLoadable: Bool

    /// Indices of the fields that an insert must give, that are unique, and that name parents of the record.
    let required: [Int]
    let unique: [Int]
    let parents: [Int]
    /// What new records get where nothing else is said.
    let defaults: [(index: Int, value: DatabaseValue)]
    /// Indices of the fields that get the time of creation, and of those that get the user.
    let instants: [Int]
    let actors: [Int]

    private let indexByName: [String: Int]
    private let indexByRelationship: [String: Int]

    init(
        _ name: String, plural: String? = nil, keyPrefix: String, fields: [FieldDefinition], isCreateable: Bool = true,
        isUpdateable: Bool = true, isDeletable: Bool = true, holdsCustomFields: Bool = true,
        isBulkLoadable: Bool = true
    ) {
        self.name = name
        label = name
        labelPlural = plural ?? name + "s"
        self.keyPrefix = keyPrefix
        prefix = RecordID.pack(keyPrefix)
        self.fields = fields
        self.isCreateable = isCreateable
        self.isUpdateable = isUpdateable
        self.isDeletable = isDeletable
        self.holdsCustomFields = holdsCustomFields
        self.isBulkLoadable = isBulkLoadable
        var names: [String: Int] = [:]
        var relationships: [String: Int] = [:]
        for (index, field) in fields.enumerated() where field.isVisible {
            names[field.name.lowercased()] = index
            names[field.name] = index
            if let relationship = field.relationshipName {
                relationships[relationship] = index
                relationships[relationship.lowercased()] = index
            }
        }
        func indices(where condition: (FieldDefinition) -> Bool) -> [Int] {
            fields.indices.filter { condition(fields[$0]) }
        }
        required = indices(where: \.isRequired)
        unique = indices(where: \.isUnique)
        parents = indices { $0.traits.contains(.cascades) }
        defaults = indices { !$0.defaultValue.isNull }.map { ($0, fields[$0].defaultValue) }
        instants = indices { ["CreatedDate", "LastModifiedDate", "SystemModstamp"].contains($0.name) }
        actors = indices { ["CreatedById", "LastModifiedById", "OwnerId"].contains($0.name) }
        indexByName = names
        indexByRelationship = relationships
    }

    /// The field of that name, without regard to case; fields that are hidden from the user do not exist for it.
    func index(of field: String) -> Int? { indexByName[field] ?? indexByName[field.lowercased()] }

    func field(_ name: String) -> FieldDefinition? { index(of: name).map { fields[$0] } }

    /// The lookup field whose relationship has that name.
    func index(ofRelationship name: String) -> Int? {
        indexByRelationship[name] ?? indexByRelationship[name.lowercased()]
    }

    func id(_ ordinal: Int64) -> RecordID { RecordID(packed: prefix, ordinal: ordinal) }

    /// The same object with one more field.
    func adding(_ field: FieldDefinition) -> ObjectDefinition {
        ObjectDefinition(
            name, plural: labelPlural, keyPrefix: keyPrefix, fields: fields + [field], isCreateable: isCreateable,
            isUpdateable: isUpdateable, isDeletable: isDeletable, holdsCustomFields: holdsCustomFields,
            isBulkLoadable: isBulkLoadable)
    }
}

/// All sObjects of the organisation.
struct OrgSchema: Sendable {
    private(set) var objects: [ObjectDefinition]
    private var indexByName: [String: Int] = [:]

    init(_ objects: [ObjectDefinition]) {
        self.objects = objects
        for (index, object) in objects.enumerated() {
            indexByName[object.name] = index
            indexByName[object.name.lowercased()] = index
        }
    }

    /// The object of that name, without regard to case.
    subscript(_ name: String) -> ObjectDefinition? {
        (indexByName[name] ?? indexByName[name.lowercased()]).map { objects[$0] }
    }

    mutating func replace(_ object: ObjectDefinition) {
        guard let index = indexByName[object.name] else { return }
        objects[index] = object
    }

    /// The lookups that make a record go when the record that it refers to goes.
    func cascades(from parent: String) -> [(child: ObjectDefinition, field: FieldDefinition)] {
        objects.flatMap { child in
            child.fields.lazy
                .filter { $0.traits.contains(.cascades) && $0.referenceTo.contains(parent) }
                .map { (child, $0) }
        }
    }
}
