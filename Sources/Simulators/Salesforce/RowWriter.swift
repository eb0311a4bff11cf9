// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// What became of one row.
struct RowResult {
    var id: RecordID?
    var isCreated = false
    var failure: RowFailure?
}

/// Writes the rows of one request or of one slice of a bulk job, each by itself: what is refused leaves nothing behind.
///
/// Lives within one call on the database's queue. Rules that hold for one object only are in `RowWriter+Rules.swift`,
/// those of files in `RowWriter+Content.swift`.
struct RowWriter {
    /// What the client asked for, for all rows.
    struct Context {
        /// Milliseconds since the epoch.
        var now: Int64
        /// The user on whose behalf the client writes.
        var userID: String
        /// `Sforce-Duplicate-Rule-Header: allowSave=true`.
        var allowsDuplicates = false
    }

    let db: Database
    let store: RecordStore
    let schema: OrgSchema
    let options: OrgOptions
    let context: Context
    var locks: LockWatch

    init(
        _ db: Database, store: RecordStore, options: OrgOptions, context: Context, locks: LockWatch
    ) {
        self.db = db
        self.store = store
        schema = store.schema
        self.options = options
        self.context = context
        self.locks = locks
    }

    /// The values of a record to be, by field index; `nil` where nothing was said.
    typealias Values = [DatabaseValue?]

    /// - Parameter upsertKey: the field by which an upsert found no record.
    mutating func insert(
        _ draft: RowDraft, into object: ObjectDefinition, upsertKey: Int? = nil
    ) throws -> RecordID {
        if let failure = draft.failure { throw failure }
        guard object.isCreateable else { throw RowWriter.notAllowed("insert", object) }
        var values = try values(of: draft, for: object)
        // Audit fields can be set on insert, not by an upsert (crm-apis: Salesforce, section 10).
        try refuse(values, of: object) { $0.isCreateable && !(upsertKey != nil && $0.isAudit) }
        try applyRules(to: &values, of: object, existing: nil)
        try checkRequired(values, of: object)
        for (index, value) in object.defaults where values[index]?.isNull ?? true { values[index] = value }
        setSystemFields(of: &values, object)
        try checkUnique(values, of: object, except: nil, known: upsertKey)
        try locks.pass(values, object)
        setBodyLength(in: &values, object)
        switch object.name {
        case "ContentVersion": return try insertVersion(values, object)
        case "ContentNote": return try insertNote(values, object)
        case "EmailMessage": return try insertEmail(values, object)
        case "Account" where isPerson(values, object): return try insertPerson(values, object)
        default:
            let id = try insertRow(values, object)
            try follow(id, values, object)
            return id
        }
    }

    mutating func update(_ id: String?, with draft: RowDraft, in object: ObjectDefinition) throws -> RecordID {
        if let failure = draft.failure { throw failure }
        guard let id, !id.isEmpty else { throw RowFailure("MISSING_ARGUMENT", "Id not specified in an update call") }
        return try update(try existing(id, of: object), with: draft, in: object)
    }

    /// Updates the record whose `key` has the draft's value, or inserts a record with it.
    mutating func upsert(_ draft: RowDraft, by key: Int, in object: ObjectDefinition) throws -> (RecordID, Bool) {
        if let failure = draft.failure { throw failure }
        let field = object.fields[key]
        if field.kind == .id {
            guard let id = draft.id, !id.isEmpty else { return (try insert(draft, into: object, upsertKey: key), true) }
            return (try update(try existing(id, of: object), with: draft, in: object), false)
        }
        guard let value = draft.values.last(where: { $0.field == key })?.value, !value.isNull else {
            throw RowFailure("MISSING_ARGUMENT", "\(field.name) not specified", fields: [field.name])
        }
        let found = try ordinals(of: object, where: field, equals: value)
        guard let ordinal = found.first else { return (try insert(draft, into: object, upsertKey: key), true) }
        guard found.count == 1 else { throw RowWriter.ambiguous(found.map(object.id), key: field) }
        var rest = draft
        rest.values.removeAll { $0.field == key }
        return (try update(ordinal, with: rest, in: object), false)
    }

    mutating func update(_ ordinal: Int64, with draft: RowDraft, in object: ObjectDefinition) throws -> RecordID {
        guard object.isUpdateable else { throw RowWriter.notAllowed("update", object) }
        var values = try values(of: draft, for: object)
        if options.acceptsUnchangedCreateOnlyFields { try dropUnchanged(&values, of: object, ordinal) }
        try refuse(values, of: object) { $0.isUpdateable }
        for (index, value) in values.enumerated() where value?.isNull == true && !object.fields[index].isNillable {
            let field = object.fields[index]
            if field.traits.contains(.required) { throw RowWriter.missing([field.name]) }
            // A field that is never null falls back to its default.
            values[index] = field.defaultValue.isNull ? nil : field.defaultValue
        }
        try applyRules(to: &values, of: object, existing: ordinal)
        try checkUnique(values, of: object, except: ordinal)
        try locks.pass(values, object)
        set("LastModifiedDate", context.now.databaseValue, in: &values, object)
        set("LastModifiedById", context.userID.databaseValue, in: &values, object)
        set("SystemModstamp", context.now.databaseValue, in: &values, object)
        setBodyLength(in: &values, object)
        switch object.name {
        case "ContentVersion": try updateVersion(ordinal, values, object)
        case "ContentNote": try updateNote(ordinal, values, object)
        default:
            let former = try formerEnds(ordinal, values, object)
            try updateRow(ordinal, values, object.name, object.fields)
            try follow(object.id(ordinal), values, object, former: former)
        }
        return object.id(ordinal)
    }

