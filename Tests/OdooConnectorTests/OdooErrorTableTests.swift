// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezOdooConnector
import Testing

@Suite struct OdooErrorTableTests {
    /// The classes of the server's own exceptions that reach a client (odoo/odoo, `odoo/exceptions.py`).
    static let documented = [
        "odoo.exceptions.UserError", "odoo.exceptions.RedirectWarning", "odoo.exceptions.AccessDenied",
        "odoo.exceptions.AccessError", "odoo.exceptions.MissingError", "odoo.exceptions.LockError",
        "odoo.exceptions.ValidationError", "odoo.exceptions.ConcurrencyError",
    ]

    @Test(arguments: documented)
    func `each documented exception is in the table`(_ exception: String) {
        #expect(VendorErrorTable.odoo.known(exception) != nil)
    }

    @Test func `no exception and no message is in the table twice`() {
        let exceptions = VendorErrorTable.odoo.rules.map(\.vendorCode)
        #expect(Set(exceptions).count == exceptions.count)
        let words = OdooMessageRule.all.map(\.words)
        #expect(Set(words).count == words.count)
    }

    @Test func `exceptions get the class that says who can mend it`() {
        #expect(VendorErrorTable.odoo.known("odoo.exceptions.AccessError")?.code == .permissionMissing)
        #expect(VendorErrorTable.odoo.known("psycopg2.errors.SerializationFailure")?.remedy == .retry(after: nil))
        #expect(VendorErrorTable.odoo.known("odoo.exceptions.ValidationError")?.remedy == .rejectRecord)
        #expect(VendorErrorTable.odoo.known("builtins.ValueError")?.remedy == .fixConfiguration)
    }

    /// As the server words them in English.
    @Test(arguments: [
        ("'abc' does not seem to be an integer for field 'Color'", ErrorCode.wrongType),
        ("'1O' does not seem to be a number for field 'Expected Revenue'", .wrongType),
        ("'2026-13-01' does not seem to be a valid date for field 'Expected Closing'", .wrongType),
        ("'soon' does not seem to be a valid datetime for field 'Start'", .wrongType),
        ("Unknown value 'maybe' for boolean field 'Active'", .wrongType),
        ("Value 'odd' not found in selection field 'Address Type'", .notInPicklist),
        ("Missing required value for the field 'Opportunity' (name)", .requiredFieldMissing),
        ("Contacts require a name", .requiredFieldMissing),
        ("No matching record found for database id '77' in field 'Stage'", .parentNotLoaded),
        ("The value for the field 'login' already exists (this is probably 'Login' in the current model).", .duplicate),
        (
            "Unknown error during import: <class 'ValueError'>: A string literal cannot contain NUL (0x00) characters.",
            .wrongType
        ),
        ("The total of the parts must be 100 %.", .ruleViolated),
    ])
    func `messages about rows get the code of what they say`(message: String, code: ErrorCode) {
        let rejection = OdooMessageRule.rejection(message, field: "x")
        #expect(rejection.code == code)
        #expect(rejection.fields == ["x"])
        // What may quote a value is the vendor's text, and nothing else.
        #expect(rejection.vendorText == message)
        #expect(rejection.reason == nil)
    }

    @Test func `a row in the way of another may pass later`() {
        let rejection = OdooMessageRule.rejection("could not serialize access due to concurrent update", field: nil)
        #expect(rejection.code == .rowLocked && rejection.remedy == .retry(after: nil))
    }
}
