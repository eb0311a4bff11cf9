// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// An object of a CRM with its fields.
package struct ObjectSchema: Sendable, Codable, Hashable {
    /// The name in requests: `contacts`, `Contact`.
    package var name: String
    /// The name that people see.
    package var label: String
    package var fields: [FieldSchema]
    /// Whether a field of ours can hold the row key, so that a write can be repeated.
    package var holdsKey: Bool
    /// Whether the object has or takes fields that are not in `fields`: a file, for instance. Of such an object no field
    /// can be said not to exist.
    package var isOpen: Bool
    /// Of a source: that each record has content, bytes beside its fields. Of a destination: that it takes such.
    package var content: ContentSchema?

    package init(
        name: String, label: String, fields: [FieldSchema], holdsKey: Bool = false, isOpen: Bool = false,
        content: ContentSchema? = nil
    ) {
        self.content = content
        self.name = name
        self.label = label
        self.fields = fields
        self.holdsKey = holdsKey
        self.isOpen = isOpen
    }

    /// The field of that name; names of fields are compared as they are.
    package func field(_ name: String) -> FieldSchema? { fields.first { $0.name == name } }
}

/// A field of an object.
package struct FieldSchema: Sendable, Codable, Hashable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        case text, longText, email, phone, url, bool, integer, decimal, date, dateTime, time, choice, choices
        case reference, id, binary, other
    }

    package var name: String
    package var label: String
    package var kind: Kind
    /// A value must be given when a record is created.
    package var isRequired: Bool
    package var isCreateable: Bool
    package var isUpdateable: Bool
    package var isUnique: Bool
    /// In characters; `nil` = no limit known.
    package var lengthMax: Int?
    /// For `choice` and `choices`.
    package var options: [Option]
    /// Whether a value that is not in `options` is refused.
    package var isRestricted: Bool
    /// For `reference`: the objects that it may point to.
    package var refersTo: [String]

    package init(
        name: String, label: String, kind: Kind, isRequired: Bool = false, isCreateable: Bool = true,
        isUpdateable: Bool = true, isUnique: Bool = false, lengthMax: Int? = nil, options: [Option] = [],
        isRestricted: Bool = false, refersTo: [String] = []
    ) {
        self.name = name
        self.label = label
        self.kind = kind
        self.isRequired = isRequired
        self.isCreateable = isCreateable
        self.isUpdateable = isUpdateable
        self.isUnique = isUnique
        self.lengthMax = lengthMax
        self.options = options
        self.isRestricted = isRestricted
        self.refersTo = refersTo
    }

    /// One value of a fixed list.
    package struct Option: Sendable, Codable, Hashable {
        package var value: String
        package var label: String
        package var isActive: Bool

        package init(value: String, label: String, isActive: Bool = true) {
            self.value = value
            self.label = label
            self.isActive = isActive
        }
    }
}

/// An object that an account has of its own, beside those that every account of the vendor has.
package struct OwnObject: Sendable, Hashable {
    /// The name that a pipeline uses for it.
    package var name: String
    /// The name that people see.
    package var label: String
    /// Other names by which a pipeline may mean it.
    package var aliases: [String]

    package init(name: String, label: String, aliases: [String] = []) {
        self.name = name
        self.label = label
        self.aliases = aliases
    }

    /// Whether a pipeline that uses the name means this object.
    package func isCalled(_ name: String) -> Bool { name == self.name || aliases.contains(name) }
}

/// A field that must be created in the destination before a load; plans list it, `prepare` creates it. Of a field that is
/// there, the options that must be added to its list.
package struct FieldCreation: Sendable, Codable, Hashable {
    package var object: String
    package var field: FieldSchema

    package init(object: String, field: FieldSchema) {
        self.object = object
        self.field = field
    }
}
