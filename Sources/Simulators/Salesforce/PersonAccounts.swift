// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// Accounts that are persons: of each the platform keeps a contact, too, which is read like others and follows the account
/// (Object Reference, "Person Account"; Salesforce Help, "Person Accounts").
extension StandardObjects {
    static func personFields(of object: String) -> [FieldDefinition] {
        switch object {
        case "Account":
            [
                .bool("IsPersonAccount", .readOnly), .reference("PersonContactId", to: ["Contact"], .readOnly),
                .text("LastName", 80), .text("FirstName", 40), .email("PersonEmail"), .text("PersonTitle", 80),
                .phone("PersonMobilePhone"), .date("PersonBirthdate"),
            ]
        case "Contact": [.bool("IsPersonAccount", .readOnly)]
        default: []
        }
    }
}

extension RowWriter {
    /// The record type decides what an account is; a person has a last name, and a name that follows from the parts.
    func setAccountKind(in values: inout Values, _ object: ObjectDefinition, _ ordinal: Int64?) throws {
        guard object.field("IsPersonAccount") != nil else { return }
        var isPerson = false
        if let type = String.fromDatabaseValue(try value("RecordTypeId", in: values, object, ordinal)) {
            isPerson = try record("IsPersonType", of: "RecordType", type)?[0] ?? false
        }
        let names = ["FirstName", "LastName", "PersonEmail", "PersonTitle", "PersonMobilePhone", "PersonBirthdate"]
        guard isPerson else {
            guard let wrong = names.first(where: { text($0, values, object) != nil }) else { return }
            throw RowFailure(
                "INVALID_FIELD_FOR_INSERT_UPDATE", "Account: bad field names on insert/update call: \(wrong)",
                fields: [wrong])
        }
        guard !isGiven(["Name"], in: values, object) else {
            throw RowFailure(
                "INVALID_FIELD_FOR_INSERT_UPDATE", "Account: bad field names on insert/update call: Name",
                fields: ["Name"])
        }
        let parts = try ["FirstName", "LastName"].compactMap {
            String.fromDatabaseValue(try value($0, in: values, object, ordinal))
        }
        guard String.fromDatabaseValue(try value("LastName", in: values, object, ordinal)) != nil else {
            throw RowWriter.missing(["LastName"])
        }
        set("Name", parts.joined(separator: " ").databaseValue, in: &values, object)
        if ordinal == nil { set("IsPersonAccount", true.databaseValue, in: &values, object) }
    }

    func isPerson(_ values: Values, _ object: ObjectDefinition) -> Bool {
        object.index(of: "IsPersonAccount").flatMap { values[$0] }.flatMap { Bool.fromDatabaseValue($0) } ?? false
    }

    func insertPerson(_ values: Values, _ object: ObjectDefinition) throws -> RecordID {
        let id = try insertRow(values, object)
        guard let contact = schema["Contact"] else { return id }
        var fields = Values(repeating: nil, count: contact.fields.count)
        for (index, value) in contact.defaults { fields[index] = value }
        set("AccountId", id.text.databaseValue, in: &fields, contact)
        set("IsPersonAccount", true.databaseValue, in: &fields, contact)
        setSystemFields(of: &fields, contact)
        let person = try insertRow(fields, contact)
        try db.execute(
            sql: "UPDATE Account SET PersonContactId = ? WHERE n = ?", arguments: [person.text, id.ordinal])
        try updatePerson(id)
        return id
    }

    /// The contact of a person follows the account.
    func updatePerson(_ id: RecordID) throws {
        guard schema["Account"]?.field("IsPersonAccount") != nil else { return }
        try db.execute(
            sql: """
                UPDATE Contact SET (LastName, FirstName, Name, Email, Title, MobilePhone, Birthdate, OwnerId) =
                    (SELECT LastName, FirstName, Name, PersonEmail, PersonTitle, PersonMobilePhone, PersonBirthdate, OwnerId
                     FROM Account a WHERE a.n = ?)
                WHERE AccountId = ? AND IsPersonAccount = 1
                """, arguments: [id.ordinal, id.text])
    }
}
