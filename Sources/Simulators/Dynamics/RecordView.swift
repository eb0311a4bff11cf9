// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// A record as an answer shows it.
struct RecordView {
    /// Behind the name of a lookup's property: the table that it leads to.
    static let lookupType = "@Microsoft.Dynamics.CRM.lookuplogicalname"
    private static let formatted = "@OData.Community.Display.V1.FormattedValue"

    let table: TableDefinition
    /// The columns to show; `nil` = all.
    var selected: [ColumnDefinition]?
    /// What `Prefer: odata.include-annotations` asks for.
    var annotations: String?
    /// The text of a record's document.
    var documentBody: (_ record: StoredDocument) -> JSONValue = { _ in .null }
    /// The name of a record that a lookup leads to.
    var nameOf: (_ table: String, _ id: String) -> String? = { _, _ in nil }

    /// - Throws: `APIFailure` for a property that the table does not have.
    init(_ table: TableDefinition, select: String?, annotations: String?) throws {
        self.table = table
        self.annotations = annotations
        guard let select else { return }
        selected = try select.split(separator: ",").map { name in
            let name = String(name.drop { $0 == " " })
            guard let column = table.column(property: name) else {
                throw APIFailure(
                    400, "0x0",
                    "Could not find a property named '\(name)' on type 'Microsoft.Dynamics.CRM.\(table.name)'.")
            }
            return column
        }
    }

    func json(_ record: StoredDocument) -> JSONValue {
        let values = Dictionary(record.document.members.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        var members: [JSONValue.Member] = [
            .init("@odata.etag", .string("W/\"\(record.modifiedAt.milliseconds)\""))
        ]
        var columns = selected ?? table.columns.filter(\.isProperty)
        if !columns.contains(where: { $0.name == table.primaryID }), let key = table.column(table.primaryID) {
            columns.append(key)
        }
        for column in columns {
            let value: JSONValue =
                switch column.name {
                case "versionnumber": .number(String(record.modifiedAt.milliseconds))
                case _ where DocumentBodies.columns.contains(column.name): documentBody(record)
                default: values[column.property] ?? .null
                }
            members.append(.init(column.property, value))
            guard !value.isNull else { continue }
            if shows("Microsoft.Dynamics.CRM.lookuplogicalname"), !column.targets.isEmpty,
                let type = values[column.property + Self.lookupType]
            {
                members.append(.init(column.property + Self.lookupType, type))
            }
            if shows("OData.Community.Display.V1.FormattedValue"), let text = text(of: value, column, values) {
                members.append(.init(column.property + Self.formatted, .string(text)))
            }
        }
        return .object(members)
    }

    /// A value as people see it.
    private func text(of value: JSONValue, _ column: ColumnDefinition, _ values: [String: JSONValue]) -> String? {
        if let table = values[column.property + Self.lookupType]?.text, let id = value.text { return nameOf(table, id) }
        return column.choices.first { $0.value == value.int }?.label
    }

    private func shows(_ annotation: String) -> Bool {
        annotations.map { $0 == "*" || $0.split(separator: ",").contains { $0 == annotation } } ?? false
    }
}
