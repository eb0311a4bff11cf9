// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel

extension VendorErrorTable {
    /// What each of Odoo's exceptions means to us when it is the answer to a call.
    ///
    /// Source: odoo/odoo, `odoo/exceptions.py`, `odoo/http.py` and `addons/rpc` for the server's own; PostgreSQL manual,
    /// appendix A, "Error Codes", for those of the database, by the names that psycopg2 gives them.
    package static let odoo = VendorErrorTable([
        // Who asks, and what they may do
        VendorErrorRule("odoo.exceptions.AccessDenied", .credentialsRejected, .fixConfiguration),
        VendorErrorRule("werkzeug.exceptions.Unauthorized", .credentialsRejected, .fixConfiguration),
        VendorErrorRule("odoo.http.SessionExpiredException", .credentialsRejected, .fixConfiguration),
        VendorErrorRule("odoo.exceptions.AccessError", .permissionMissing, .fixConfiguration),
        VendorErrorRule("werkzeug.exceptions.Forbidden", .permissionMissing, .fixConfiguration),

        // What is asked for
        VendorErrorRule("werkzeug.exceptions.NotFound", .requestRefused, .fixConfiguration),
        VendorErrorRule("werkzeug.exceptions.BadRequest", .requestRefused, .fixConfiguration),
        VendorErrorRule("werkzeug.exceptions.UnprocessableEntity", .requestRefused, .fixConfiguration),
        VendorErrorRule("werkzeug.exceptions.RequestEntityTooLarge", .requestRefused, .fixConfiguration),
        VendorErrorRule("builtins.ValueError", .requestRefused, .fixConfiguration),
        VendorErrorRule("builtins.KeyError", .requestRefused, .fixConfiguration),
        VendorErrorRule("builtins.TypeError", .requestRefused, .fixConfiguration),
        VendorErrorRule("builtins.AttributeError", .requestRefused, .fixConfiguration),
        VendorErrorRule("builtins.NotImplementedError", .requestRefused, .fixConfiguration),

        // The records of the call
        VendorErrorRule("odoo.exceptions.UserError", .ruleViolated),
        VendorErrorRule("odoo.exceptions.ValidationError", .ruleViolated),
        VendorErrorRule("odoo.exceptions.RedirectWarning", .ruleViolated),
        VendorErrorRule("odoo.exceptions.MissingError", .recordDeleted),
        VendorErrorRule("psycopg2.errors.UniqueViolation", .duplicate),
        VendorErrorRule("psycopg2.errors.NotNullViolation", .requiredFieldMissing),
        VendorErrorRule("psycopg2.errors.ForeignKeyViolation", .parentNotLoaded),
        VendorErrorRule("psycopg2.errors.CheckViolation", .ruleViolated),
        VendorErrorRule("psycopg2.errors.StringDataRightTruncation", .tooLong),
        VendorErrorRule("psycopg2.errors.NumericValueOutOfRange", .wrongType),

        // Somebody else's transaction was in the way; the server has tried five times itself
        VendorErrorRule("odoo.exceptions.LockError", .rowLocked, .retry(after: nil)),
        VendorErrorRule("odoo.exceptions.ConcurrencyError", .rowLocked, .retry(after: nil)),
        VendorErrorRule("psycopg2.errors.SerializationFailure", .rowLocked, .retry(after: nil)),
        VendorErrorRule("psycopg2.errors.DeadlockDetected", .rowLocked, .retry(after: nil)),
        VendorErrorRule("psycopg2.errors.LockNotAvailable", .rowLocked, .retry(after: nil)),

        // The server itself
        VendorErrorRule("psycopg2.errors.QueryCanceled", .timedOut, .retry(after: nil)),
        VendorErrorRule("psycopg2.errors.DiskFull", .storageFull, .fixConfiguration),
        VendorErrorRule("psycopg2.OperationalError", .serverFailed, .retry(after: nil)),
        VendorErrorRule("psycopg2.InterfaceError", .serverFailed, .retry(after: nil)),
        VendorErrorRule("builtins.MemoryError", .serverFailed, .retry(after: nil)),
        VendorErrorRule("builtins.RuntimeError", .serverFailed, .retry(after: nil)),
    ])
}

/// What a message about one row of `load` means to us: the server gives it no code, only words, which are English because
/// every call asks for that language.
///
/// Source: odoo/odoo, `odoo/addons/base/models/ir_fields.py` and `odoo/orm/models.py` (`load`, `PGERROR_TO_OE`).
package struct OdooMessageRule: Sendable {
    /// What the message holds, if it is this one; it stands for a code in reports, because it quotes no value.
    package var words: String
    package var code: ErrorCode
    package var remedy: MigratezError.Remedy

    fileprivate init(_ words: String, _ code: ErrorCode, _ remedy: MigratezError.Remedy = .rejectRecord) {
        self.words = words
        self.code = code
        self.remedy = remedy
    }

    /// The row's rejection. The message itself quotes values, so it goes with the vendor's text.
    package static func rejection(_ message: String, field: String?) -> Rejection {
        let rule = all.first { message.contains($0.words) }
        return Rejection(
            rule?.code ?? .ruleViolated, remedy: rule?.remedy ?? .rejectRecord, fields: field.map { [$0] } ?? [],
            vendorCode: rule?.words, vendorText: message)
    }

    /// The first that a message holds counts.
    package static let all: [OdooMessageRule] = [
        OdooMessageRule("could not serialize access", .rowLocked, .retry(after: nil)),
        OdooMessageRule("deadlock detected", .rowLocked, .retry(after: nil)),
        OdooMessageRule("could not obtain lock", .rowLocked, .retry(after: nil)),
        OdooMessageRule("does not seem to be an integer", .wrongType),
        OdooMessageRule("does not seem to be a number", .wrongType),
        OdooMessageRule("does not seem to be a valid date", .wrongType),
        OdooMessageRule("for boolean field", .wrongType),
        OdooMessageRule("cannot contain NUL", .wrongType),
        OdooMessageRule("out of range", .wrongType),
        OdooMessageRule("value too long for type", .tooLong),
        OdooMessageRule("not found in selection field", .notInPicklist),
        OdooMessageRule("Wrong value for", .notInPicklist),
        OdooMessageRule("Missing required value", .requiredFieldMissing),
        OdooMessageRule("mandatory field is not set", .requiredFieldMissing),
        OdooMessageRule("Contacts require a name", .requiredFieldMissing),
        OdooMessageRule("No matching record found", .parentNotLoaded),
        OdooMessageRule("Invalid database id", .parentNotLoaded),
        OdooMessageRule("found record of different model", .duplicate),
        OdooMessageRule("must be unique", .duplicate),
        OdooMessageRule("already exists", .duplicate),
        OdooMessageRule("Record does not exist or has been deleted", .recordDeleted),
        OdooMessageRule("You are not allowed to", .permissionMissing),
    ]
}
