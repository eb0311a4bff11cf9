// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// What a request wants to be in a record, checked: property by property, bindings as ids.
///
/// Columns that the operation does not take are passed over in silence, as the platform does.
struct RecordDraft {
    let table: TableDefinition
    /// Values by property; `.null` clears.
    private(set) var values: [(property: String, value: JSONValue)] = []
    /// The text of a document; it is kept apart from the record.
    private(set) var documentBody: JSONValue?
    /// Those who take part in the activity, if the request says it.
    private(set) var parties: [RecordDraft]?

    /// - Parameter find: the record that a path of the form `accounts(…)` leads to.
    /// - Throws: `APIFailure`.
    init(
        _ body: JSONValue, of table: TableDefinition, isNew: Bool,
        find: (String) throws -> (table: TableDefinition, id: String)
    ) throws {
        self.table = table
        for member in body.members {
            if member.key.hasSuffix("@odata.bind") {
                try bind(String(member.key.dropLast("@odata.bind".count)), member.value, find)
                continue
            }
            if member.key.contains("@") { continue }
            if table.isActivity, member.key == table.partiesProperty {
                parties = try member.value.elements.map {
                    try RecordDraft($0, of: StandardTables.activityParty, isNew: true, find: find)
                }
                continue
            }
            guard let column = table.column(property: member.key), column.targets.isEmpty else {
                throw APIFailure.badPayload(
                    table.setName,
                    "The property '\(member.key)' does not exist on type 'Microsoft.Dynamics.CRM.\(table.name)'. Make sure "
                        + "to only use property names that are defined by the type.")
            }
            guard isNew ? column.isCreatable : column.isUpdatable else { continue }
            if DocumentBodies.columns.contains(column.name) {
                documentBody = try Self.checked(member.value, column, table)
                continue
            }
            values.append((column.property, try Self.checked(member.value, column, table)))
        }
    }

    func value(_ property: String) -> JSONValue? { values.last { $0.property == property }?.value }

    private mutating func bind(
        _ navigation: String, _ value: JSONValue, _ find: (String) throws -> (table: TableDefinition, id: String)
    ) throws {
        guard let (column, target) = table.lookup(navigation: navigation) else {
            throw APIFailure.badPayload(
                table.setName,
                "An undeclared property '\(navigation)' which only has property annotations in the payload but no property "
                    + "value was found in the payload.")
        }
        let type = column.property + RecordView.lookupType
        guard let path = value.text else {
            guard value.isNull else { throw APIFailure.badPayload(table.setName, "A binding is a text or null.") }
            values += [(column.property, .null), (type, .null)]
            return
        }
        let (found, id) = try find(path)
        let isAllowed =
            if case .owner = column.kind { column.targets.contains { $0.table == found.name } } else {
                found.name == target.table
            }
        guard isAllowed else {
            throw APIFailure.badPayload(table.setName, "The binding of '\(navigation)' leads to a \(found.name).")
        }
        values += [(column.property, .string(id)), (type, .string(found.name))]
    }

    private static func checked(
        _ value: JSONValue, _ column: ColumnDefinition, _ table: TableDefinition
    ) throws -> JSONValue {
        if value.isNull { return value }
        func mismatch(_ type: String) -> APIFailure {
            APIFailure.badPayload(
                table.setName,
                "Cannot convert the value of '\(column.name)' to the expected type 'Edm.\(type)'.")
        }
        switch column.kind {
        case .string(let max, _), .memo(let max):
            guard case .string(let text) = value else { throw mismatch("String") }
            guard text.utf16.count <= max else {
                throw APIFailure(
                    400, "0x80044331",
                    "A validation error occurred. The length of the '\(column.name)' attribute of the '\(table.name)' "
                        + "entity exceeded the maximum allowed length of '\(max)'.")
            }
            return text.isEmpty ? .null : value
        case .integer, .bigInt:
            guard case .number = value, value.int != nil else { throw mismatch("Int32") }
        case .decimal, .double, .money:
            guard case .number = value else { throw mismatch("Decimal") }
        case .boolean:
            guard value.bool != nil else { throw mismatch("Boolean") }
        case .dateTime:
            guard case .string(let text) = value, let time = DateForm.time(text) else {
                throw mismatch("DateTimeOffset")
            }
            return .string(time)
        case .dateOnly:
            guard case .string(let text) = value, DateForm.isDay(text) else { throw mismatch("Date") }
        case .picklist, .state, .status:
            guard case .number = value, let number = value.int else { throw mismatch("Int32") }
            try checkChoice([number], column, table)
        case .multiPicklist:
            guard case .string(let text) = value else { throw mismatch("String") }
            try checkChoice(text.split(separator: ",").map { Int($0) ?? .min }, column, table)
        case .entityName:
            guard case .string = value else { throw mismatch("String") }
        case .uniqueIdentifier:
            guard case .string(let text) = value, let id = RecordID.canonical(text) else { throw mismatch("Guid") }
            return .string(id)
        case .lookup, .owner, .partyList: throw mismatch("EntityReference")
        }
        return value
    }

    private static func checkChoice(_ values: [Int], _ column: ColumnDefinition, _ table: TableDefinition) throws {
        let allowed = column.choices.map(\.value)
        guard let wrong = values.first(where: { !allowed.contains($0) }) else { return }
        throw APIFailure(
            400, "0x8004431a",
            "A validation error occurred.  The value \(wrong) of '\(column.name)' on record of type '\(table.name)' is "
                + "outside the valid range. Accepted Values: \(allowed.map(String.init).joined(separator: ","))")
    }
}

/// Times as the Web API writes them.
enum DateForm {
    /// `2026-01-31`
    static func isDay(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2], let month = Int(parts[1]), let day = Int(parts[2]) else { return false }
        return Int(parts[0]) != nil && (1...12).contains(month) && (1...31).contains(day)
    }

    /// A time in UTC in whole seconds, which is what the platform keeps: `2026-01-31T12:00:00Z`.
    static func time(_ text: String) -> String? {
        guard text.count >= 20, text.hasSuffix("Z"), isDay(String(text.prefix(10))) else { return nil }
        let clock = text.dropFirst(11).prefix(8).split(separator: ":", omittingEmptySubsequences: false)
        guard text.dropFirst(10).first == "T", clock.map(\.count) == [2, 2, 2], clock.allSatisfy({ Int($0) != nil })
        else { return nil }
        return text.prefix(19) + "Z"
    }

    static func text(_ time: Timestamp) -> String {
        let days = time.milliseconds.flooredDivision(by: 86_400_000)
        let seconds = (time.milliseconds - days * 86_400_000) / 1000
        let (year, month, day) = Timestamp.civil(fromDays: days)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : String(number) }
        return "\(year)-\(two(Int64(month)))-\(two(Int64(day)))T\(two(seconds / 3600)):\(two(seconds / 60 % 60)):"
            + "\(two(seconds % 60))Z"
    }
}
