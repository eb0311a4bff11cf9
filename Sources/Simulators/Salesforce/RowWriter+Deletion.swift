// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// Deleting: into the recycle bin, with everything that hangs below the record.
extension RowWriter {
    /// Deletes a record; contacts and opportunities of an account go with it, links and roles with their ends
    /// (crm-apis: Salesforce, section 9).
    func delete(_ text: String, of object: ObjectDefinition) throws {
        guard object.isDeletable else { throw RowWriter.notAllowed("delet", object) }
        let ordinal = try existing(text, of: object)
        try refuseDeletion(of: ordinal, object)
        let deal =
            object.name == "OpportunityLineItem"
            ? try String.fetchOne(
                db, sql: "SELECT OpportunityId FROM OpportunityLineItem WHERE n = ?", arguments: [ordinal])
            : nil
        try markDeleted([ordinal], of: object.name == "ContentNote" ? schema["ContentDocument"] ?? object : object)
        if let deal { try sumUp(deal) }
        if object.name == "EmailMessage" { try deleteTask(ofEmail: ordinal) }
    }

    /// A product that is part of an opportunity stays, and a person's contact goes with the account only.
    private func refuseDeletion(of ordinal: Int64, _ object: ObjectDefinition) throws {
        switch object.name {
        case "Product2":
            let uses = try Int.fetchOne(
                db, sql: "SELECT n FROM OpportunityLineItem WHERE Product2Id = ? AND IsDeleted = 0",
                arguments: [object.id(ordinal).text])
            guard uses == nil else {
                throw RowFailure("DELETE_FAILED", "the product is part of opportunities, and cannot be deleted")
            }
        case "Contact" where object.field("IsPersonAccount") != nil:
            let isPerson = try Bool.fetchOne(
                db, sql: "SELECT IsPersonAccount FROM Contact WHERE n = ?", arguments: [ordinal])
            guard isPerson != true else {
                throw RowFailure("DELETE_FAILED", "the contact of a person account is deleted with the account")
            }
        default: break
        }
    }

    /// Finds the object by the id's first three characters.
    func object(of text: String) throws -> ObjectDefinition {
        guard let id = RecordID(text), let object = schema.objects.first(where: { $0.prefix == id.prefix }) else {
            throw RowFailure("MALFORMED_ID", "malformed id \(text)", fields: ["Id"])
        }
        return object
    }

    private func markDeleted(_ ordinals: [Int64], of object: ObjectDefinition) throws {
        let mark = try db.cachedStatement(
            sql: "UPDATE \(RecordStore.quoted(object.name)) SET IsDeleted = 1, SystemModstamp = ? WHERE n = ?")
        for ordinal in ordinals {
            try mark.execute(arguments: [context.now, ordinal])
            for (child, field) in schema.cascades(from: object.name) {
                let below = try db.cachedStatement(
                    sql: """
                        SELECT n FROM \(RecordStore.quoted(child.name))
                        WHERE \(RecordStore.quoted(field.name)) = ? AND IsDeleted = 0
                        """)
                let children = try Int64.fetchAll(below, arguments: [object.id(ordinal).text])
                if !children.isEmpty { try markDeleted(children, of: child) }
            }
        }
    }

    /// Removes a record for good, if it is in the recycle bin or not.
    func deleteForGood(_ text: String, of object: ObjectDefinition) throws {
        try delete(text, of: object)
        if let id = RecordID(text), object.name != "ContentNote" {
            try db.execute(sql: "DELETE FROM \(RecordStore.quoted(object.name)) WHERE n = ?", arguments: [id.ordinal])
        }
    }
}
