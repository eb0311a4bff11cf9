// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// Definitions of tables and columns in the form of the Web API's metadata (Microsoft Learn, "Query table definitions
/// using the Web API").
extension TableDefinition {
    var metadata: JSONValue {
        [
            "MetadataId": .string(MetadataID.table(code)), "LogicalName": .string(name),
            "SchemaName": .string(schemaName), "EntitySetName": .string(setName),
            "PrimaryIdAttribute": .string(primaryID), "PrimaryNameAttribute": .string(primaryName),
            "ObjectTypeCode": .number(String(code)), "IsActivity": .bool(isActivity), "IsIntersect": false,
            "IsPrivate": false, "IsCustomEntity": false, "TableType": "Standard", "ChangeTrackingEnabled": true,
            "IsValidForAdvancedFind": .bool(isWorkable), "DisplayName": MetadataText.label(label),
            "IsConnectionsEnabled": ["Value": .bool(isConnectable), "CanBeChanged": true],
            "CanCreateAttributes": ["Value": .bool(takesColumns), "CanBeChanged": false],
            "Privileges": .array(
                ["Create", "Read", "Write", "Delete"].map { right in
                    ["Name": .string("prv\(right)\(privilegeName)"), "PrivilegeType": .string(right)]
                }),
        ]
    }

    /// The lookups of the table, one for each table that they may lead to.
    var manyToOne: [JSONValue] {
        columns.flatMap { column -> [JSONValue] in
            var targets = column.targets
            // An owner is of one kind to a navigation property, whatever it is (user or team).
            if case .owner = column.kind { targets = [.init(table: "owner", navigation: column.name)] }
            return targets.map { target in
                [
                    "SchemaName": .string("\(target.table)_\(name)_\(column.name)"),
                    "ReferencingEntity": .string(name), "ReferencingAttribute": .string(column.name),
                    "ReferencedEntity": .string(target.table),
                    "ReferencingEntityNavigationPropertyName": .string(target.navigation),
                ]
            }
        }
    }
}

extension ColumnDefinition {
    /// The whole definition of a column of the table with that number, but for the choices.
    func metadata(in table: TableDefinition) -> JSONValue {
        let type = typeName
        var members: [JSONValue.Member] = [
            .init("@odata.type", .string("#Microsoft.Dynamics.CRM.\(type.metadata)")),
            .init("MetadataId", .string(MetadataID.column(table, name))),
            .init("LogicalName", .string(name)), .init("SchemaName", .string(schemaName)),
            .init("AttributeType", .string(type.attribute)), .init("AttributeTypeName", ["Value": .string(type.name)]),
            .init("DisplayName", MetadataText.label(label)), .init("AttributeOf", .null),
            .init("IsValidForCreate", .bool(isCreatable)), .init("IsValidForUpdate", .bool(isUpdatable)),
            .init("IsValidForRead", true), .init("IsCustomAttribute", .bool(isCustom)),
            .init("IsPrimaryId", .bool(name == table.primaryID)),
            .init("RequiredLevel", ["Value": .string(isRequired ? "SystemRequired" : "None"), "CanBeChanged": true]),
        ]
        switch kind {
        case .string(let max, let format):
            members.append(.init("MaxLength", .number(String(max))))
            members.append(.init("FormatName", ["Value": .string(format)]))
        case .memo(let max): members.append(.init("MaxLength", .number(String(max))))
        case .dateOnly: members.append(.init("Format", "DateOnly"))
        case .dateTime: members.append(.init("Format", "DateAndTime"))
        case .partyList:
            members.append(.init("Targets", ["account", "contact", "lead", "systemuser"]))
        case .lookup(let targets), .owner(let targets):
            members.append(.init("Targets", .array((statedTargets ?? targets.map(\.table)).map { .string($0) })))
        default: break
        }
        return .object(members)
    }

    /// What a request for the choices of a column gives: `OptionSet` beside the name.
    var optionSet: JSONValue {
        [
            "LogicalName": .string(name),
            "OptionSet": [
                "Options": .array(
                    choices.map { choice in
                        var members: [JSONValue.Member] = [
                            .init("Value", .number(String(choice.value))),
                            .init("Label", MetadataText.label(choice.label)),
                        ]
                        if case .status = kind { members.append(.init("State", .number(String(choice.state)))) }
                        return .object(members)
                    })
            ],
        ]
    }

    /// The names of its type: as metadata, as a value of `AttributeType`, as a value of `AttributeTypeName`.
    var typeName: (metadata: String, attribute: String, name: String) {
        func plain(_ word: String) -> (String, String, String) { ("\(word)AttributeMetadata", word, "\(word)Type") }
        return switch kind {
        case .string: plain("String")
        case .memo: plain("Memo")
        case .integer: plain("Integer")
        case .bigInt: plain("BigInt")
        case .decimal: plain("Decimal")
        case .double: plain("Double")
        case .money: plain("Money")
        case .boolean: plain("Boolean")
        case .dateTime, .dateOnly: plain("DateTime")
        case .picklist: plain("Picklist")
        case .state: plain("State")
        case .status: plain("Status")
        case .multiPicklist: ("MultiSelectPicklistAttributeMetadata", "Virtual", "MultiSelectPicklistType")
        case .lookup: plain("Lookup")
        case .partyList: ("LookupAttributeMetadata", "PartyList", "PartyListType")
        case .owner: ("LookupAttributeMetadata", "Owner", "OwnerType")
        case .entityName: plain("EntityName")
        case .uniqueIdentifier: ("AttributeMetadata", "Uniqueidentifier", "UniqueidentifierType")
        }
    }
}

enum MetadataText {
    /// A text in the one language that there is (English, 1033).
    static func label(_ text: String) -> JSONValue {
        let localized: JSONValue = ["Label": .string(text), "LanguageCode": 1033]
        return ["LocalizedLabels": [localized], "UserLocalizedLabel": localized]
    }

    /// The text of a label that somebody sent.
    static func text(_ label: JSONValue?) -> String? {
        label?["UserLocalizedLabel"]?["Label"]?.text ?? label?["LocalizedLabels"]?[0]?["Label"]?.text
    }
}

/// Ids of definitions, made of what they define.
enum MetadataID {
    static func table(_ code: Int) -> String { RecordID.guid(code: 0xE0, number: Int64(code)) }

    static func column(_ table: TableDefinition, _ name: String) -> String {
        let place = table.columns.firstIndex { $0.name == name } ?? 0
        return RecordID.guid(code: 0xA0, number: Int64(table.code) << 16 | Int64(place))
    }
}

/// Ids of records.
enum RecordID {
    /// A GUID of two numbers: `00000002-0000-4000-8000-0000000003e8`.
    static func guid(code: Int, number: Int64) -> String {
        func hex(_ value: Int64, _ width: Int) -> String {
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(hex(Int64(code), 8))-0000-4000-8000-\(hex(number, 12))"
    }

    /// The GUID in the form in which records hold it; `nil` if the text is none.
    static func canonical(_ text: some StringProtocol) -> String? {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.count) == [8, 4, 4, 4, 12], groups.allSatisfy({ $0.allSatisfy(\.isHexDigit) }) else {
            return nil
        }
        return text.lowercased()
    }
}
