// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// What the connector needs to know of a table, besides the schema that it shows to others.
///
/// Source of the keys: Microsoft Learn, "Query table definitions using the Web API" and "EntityMetadata EntityType".
struct TableMetadata: Sendable {
    struct Column: Sendable {
        var field: FieldSchema
        /// Where its value stands in a record's JSON: `_parentcustomerid_value` for a lookup.
        var property: String
        /// The navigation property that binds a record of a table; the name of the table is the key.
        var navigation: [String: String] = [:]
        /// Of a list of those who take part in an activity: in which role. It is no property of the record.
        var role: Int?

        /// The property that binds a record of the table; owners are bound by one for users and teams.
        func binding(to table: String) -> String? { navigation[table] ?? navigation["owner"] }
    }

    let name: String
    let label: String
    /// `contacts`, as addresses name it.
    let setName: String
    let primaryID: String
    /// `prvReadContact`, by what it allows: `Read`.
    let privileges: [String: String]
    let isActivity: Bool
    /// Whether its records can be joined with others by connections.
    let isConnectable: Bool
    /// Whether a column of ours can be created.
    let takesColumns: Bool
    /// All but documents.
    let columns: [Column]
    /// Whether the column that holds our key is there.
    let hasKeyColumn: Bool
    /// Whether an alternate key of that column is ready, so that no two records can have the same key.
    let hasActiveKey: Bool

    func column(_ name: String) -> Column? { columns.first { $0.field.name == name } }

    /// The names under which refusals may speak of columns.
    var columnNames: Set<String> { Set(columns.map(\.field.name)) }

    /// Activities and opportunities are closed last: a closed one is read-only (crm-apis: Dynamics, section 10).
    var isReadOnlyWhenClosed: Bool { isActivity || name == "opportunity" }

    /// The state in which every record begins: a product is a draft (Microsoft Learn, "Product table").
    var firstState: Int { name == CatalogTable.product ? 2 : 0 }

    /// The state that a new record is put into unless its row says another: a draft could not be sold.
    var stateOfNew: RecordState? {
        name == CatalogTable.product ? RecordState(state: 0, reason: nil) : nil
    }

    /// For a destination: lookups go by the names of their columns.
    ///
    /// - Parameter contentBytesMax: the longest document that the environment takes, if it is a file.
    func targetSchema(of object: DynamicsObject, contentBytesMax: ByteCount?) -> ObjectSchema {
        var fields = columns.map(\.field)
        if object.document != nil {
            fields.removeAll { $0.name == "isdocument" }
            if let place = fields.firstIndex(where: { $0.name == "filename" }) { fields[place].isRequired = true }
        }
        return ObjectSchema(
            name: object.name, label: object.name == DynamicsObject.fileName ? "Files" : label, fields: fields,
            holdsKey: hasKeyColumn || takesColumns,
            content: object.document.map { ContentSchema(field: $0.column, bytesMax: contentBytesMax) })
    }

    /// For a source: lookups go by the names of their properties, as records have them.
    func sourceSchema(of object: DynamicsObject) -> ObjectSchema {
        // Attachments tell no times.
        let version = column(RecordPages.modified) == nil ? Self.version : RecordPages.modified
        return ObjectSchema(
            name: object.name, label: object.name == DynamicsObject.fileName ? "Files" : label,
            fields: columns.map { column in
                var field = column.field
                field.name = column.property
                return field
            },
            content: object.document.map {
                ContentSchema(
                    field: $0.column, sizeField: Self.documentSize, versionFields: [Self.documentSize, version])
            })
    }

    /// The column that tells how many bytes a document has.
    static let documentSize = "filesize"
    /// The column that tells the table of the record that an attachment hangs on. Its lookup is said to lead to activities of
    /// any kind (Microsoft Learn, "Attachment (ActivityMimeAttachment) table/entity reference").
    static let typeCode = "objecttypecode"
    private static let version = "versionnumber"
    /// Columns of attachments that are the platform's own, or share the bytes of another one.
    private static let ownOfAttachments: Set = ["activityid", "attachmentid", "activitymimeattachmentidunique"]

