// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// E-mails with the tasks that show them, and the people that tasks and events are about.
extension RowWriter {
    /// An e-mail that is no draft any more stays as it is, but for custom fields and whether others see it (Object
    /// Reference, "EmailMessage", "Special Access Rules"; which code the platform gives is not told there).
    func keepEmail(_ values: Values, _ object: ObjectDefinition, _ ordinal: Int64?) throws {
        guard let ordinal else { return }
        let status = try String.fetchOne(
            db, sql: "SELECT Status FROM EmailMessage WHERE n = ?", arguments: [ordinal])
        guard status != StandardObjects.draftStatus else { return }
        let refused = values.indices.filter { index in
            let field = object.fields[index]
            return values[index] != nil && !field.isCustom && field.name != "IsExternallyVisible"
        }.map { object.fields[$0].name }
        guard refused.isEmpty else {
            throw RowFailure(
                "INSUFFICIENT_ACCESS_OR_READONLY", "email messages that are not drafts cannot be changed",
                fields: refused)
        }
    }

    /// The platform shows an e-mail that is about a record as a task of the subtype `Email`, and deletes both together.
    func insertEmail(_ values: Values, _ object: ObjectDefinition) throws -> RecordID {
        var values = values
        guard let about = text("RelatedToId", values, object), let task = schema["Task"] else {
            return try insertRow(values, object)
        }
        var fields = Values(repeating: nil, count: task.fields.count)
        for (index, value) in task.defaults { fields[index] = value }
        set("TaskSubtype", "Email".databaseValue, in: &fields, task)
        set("Subject", (text("Subject", values, object) ?? "").prefix(255).description.databaseValue, in: &fields, task)
        set("Status", "Completed".databaseValue, in: &fields, task)
        set("IsClosed", true.databaseValue, in: &fields, task)
        set("WhatId", about.databaseValue, in: &fields, task)
        if let date = object.index(of: "MessageDate").flatMap({ values[$0] }).flatMap({ Int64.fromDatabaseValue($0) }) {
            set("ActivityDate", String(DateTimeText.text(date).prefix(10)).databaseValue, in: &fields, task)
        }
        setSystemFields(of: &fields, task)
        set("ActivityId", try insertRow(fields, task).text.databaseValue, in: &values, object)
        return try insertRow(values, object)
    }

    /// The task that shows an e-mail goes with it.
    func deleteTask(ofEmail ordinal: Int64) throws {
        guard
            let task = try String.fetchOne(
                db, sql: "SELECT ActivityId FROM EmailMessage WHERE n = ?", arguments: [ordinal]),
            let id = RecordID(task)
        else { return }
        try db.execute(
            sql: "UPDATE Task SET IsDeleted = 1, SystemModstamp = ? WHERE n = ?", arguments: [context.now, id.ordinal])
    }

    func setEmailRelation(in values: inout Values, _ object: ObjectDefinition) {
        guard let relation = text("RelationId", values, object).flatMap({ RecordID($0) }),
            let target = schema.objects.first(where: { $0.prefix == relation.prefix })
        else { return }
        set("RelationObjectType", target.name.databaseValue, in: &values, object)
    }

    // MARK: People of tasks and events

    /// Where several contacts may be related to an activity, each of them and the record that it is about is a relation
    /// (Object Reference, "TaskRelation", "EventRelation").
    func setRelation(in values: inout Values, _ object: ObjectDefinition, _ ordinal: Int64?) throws {
        guard ordinal == nil, let relation = text("RelationId", values, object) else { return }
        let end = object.name == "TaskRelation" ? "TaskId" : "EventId"
        guard let activity = text(end, values, object) else { return }
        let isWhat = !(relation.hasPrefix("003") || relation.hasPrefix("00Q") || relation.hasPrefix("005"))
        set("IsWhat", isWhat.databaseValue, in: &values, object)
        let known = try Int.fetchOne(
            db, sql: "SELECT n FROM \(object.name) WHERE \(end) = ? AND RelationId = ? AND IsDeleted = 0",
            arguments: [activity, relation])
        guard known == nil else {
            throw RowFailure(
                "DUPLICATE_VALUE", "duplicate value found: \(relation) is related to the activity already",
                fields: ["RelationId"])
        }
        let people = try Int.fetchOne(
            db, sql: "SELECT COUNT(*) FROM \(object.name) WHERE \(end) = ? AND IsWhat = 0 AND IsDeleted = 0",
            arguments: [activity])
        guard isWhat || (people ?? 0) < Self.peopleMax else {
            throw RowFailure("LIMIT_EXCEEDED", "an activity is related to 50 contacts at most", fields: ["RelationId"])
        }
        // Whoever comes first is the one that the activity itself names.
        guard let id = RecordID(activity) else { return }
        let field = isWhat ? "WhatId" : "WhoId"
        try db.execute(
            sql: "UPDATE \(end == "TaskId" ? "Task" : "Event") SET \(field) = ? WHERE n = ? AND \(field) IS NULL",
            arguments: [relation, id.ordinal])
    }

    private static let peopleMax = 50

    /// What an activity names before it is changed, of the fields that are.
    func formerEnds(_ ordinal: Int64, _ values: Values, _ object: ObjectDefinition) throws -> [String] {
        guard schema[object.name + "Relation"] != nil else { return [] }
        return try ["WhoId", "WhatId"].compactMap { name in
            guard let index = object.index(of: name), let value = values[index] else { return nil }
            let sql = "SELECT \(name) FROM \(object.name) WHERE n = ?"
            let former = try String.fetchOne(db, sql: sql, arguments: [ordinal])
            return former == String.fromDatabaseValue(value) ? nil : former
        }
    }

    /// What an activity names is one of its relations; what it named before is none any more.
    func relate(_ activity: RecordID, _ values: Values, _ object: ObjectDefinition, former: [String]) throws {
        guard let relation = schema[object.name + "Relation"] else { return }
        let end = object.name + "Id"
        for id in former {
            try db.execute(
                sql: "UPDATE \(relation.name) SET IsDeleted = 1 WHERE \(end) = ? AND RelationId = ?",
                arguments: [activity.text, id])
        }
        for name in ["WhoId", "WhatId"] {
            guard let related = text(name, values, object),
                try Int.fetchOne(
                    db, sql: "SELECT n FROM \(relation.name) WHERE \(end) = ? AND RelationId = ? AND IsDeleted = 0",
                    arguments: [activity.text, related]) == nil
            else { continue }
            var fields = Values(repeating: nil, count: relation.fields.count)
            for (index, value) in relation.defaults { fields[index] = value }
            set(end, activity.text.databaseValue, in: &fields, relation)
            set("RelationId", related.databaseValue, in: &fields, relation)
            set("IsWhat", (name == "WhatId").databaseValue, in: &fields, relation)
            set("IsParent", true.databaseValue, in: &fields, relation)
            setSystemFields(of: &fields, relation)
            _ = try insertRow(fields, relation)
        }
    }

    func text(_ name: String, _ values: Values, _ object: ObjectDefinition) -> String? {
        object.index(of: name).flatMap { values[$0] }.flatMap { String.fromDatabaseValue($0) }
    }
}
