// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// The checks that every row passes before it is written.
extension RowWriter {
    /// Puts the draft's values in their places, with references looked up and checked.
    func values(of draft: RowDraft, for object: ObjectDefinition) throws -> Values {
        var values = Values(repeating: nil, count: object.fields.count)
        for (index, value) in draft.values { values[index] = value }
        for lookup in draft.lookups {
            let found = try ordinals(of: lookup.target, where: lookup.key, equals: lookup.value)
            guard let ordinal = found.first else {
                let text = String.fromDatabaseValue(lookup.value) ?? lookup.value.description
                throw RowFailure(
                    "INVALID_FIELD",
                    "Foreign key external ID: \(text) not found for field \(lookup.key.name) in entity \(lookup.target.name)",
                    fields: [])
            }
            guard found.count == 1 else { throw RowWriter.ambiguous(found.map(lookup.target.id), key: lookup.key) }
            values[lookup.field] = lookup.target.id(ordinal).text.databaseValue
        }
        for (index, value) in values.enumerated() {
            guard let value, !value.isNull, object.fields[index].kind == .reference else { continue }
            // What was looked up is there; owners must be active as well.
            let isFound = draft.lookups.contains { $0.field == index } && !object.actors.contains(index)
            if !isFound { try checkReference(value, object.fields[index], of: object) }
        }
        return values
    }

    func refuse(_ values: Values, of object: ObjectDefinition, isWritable: (FieldDefinition) -> Bool) throws {
        let refused = values.indices.filter { values[$0] != nil && !isWritable(object.fields[$0]) }
            .map { object.fields[$0].name }
        guard !refused.isEmpty else { return }
        throw RowFailure(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: \(refused.joined(separator: ", ")). Please check the security settings of "
                + "this field and verify that it is read/write for your profile or permission set.", fields: refused)
    }

    /// Forgets values of create-only fields that are what the record holds already.
    func dropUnchanged(_ values: inout Values, of object: ObjectDefinition, _ ordinal: Int64) throws {
        for (index, field) in object.fields.enumerated()
        where values[index] != nil && field.traits.contains(.createOnly) {
            let statement = try db.cachedStatement(
                sql: "SELECT \(RecordStore.quoted(field.name)) FROM \(RecordStore.quoted(object.name)) WHERE n = ?")
            if try DatabaseValue.fetchOne(statement, arguments: [ordinal]) ?? .null == values[index] {
                values[index] = nil
            }
        }
    }

    private func checkReference(_ value: DatabaseValue, _ field: FieldDefinition, of object: ObjectDefinition) throws {
        guard let text = String.fromDatabaseValue(value), let id = RecordID(text) else { return }
        guard let target = field.referenceTo.lazy.compactMap({ schema[$0] }).first(where: { $0.prefix == id.prefix })
        else {
            throw RowFailure(
                "FIELD_INTEGRITY_EXCEPTION", "\(field.label): id value of incorrect type: \(text)", fields: [field.name]
            )
        }
        guard let isDeleted = try isDeleted(id.ordinal, target) else {
            throw RowFailure("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields: [field.name])
        }
        guard !isDeleted else { throw RowFailure("ENTITY_IS_DELETED", "entity is deleted", fields: [field.name]) }
        if field.name == "OwnerId", !options.permitsInactiveOwners {
            let statement = try db.cachedStatement(sql: "SELECT IsActive FROM \"User\" WHERE n = ?")
            guard try Bool.fetchOne(statement, arguments: [id.ordinal]) == true else {
                throw RowFailure(
                    "INACTIVE_OWNER_OR_USER",
                    "operation performed with inactive user [\(id.shortText)] as owner of \(object.name.lowercased())",
                    fields: [field.name])
            }
        }
    }

    func checkRequired(_ values: Values, of object: ObjectDefinition) throws {
        let missing = object.required.filter { values[$0]?.isNull ?? true }.map { object.fields[$0].name }
        if !missing.isEmpty { throw RowWriter.missing(missing) }
    }

    /// Creation, change and owner, where the client did not set them.
    func setSystemFields(of values: inout Values, _ object: ObjectDefinition) {
        for index in object.instants where values[index]?.isNull ?? true { values[index] = context.now.databaseValue }
        for index in object.actors where values[index]?.isNull ?? true { values[index] = context.userID.databaseValue }
    }

    /// - Parameter known: a field whose value was just looked up and not found.
    func checkUnique(
        _ values: Values, of object: ObjectDefinition, except ordinal: Int64?, known: Int? = nil
    ) throws {
        for index in object.unique where index != known {
            guard let value = values[index], !value.isNull else { continue }
            let field = object.fields[index]
            if let other = try ordinals(of: object, where: field, equals: value).first(where: { $0 != ordinal }) {
                throw RowFailure(
                    "DUPLICATE_VALUE",
                    "duplicate value found: \(field.name) duplicates value on record with id: \(object.id(other).shortText)",
                    fields: [field.name])
            }
        }
        if object.name == "ContentDocumentLink" { try checkLinkIsNew(values, object) }
        if object.name == "AccountContactRelation" { try checkRelationIsNew(values, object) }
        if object.name == "Contact", options.hasContactDuplicateRule, !context.allowsDuplicates,
            let index = object.index(of: "Email"), let email = values[index], !email.isNull,
            try ordinals(of: object, where: object.fields[index], equals: email).contains(where: { $0 != ordinal })
        {
            throw RowFailure("DUPLICATES_DETECTED", "Use one of these records?")
        }
    }

    /// A contact is related to an account once (Object Reference, "AccountContactRelation").
    private func checkRelationIsNew(_ values: Values, _ object: ObjectDefinition) throws {
        guard let account = object.index(of: "AccountId").flatMap({ values[$0] }),
            let contact = object.index(of: "ContactId").flatMap({ values[$0] })
        else { return }
        let statement = try db.cachedStatement(
            sql: "SELECT n FROM AccountContactRelation WHERE AccountId = ? AND ContactId = ? AND IsDeleted = 0")
        if try Int64.fetchOne(statement, arguments: [account, contact]) != nil {
            throw RowFailure(
                "DUPLICATE_VALUE", "There's already a relationship between this account and contact.",
                fields: ["ContactId"])
        }
    }

    private func checkLinkIsNew(_ values: Values, _ object: ObjectDefinition) throws {
        guard let document = object.index(of: "ContentDocumentId").flatMap({ values[$0] }),
            let entity = object.index(of: "LinkedEntityId").flatMap({ values[$0] })
        else { return }
        let statement = try db.cachedStatement(
            sql: """
                SELECT n FROM ContentDocumentLink
                WHERE ContentDocumentId = ? AND LinkedEntityId = ? AND IsDeleted = 0
                """)
        if try Int64.fetchOne(statement, arguments: [document, entity]) != nil {
            let name = String.fromDatabaseValue(entity) ?? ""
            throw RowFailure(
                "DUPLICATE_VALUE", "\(name) is already linked with the document", fields: ["LinkedEntityId"])
        }
    }
}