    /// What other records follow from a record that was written.
    private func follow(
        _ id: RecordID, _ values: Values, _ object: ObjectDefinition, former: [String] = []
    ) throws {
        switch object.name {
        case "Task", "Event": try relate(id, values, object, former: former)
        case "OpportunityLineItem":
            let deal = try String.fetchOne(
                db, sql: "SELECT OpportunityId FROM OpportunityLineItem WHERE n = ?", arguments: [id.ordinal])
            if let deal { try sumUp(deal) }
        case "Account": try updatePerson(id)
        default: break
        }
    }

    /// The ordinal of a record that is there.
    func existing(_ text: String, of object: ObjectDefinition) throws -> Int64 {
        guard let id = RecordID(text), id.prefix == object.prefix else {
            throw RowFailure("MALFORMED_ID", "\(object.name) ID: id value of incorrect type: \(text)", fields: ["Id"])
        }
        guard let isDeleted = try isDeleted(id.ordinal, object) else {
            throw RowFailure("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields: [])
        }
        guard !isDeleted else { throw RowFailure("ENTITY_IS_DELETED", "entity is deleted", fields: []) }
        return id.ordinal
    }

    func ordinals(
        of object: ObjectDefinition, where field: FieldDefinition, equals value: DatabaseValue
    ) throws -> [Int64] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT n FROM \(RecordStore.quoted(object.name))
                WHERE \(RecordStore.quoted(field.name)) = ? AND IsDeleted = 0 LIMIT 5
                """)
        return try Int64.fetchAll(statement, arguments: [value])
    }

    /// `nil` if there is no such record.
    func isDeleted(_ ordinal: Int64, _ object: ObjectDefinition) throws -> Bool? {
        let statement = try db.cachedStatement(
            sql: "SELECT IsDeleted FROM \(RecordStore.quoted(object.name)) WHERE n = ?")
        return try Bool.fetchOne(statement, arguments: [ordinal])
    }

    func insertRow(_ values: Values, _ object: ObjectDefinition) throws -> RecordID {
        let ordinal = store.nextOrdinal(of: object)
        var names = "n"
        var marks = "?"
        var arguments: [DatabaseValue] = [ordinal.databaseValue]
        for (index, value) in values.enumerated() {
            guard let value, !value.isNull, index > 0 else { continue }
            names += ",\"\(object.fields[index].name)\""
            marks += ",?"
            arguments.append(value)
        }
        try db.cachedStatement(sql: "INSERT INTO \"\(object.name)\" (\(names)) VALUES (\(marks))")
            .execute(arguments: StatementArguments(arguments))
        return object.id(ordinal)
    }

    func updateRow(_ ordinal: Int64, _ values: Values, _ table: String, _ fields: [FieldDefinition]) throws {
        var changes = ""
        var arguments: [DatabaseValue] = []
        for (index, value) in values.enumerated() {
            guard let value, index > 0 else { continue }
            changes += (changes.isEmpty ? "" : ",") + "\"\(fields[index].name)\" = ?"
            arguments.append(value)
        }
        guard !arguments.isEmpty else { return }
        arguments.append(ordinal.databaseValue)
        try db.cachedStatement(sql: "UPDATE \"\(table)\" SET \(changes) WHERE n = ?")
            .execute(arguments: StatementArguments(arguments))
    }

    func set(_ name: String, _ value: DatabaseValue, in values: inout Values, _ object: ObjectDefinition) {
        if let index = object.index(of: name) { values[index] = value }
    }

    static func missing(_ fields: [String]) -> RowFailure {
        RowFailure(
            "REQUIRED_FIELD_MISSING", "Required fields are missing: [\(fields.joined(separator: ", "))]", fields: fields
        )
    }

    static func ambiguous(_ ids: [RecordID], key: FieldDefinition) -> RowFailure {
        RowFailure(
            "DUPLICATE_EXTERNAL_ID",
            "\(key.name): more than one record found for external id field: [\(ids.map(\.text).joined(separator: ", "))]",
            fields: [key.name])
    }

    static func notAllowed(_ verb: String, _ object: ObjectDefinition) -> RowFailure {
        RowFailure("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be \(verb)ed: \(object.name)")
    }
}

extension FieldDefinition {
    /// Whether it is one of the fields that tell who made a record and when.
    var isAudit: Bool {
        ["CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"].contains(name)
    }
}