    /// - Parameters:
    ///   - definition: of the table, with its `Keys` and `ManyToOneRelationships`.
    ///   - attributes: the definitions of its columns.
    ///   - options: the choices of columns, by their names.
    init(
        definition: JSONValue, attributes: [JSONValue], options: [String: [FieldSchema.Option]], keyColumn: String
    ) {
        name = definition["LogicalName"]?.text ?? ""
        label = Self.text(definition["DisplayName"]) ?? name
        setName = definition["EntitySetName"]?.text ?? ""
        primaryID = definition["PrimaryIdAttribute"]?.text ?? ""
        isActivity = definition["IsActivity"]?.bool ?? false
        isConnectable = definition["IsConnectionsEnabled"]?["Value"]?.bool ?? false
        takesColumns = definition["CanCreateAttributes"]?["Value"]?.bool ?? false
        privileges = Dictionary(
            (definition["Privileges"]?.elements ?? []).compactMap { privilege in
                guard let type = privilege["PrivilegeType"]?.text, let name = privilege["Name"]?.text else {
                    return nil
                }
                return (type, name)
            }, uniquingKeysWith: { first, _ in first })
        var navigation: [String: [String: String]] = [:]
        for relationship in definition["ManyToOneRelationships"]?.elements ?? [] {
            guard let column = relationship["ReferencingAttribute"]?.text,
                let target = relationship["ReferencedEntity"]?.text,
                let property = relationship["ReferencingEntityNavigationPropertyName"]?.text
            else { continue }
            navigation[column, default: [:]][target] = property
        }
        let isEmail = name == "email"
        let isAttachment = name == DocumentForm.attachment.table
        let hidden: Set =
            isAttachment
            ? Self.ownOfAttachments.union([DocumentForm.attachment.column]) : [DocumentForm.note.column]
        columns = attributes.compactMap { attribute in
            if isEmail, let role = PartyLists.roles[attribute["LogicalName"]?.text ?? ""],
                let field = FieldSchema(partyList: attribute)
            {
                return Column(field: field, property: field.name, role: role)
            }
            if isAttachment, attribute["LogicalName"]?.text == Self.typeCode {
                let field = FieldSchema(
                    name: Self.typeCode, label: "Entity", kind: .text, isCreateable: false, isUpdateable: false)
                return Column(field: field, property: field.name)
            }
            guard var field = FieldSchema(attribute: attribute, options: options), !hidden.contains(field.name) else {
                return nil
            }
            if isAttachment {
                // The platform counts them itself.
                if field.kind == .integer { field.isRequired = false }
                let known = navigation[field.name]?.keys.sorted() ?? []
                field.refersTo += known.filter { !field.refersTo.contains($0) }
            }
            let isLookup = field.kind == .reference
            return Column(
                field: field, property: isLookup ? "_\(field.name)_value" : field.name,
                navigation: navigation[field.name] ?? [:])
        }
        hasKeyColumn = columns.contains { $0.field.name == keyColumn }
        hasActiveKey = (definition["Keys"]?.elements ?? []).contains { key in
            key["KeyAttributes"]?.elements.compactMap(\.text) == [keyColumn]
                && key["EntityKeyIndexStatus"]?.text == "Active"
        }
    }

    /// The text of a label in the language of the user.
    static func text(_ label: JSONValue?) -> String? { label?["UserLocalizedLabel"]?["Label"]?.text }
}

extension FieldSchema {
    /// Reads the definition of a column; `nil` for one that has no value of its own (the name beside a lookup, say).
    init?(attribute: JSONValue, options: [String: [Option]]) {
        guard let name = attribute["LogicalName"]?.text, attribute["AttributeOf"]?.text == nil,
            attribute["IsValidForRead"]?.bool != false, let kind = Self.kind(attribute)
        else { return nil }
        let flag = { (key: String) in attribute[key]?.bool ?? false }
        // The platform would take the id of a new record; it is ours to choose, or the platform's.
        let isCreateable = flag("IsValidForCreate") && kind != .id
        let isFixed = ["State", "Status", "Owner", "Boolean", "Uniqueidentifier"]
            .contains(attribute["AttributeType"]?.text)
        self.init(
            name: name, label: TableMetadata.text(attribute["DisplayName"]) ?? name, kind: kind,
            // What the platform has a value for by itself may be left out; 'business required' binds forms only.
            isRequired: isCreateable && !isFixed && attribute["RequiredLevel"]?["Value"]?.text == "SystemRequired",
            isCreateable: isCreateable, isUpdateable: flag("IsValidForUpdate"),
            lengthMax: attribute["MaxLength"]?.int, options: options[name] ?? [],
            isRestricted: kind == .choice || kind == .choices,
            refersTo: attribute["Targets"]?.elements.compactMap(\.text) ?? [])
    }

    /// A list of those who take part in an activity, as the addresses that they had, with `;` between them. They are told
    /// when the activity is created: a change would replace those of all other roles, too.
    init?(partyList attribute: JSONValue) {
        guard let name = attribute["LogicalName"]?.text, attribute["AttributeType"]?.text == "PartyList" else {
            return nil
        }
        self.init(
            name: name, label: TableMetadata.text(attribute["DisplayName"]) ?? name, kind: .text,
            isCreateable: attribute["IsValidForCreate"]?.bool ?? false, isUpdateable: false)
    }

    private static func kind(_ attribute: JSONValue) -> Kind? {
        switch attribute["AttributeType"]?.text {
        case "String":
            switch attribute["FormatName"]?["Value"]?.text?.lowercased() {
            case "email": .email
            case "phone": .phone
            case "url": .url
            case "textarea", "richtext": .longText
            default: .text
            }
        case "Memo": .longText
        case "Boolean": .bool
        case "Integer", "BigInt": .integer
        case "Decimal", "Double", "Money": .decimal
        case "DateTime": attribute["Format"]?.text == "DateOnly" ? .date : .dateTime
        case "Picklist", "State", "Status": .choice
        case "Lookup", "Customer", "Owner": .reference
        case "Uniqueidentifier": .id
        default:
            switch attribute["AttributeTypeName"]?["Value"]?.text {
            case "MultiSelectPicklistType": .choices
            case "ImageType", "FileType": .binary
            default: nil
            }
        }
    }
}
