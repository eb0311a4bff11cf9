// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// What the platform computes or demands for one object only.
extension RowWriter {
    /// - Parameter ordinal: the record that is updated; `nil` for a new one.
    func applyRules(to values: inout Values, of object: ObjectDefinition, existing ordinal: Int64?) throws {
        switch object.name {
        case "Contact", "Lead": try setName(in: &values, object, ordinal)
        case "Account": try setAccountKind(in: &values, object, ordinal)
        case "Opportunity":
            setStage(in: &values, object)
            try keepAmount(in: &values, object, ordinal)
        case "PricebookEntry": try setPrice(in: &values, object, ordinal)
        case "OpportunityLineItem": try setLineItem(in: &values, object, ordinal)
        case "EmailMessage": try keepEmail(values, object, ordinal)
        case "EmailMessageRelation": setEmailRelation(in: &values, object)
        case "TaskRelation", "EventRelation": try setRelation(in: &values, object, ordinal)
        case "Task": setTaskState(in: &values, object)
        case "Event": try setPeriod(in: &values, object, ordinal)
        default: break
        }
    }

    /// The value that the record will have: the new one, else the one that it has.
    func value(
        _ name: String, in values: Values, _ object: ObjectDefinition, _ ordinal: Int64?
    ) throws -> DatabaseValue {
        guard let index = object.index(of: name) else { return .null }
        if let value = values[index] { return value }
        guard let ordinal else { return .null }
        let statement = try db.cachedStatement(
            sql: "SELECT \(RecordStore.quoted(name)) FROM \(RecordStore.quoted(object.name)) WHERE n = ?")
        return try DatabaseValue.fetchOne(statement, arguments: [ordinal]) ?? .null
    }

    func isGiven(_ names: [String], in values: Values, _ object: ObjectDefinition) -> Bool {
        names.contains { object.index(of: $0).map { values[$0] != nil } ?? false }
    }

    private func setName(in values: inout Values, _ object: ObjectDefinition, _ ordinal: Int64?) throws {
        guard isGiven(["FirstName", "LastName"], in: values, object) else { return }
        let parts = try ["FirstName", "LastName"].compactMap {
            String.fromDatabaseValue(try value($0, in: values, object, ordinal))
        }
        set("Name", parts.joined(separator: " ").databaseValue, in: &values, object)
    }

    private func setStage(in values: inout Values, _ object: ObjectDefinition) {
        guard let index = object.index(of: "StageName"), let value = values[index],
            let name = String.fromDatabaseValue(value),
            let stage = StandardObjects.stages.first(where: { $0.name == name })
        else { return }
        set("IsClosed", stage.isClosed.databaseValue, in: &values, object)
        set("IsWon", stage.isWon.databaseValue, in: &values, object)
        if !isGiven(["Probability"], in: values, object) {
            set("Probability", stage.probability.databaseValue, in: &values, object)
        }
    }

    private func setTaskState(in values: inout Values, _ object: ObjectDefinition) {
        if let index = object.index(of: "Status"), let value = values[index] {
            let isClosed = String.fromDatabaseValue(value) == "Completed"
            set("IsClosed", isClosed.databaseValue, in: &values, object)
        }
        if let index = object.index(of: "Priority"), let value = values[index] {
            set("IsHighPriority", (String.fromDatabaseValue(value) == "High").databaseValue, in: &values, object)
        }
    }

    /// A meeting has a start, and an end or a duration; each of the two follows from the other
    /// (crm-apis: Salesforce, section 2).
    private func setPeriod(in values: inout Values, _ object: ObjectDefinition, _ ordinal: Int64?) throws {
        let names = ["StartDateTime", "EndDateTime", "DurationInMinutes"]
        guard ordinal == nil || isGiven(names, in: values, object) else { return }
        guard let start = Int64.fromDatabaseValue(try value("StartDateTime", in: values, object, ordinal)) else {
            throw RowWriter.missing(["StartDateTime"])
        }
        let isEndGiven = isGiven(["EndDateTime"], in: values, object)
        let isDurationGiven = isGiven(["DurationInMinutes"], in: values, object)
        let end = Int64.fromDatabaseValue(try value("EndDateTime", in: values, object, isEndGiven ? nil : ordinal))
        let minutes = Int64.fromDatabaseValue(
            try value("DurationInMinutes", in: values, object, isEndGiven && !isDurationGiven ? nil : ordinal))
        switch (end, minutes) {
        case (let end?, let minutes?) where isEndGiven && isDurationGiven && end - start != minutes * 60_000:
            throw RowFailure(
                "FIELD_INTEGRITY_EXCEPTION", "Event duration does not match start and end",
                fields: ["DurationInMinutes"])
        case (let end?, _) where isEndGiven:
            guard end >= start else {
                throw RowFailure("FIELD_INTEGRITY_EXCEPTION", "Event end is before its start", fields: ["EndDateTime"])
            }
            set("DurationInMinutes", ((end - start) / 60_000).databaseValue, in: &values, object)
        case (_, let minutes?):
            set("EndDateTime", (start + minutes * 60_000).databaseValue, in: &values, object)
        default: throw RowWriter.missing(["DurationInMinutes"])
        }
        let day = DateTimeText.text(start).prefix(10)
        set("ActivityDate", String(day).databaseValue, in: &values, object)
    }
}
