// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Synchronization

/// What all requests to one environment share.
final class Environment: Sendable {
    /// The user on whose behalf every token is: an application user, not among the people of the synthetic CRM.
    static let applicationUser = RecordID.guid(code: 8, number: 1)
    static let organizationID = RecordID.guid(code: 1019, number: 1)
    private static let columns = "custom_column"

    let options: DynamicsOptions
    /// What the environment was filled with.
    let crm: SyntheticCRM?
    let transfers = Transfers()
    let store: DocumentStore
    let tokens: Tokens
    let allowance: RequestAllowance
    let clock: any WallClock
    private let tables: Mutex<[String: TableDefinition]>

    init(options: DynamicsOptions, crm: SyntheticCRM?, databasePath: String?, clock: any WallClock) throws {
        self.options = options
        self.crm = crm
        self.clock = clock
        tokens = Tokens(options)
        allowance = RequestAllowance(limit: options.requestsMax, window: options.window, clock: clock)
        let objects = StandardTables.all.map { table in
            DocumentStore.Object(
                table.name, firstID: 1,
                indexed: table.columns.filter { !$0.targets.isEmpty && $0.isCreatable && $0.name != "ownerid" }
                    .map(\.property), unique: [table.primaryID])
        }
        store = try DocumentStore(
            path: databasePath,
            objects: objects + KeyIndex.objects + DocumentBodies.objects + [DocumentStore.Object(Self.columns)])
        var known = Dictionary(StandardTables.all.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        let added = try store.read { try $0.documents(Self.columns) }
        for column in added {
            guard let table = column.document["table"]?.text, let definition = column.document["definition"],
                let column = try? ColumnDefinition(definition: definition)
            else { continue }
            known[table]?.columns.append(column)
        }
        tables = Mutex(known)
    }

    func table(_ name: String) -> TableDefinition? { tables.withLock { $0[name] } }
    func table(set name: String) -> TableDefinition? { tables.withLock { $0.values.first { $0.setName == name } } }
    var allTables: [TableDefinition] { tables.withLock { $0.values.sorted { $0.code < $1.code } } }

    /// Adds a column that somebody defined.
    func add(_ definition: JSONValue, to table: TableDefinition, _ session: DocumentSession, at now: Timestamp) throws {
        let column = try ColumnDefinition(definition: definition)
        guard table.column(column.name) == nil else {
            throw APIFailure(
                400, "0x80047013",
                "An attribute with the specified name \(column.schemaName) already exists for entity \(table.name)")
        }
        try session.insert(
            Self.columns, ["table": .string(table.name), "definition": definition], at: now)
        tables.withLock { $0[table.name]?.columns.append(column) }
    }
}

extension ColumnDefinition {
    /// Reads what somebody sends to define a column (Microsoft Learn, "Create and update column definitions using the
    /// Web API").
    init(definition: JSONValue) throws {
        guard let schemaName = definition["SchemaName"]?.text, Self.hasPrefix(schemaName) else {
            throw APIFailure.invalidArgument(
                "The schema name must start with the customization prefix of a publisher.")
        }
        let type = definition["@odata.type"]?.text?.split(separator: ".").last.map(String.init) ?? ""
        let max = definition["MaxLength"]?.int
        let choices = (definition["OptionSet"]?["Options"]?.elements ?? []).compactMap { option -> Choice? in
            guard let value = option["Value"]?.int else { return nil }
            return Choice(value: value, label: MetadataText.text(option["Label"]) ?? "")
        }
        let kind: Kind
        switch type {
        case "StringAttributeMetadata":
            guard let max, (1...4_000).contains(max) else {
                throw APIFailure.invalidArgument("MaxLength of a text column must be from 1 to 4000.")
            }
            kind = .string(max: max, format: definition["FormatName"]?["Value"]?.text ?? "Text")
        case "MemoAttributeMetadata": kind = .memo(max: max ?? 2_000)
        case "IntegerAttributeMetadata": kind = .integer
        case "DecimalAttributeMetadata": kind = .decimal
        case "DoubleAttributeMetadata": kind = .double
        case "MoneyAttributeMetadata": kind = .money
        case "BooleanAttributeMetadata": kind = .boolean
        case "DateTimeAttributeMetadata": kind = definition["Format"]?.text == "DateOnly" ? .dateOnly : .dateTime
        case "PicklistAttributeMetadata": kind = .picklist(choices)
        case "MultiSelectPicklistAttributeMetadata": kind = .multiPicklist(choices)
        default: throw APIFailure.invalidArgument("Columns of type \(type) cannot be created here.")
        }
        self.init(
            name: schemaName.lowercased(), schemaName: schemaName,
            label: MetadataText.text(definition["DisplayName"]) ?? schemaName, kind: kind, isCustom: true)
    }

    /// `new_Name`: letters and digits, two to eight of them, an underscore, and more.
    private static func hasPrefix(_ name: String) -> Bool {
        guard let end = name.firstIndex(of: "_"), name.index(after: end) < name.endIndex else { return false }
        let prefix = name[..<end]
        return (2...8).contains(prefix.count) && prefix.first?.isLetter == true
            && prefix.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }
}
