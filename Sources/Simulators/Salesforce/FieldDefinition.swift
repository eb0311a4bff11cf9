// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// A field of an sObject, with the properties that `describe` tells.
struct FieldDefinition: Sendable {
    /// The types of `describe` that occur here.
    enum Kind: String, Sendable {
        case id, string, textarea, boolean, int, double, currency, percent, date, datetime, picklist, multipicklist
        case reference, email, phone, url, base64, combobox
    }

    /// Properties in which fields differ from a plain, optional, writable field.
    struct Traits: OptionSet, Sendable {
        let rawValue: Int
        /// A value must be given, and null is refused.
        static let required = Traits(rawValue: 1)
        /// Never written by clients.
        static let readOnly = Traits(rawValue: 2)
        /// Written when the record is created and never again.
        static let createOnly = Traits(rawValue: 4)
        /// Filters on it are fast.
        static let indexed = Traits(rawValue: 8)
        /// May be named in an upsert and in a relationship.
        static let idLookup = Traits(rawValue: 16)
        /// Never null, and has a value if none is given.
        static let defaulted = Traits(rawValue: 32)
        /// A picklist that refuses values that are not in it.
        static let restricted = Traits(rawValue: 64)
        /// Deleting the record that it refers to deletes this one.
        static let cascades = Traits(rawValue: 128)
        /// Never null, although clients do not write it.
        static let system: Traits = [.readOnly, .defaulted]
    }

    var name: String
    var label: String
    var kind: Kind
    /// In UTF-16 code units (the platform counts as Java does); 0 for kinds without a length.
    var length = 0
    /// Digits in all and after the point, for numbers.
    var precision = 0
    var scale = 0
    var traits: Traits
    var isExternalID = false
    var isUnique = false
    var isCaseSensitive = false
    var isCustom = false
    /// False if field-level security hides the field from the user of the interface.
    var isVisible = true
    var referenceTo: [String] = []
    var relationshipName: String?
    var picklist: [String] = []
    /// What is stored if a new record has no value for it.
    var defaultValue: DatabaseValue = .null

    var isNillable: Bool { traits.isDisjoint(with: [.required, .defaulted]) }
    var isDefaulted: Bool { traits.contains(.defaulted) || kind == .boolean }
    var isCreateable: Bool { !traits.contains(.readOnly) && kind != .id }
    var isUpdateable: Bool { isCreateable && !traits.contains(.createOnly) }
    var isIDLookup: Bool { traits.contains(.idLookup) || isExternalID || kind == .id }
    var isRestricted: Bool { traits.contains(.restricted) }
    var isIndexed: Bool { traits.contains(.indexed) || isExternalID || isUnique || traits.contains(.idLookup) }
    /// Whether an insert must give a value.
    var isRequired: Bool { traits.contains(.required) && isCreateable && !isDefaulted }

    init(_ name: String, _ kind: Kind, length: Int = 0, _ traits: Traits = []) {
        self.name = name
        self.kind = kind
        self.length = length
        self.traits = traits
        label = FieldDefinition.label(for: name)
        if kind == .boolean { self.defaultValue = false.databaseValue }
    }

    /// `MailingCity` → `Mailing City`, `AccountId` → `Account ID`.
    private static func label(for name: String) -> String {
        var words = ""
        var previous: Character = "A"
        for character in name {
            if character.isUppercase, !previous.isUppercase { words += " " }
            words.append(character)
            previous = character
        }
        return words.hasSuffix(" Id") ? String(words.dropLast(2)) + "ID" : words
    }
}

extension FieldDefinition {
    static func text(_ name: String, _ length: Int, _ traits: Traits = []) -> FieldDefinition {
        FieldDefinition(name, .string, length: length, traits)
    }

    static func longText(_ name: String, _ length: Int, _ traits: Traits = []) -> FieldDefinition {
        FieldDefinition(name, .textarea, length: length, traits)
    }

    static func phone(_ name: String) -> FieldDefinition { FieldDefinition(name, .phone, length: 40) }

    static func email(_ name: String, _ traits: Traits = []) -> FieldDefinition {
        FieldDefinition(name, .email, length: 80, traits)
    }

    static func bool(_ name: String, _ traits: Traits = []) -> FieldDefinition {
        FieldDefinition(name, .boolean, traits.union(.defaulted))
    }

    static func number(
        _ name: String, _ kind: Kind, precision: Int, scale: Int = 0, _ traits: Traits = []
    ) -> FieldDefinition {
        var field = FieldDefinition(name, kind, traits)
        field.precision = precision
        field.scale = scale
        return field
    }

    static func date(_ name: String, _ traits: Traits = []) -> FieldDefinition { FieldDefinition(name, .date, traits) }

    static func dateTime(_ name: String, _ traits: Traits = []) -> FieldDefinition {
        FieldDefinition(name, .datetime, traits)
    }

    static func picklist(
        _ name: String, _ values: [String], default value: String? = nil, kind: Kind = .picklist, length: Int = 255,
        _ traits: Traits = []
    ) -> FieldDefinition {
        var field = FieldDefinition(name, kind, length: length, traits)
        field.picklist = values
        if let value {
            field.defaultValue = value.databaseValue
            field.traits.insert(.defaulted)
        }
        return field
    }

    /// A lookup; the relationship's name is the field's without `Id`, or with `__r` for `__c`.
    static func reference(_ name: String, to objects: [String], _ traits: Traits = []) -> FieldDefinition {
        var field = FieldDefinition(name, .reference, length: 18, traits)
        field.referenceTo = objects
        if name.hasSuffix("__c") {
            field.relationshipName = name.dropLast(3) + "__r"
        } else {
            field.relationshipName = name.hasSuffix("Id") ? String(name.dropLast(2)) : name
        }
        return field
    }

    /// The same field with another default.
    func with(default value: some DatabaseValueConvertible) -> FieldDefinition {
        var field = self
        field.defaultValue = value.databaseValue
        field.traits.insert(.defaulted)
        return field
    }
}
