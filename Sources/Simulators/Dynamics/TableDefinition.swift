// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// A table of the environment: names, columns, and what the Web API lets be done with it.
struct TableDefinition: Sendable {
    /// `contact`
    var name: String
    /// `Contact`; privileges are named after it.
    var schemaName: String
    /// `contacts`
    var setName: String
    var label: String
    /// The number of the table in ids and in `objecttypecode`.
    var code: Int
    var primaryID: String
    var primaryName: String
    var isActivity = false
    /// The property that holds those who take part in a new activity.
    var partiesProperty: String { "\(name)_activity_parties" }
    /// Whether records can be joined with others by connections.
    var isConnectable = false
    /// Whether people make, change and delete its records.
    var isWorkable = true
    /// Whether columns of one's own can be added; notes and attachments take none.
    var takesColumns: Bool { isWorkable && !DocumentBodies.tables.contains(name) }
    /// Whether its records are closed by messages of their own, after which they are read-only.
    var closesByMessage = false
    /// The state in which records begin.
    var firstState = 0
    var columns: [ColumnDefinition]

    func column(_ name: String) -> ColumnDefinition? { columns.first { $0.name == name } }

    /// The column that a property of a record's JSON belongs to: `firstname`, `_parentcustomerid_value`.
    func column(property: String) -> ColumnDefinition? { columns.first { $0.property == property && $0.isProperty } }

    /// The lookup that a navigation property leads along, and to which table.
    func lookup(navigation name: String) -> (column: ColumnDefinition, target: ColumnDefinition.Target)? {
        for column in columns {
            if let target = column.targets.first(where: { $0.navigation == name }) { return (column, target) }
        }
        return nil
    }

    /// The last part of the names of privileges: activities and notes share theirs.
    var privilegeName: String { isActivity ? "Activity" : name == "annotation" ? "Note" : schemaName }
}

/// A column of a table.
struct ColumnDefinition: Sendable {
    struct Choice: Sendable {
        var value: Int
        var label: String
        /// Of a status: the state that it belongs to.
        var state = 0
    }

    /// A table that a lookup may lead to, with the navigation property by which it is bound.
    struct Target: Sendable {
        var table: String
        var navigation: String
    }

    enum Kind: Sendable {
        case string(max: Int, format: String)
        case memo(max: Int)
        case integer, bigInt, decimal, double, money, boolean
        case dateTime, dateOnly
        case picklist([Choice])
        case multiPicklist([Choice])
        case state([Choice])
        case status([Choice])
        case lookup([Target])
        case owner([Target])
        case uniqueIdentifier
        /// The name of a table.
        case entityName
        /// Those who take part in an activity in one role.
        case partyList(role: Int)
    }

    var name: String
    var schemaName: String
    var label: String
    var kind: Kind
    var isCreatable = true
    var isUpdatable = true
    var isRequired = false
    var isCustom = false
    /// What a new record gets that says nothing of it.
    var defaultValue: JSONValue?
    /// Where a lookup is said to lead to, if that is not all the truth.
    var statedTargets: [String]?

    /// Where its value stands in a record's JSON (crm-apis: Dynamics, section 2).
    var property: String { targets.isEmpty ? name : "_\(name)_value" }

    /// Whether records have a property of it; those who take part in an activity are records of their own.
    var isProperty: Bool { if case .partyList = kind { false } else { true } }

    var targets: [Target] {
        switch kind {
        case .lookup(let targets), .owner(let targets): targets
        default: []
        }
    }

    var choices: [Choice] {
        switch kind {
        case .picklist(let choices), .multiPicklist(let choices), .state(let choices), .status(let choices): choices
        default: []
        }
    }
}

extension ColumnDefinition {
    /// A column that people fill in.
    init(_ name: String, _ label: String, _ kind: Kind) {
        self.init(name: name, schemaName: name, label: label, kind: kind)
    }

    /// A column that the platform fills in.
    static func own(_ name: String, _ label: String, _ kind: Kind) -> ColumnDefinition {
        ColumnDefinition(
            name: name, schemaName: name, label: label, kind: kind, isCreatable: false, isUpdatable: false)
    }

    static func text(_ name: String, _ label: String, _ max: Int, format: String = "Text") -> ColumnDefinition {
        ColumnDefinition(name, label, .string(max: max, format: format))
    }

    static func lookup(_ name: String, _ label: String, _ targets: (String, String)...) -> ColumnDefinition {
        ColumnDefinition(name, label, .lookup(targets.map { Target(table: $0.0, navigation: $0.1) }))
    }

    static func list(_ name: String, _ label: String, _ choices: (Int, String)...) -> ColumnDefinition {
        ColumnDefinition(name, label, .picklist(choices.map { Choice(value: $0.0, label: $0.1) }))
    }
}
