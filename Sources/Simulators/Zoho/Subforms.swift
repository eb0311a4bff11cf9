// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Rows of a record's subforms: seen with the single record, and written with it.
///
/// A row with an id is changed, one without is new, and `_delete` takes one away. Whether a row that a request does not name
/// stays is not said: the stricter reading is taken, and it goes.
///
/// Source: zoho.com/crm/developer, "Subform API", "Insert Subform Data", "Update Subform Data", "Delete Subform Data".
struct Subforms {
    static let parent = "Parent_Id"
    private static let sequence = "Sequence_Number"
    /// "Subform API": rows of one record.
    private static let rowsMax = 100

    let organisation: Organisation
    let session: DocumentSession
    let now: Timestamp

    func rows(of field: FieldDefinition, _ record: Int64) throws -> [StoredDocument] {
        try session.documents(
            field.module ?? field.name, where: .member(Self.parent, .equals, .string(String(record))), limit: nil)
    }

    /// The rows as the record's own answer has them.
    func shown(_ field: FieldDefinition, _ record: Int64) throws -> JSONValue {
        let module = try organisation.module(field.module ?? field.name)
        let view = RecordView(organisation: organisation, session: session, module: module)
        return .array(
            try rows(of: field, record).map { try view.json($0, fields: module.fields.map(\.name)) })
    }

    /// Writes what a row of a request says of the subforms of its record.
    ///
    /// - Parameter number: where the record stands in the request.
    func write(_ input: JSONValue, of module: ModuleDefinition, _ record: Int64, number: Int) throws {
        for field in module.fields where field.type == .subform {
            if let given = input[field.name] { try write(given, field, record, number) }
            guard field.isMandatory, try rows(of: field, record).isEmpty else { continue }
            throw RowFailure("MANDATORY_NOT_FOUND", "required field not found", field: field.name, row: number)
        }
    }

    private func write(_ given: JSONValue, _ field: FieldDefinition, _ record: Int64, _ number: Int) throws {
        guard case .array(let rows) = given else {
            throw RowFailure(
                "INVALID_DATA", "invalid data", field: field.name, row: number,
                [.init("expected_data_type", "jsonarray")])
        }
        guard rows.count <= Self.rowsMax else {
            throw RowFailure(
                "INVALID_DATA", "invalid data", field: field.name, row: number,
                [.init("maximum_length", .number(String(Self.rowsMax)))])
        }
        let module = try organisation.module(field.module ?? field.name)
        let table = RecordTable(organisation: organisation, session: session, module: module)
        let rules = RecordRules(organisation: organisation, session: session, module: module, row: number)
        var unnamed = Dictionary(uniqueKeysWithValues: try self.rows(of: field, record).map { ($0.id, $0) })
        var place = unnamed.values.compactMap { $0.document[Self.sequence]?.int }.max() ?? 0
        for (index, row) in rows.enumerated() {
            do {
                guard let text = row["id"]?.text else {
                    place += 1
                    var members = try complete(rules.document(row, over: nil)).members
                    members += [
                        .init(Self.parent, .string(String(record))), .init(Self.sequence, .number(String(place))),
                    ]
                    _ = try table.insert(.object(members), at: now)
                    continue
                }
                guard let id = Int64(text), let held = unnamed.removeValue(forKey: id) else {
                    throw RowFailure("INVALID_DATA", "the id given seems to be invalid", field: "id", row: number)
                }
                if row["_delete"] != nil {
                    try table.delete(id, at: now)
                } else if row.members.count > 1 {
                    try table.replace(id, with: rules.document(row, over: held.document), at: now)
                }
            } catch let failure as RowFailure {
                throw failure.within("\(field.name)[\(index)]")
            }
        }
        for id in unnamed.keys { try table.delete(id, at: now) }
    }

    /// A line costs what its product does unless it says something else.
    private func complete(_ row: JSONValue) throws -> JSONValue {
        var members = row.members.filter { !$0.value.isNull }
        if row["List_Price"]?.text == nil, let product = row["Product_Name"]?.text.flatMap({ Int64($0) }),
            let price = try session.document("Products", product)?.document["Unit_Price"]
        {
            members.append(.init("List_Price", price))
        }
        if row["Discount"]?.text == nil { members.append(.init("Discount", .number("0"))) }
        return .object(members)
    }

    func delete(of module: ModuleDefinition, _ record: Int64) throws {
        for field in module.fields where field.type == .subform {
            let rows = RecordTable(
                organisation: organisation, session: session,
                module: try organisation.module(field.module ?? field.name))
            for row in try self.rows(of: field, record) { try rows.delete(row.id, at: now) }
        }
    }
}
