// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What one of Odoo's exceptions means to us when it is the answer to a call.
///
/// Source: odoo/odoo, `odoo/exceptions.py`, `odoo/http.py` and `addons/rpc` for the server's own; PostgreSQL manual,
/// appendix A, "Error Codes", for those of the database, by the names that psycopg2 gives them.
package struct OdooErrorRule: Sendable {
    /// The exception's full name: `odoo.exceptions.UserError`.
    package var exception: String
    package var code: ErrorCode
    /// `.rejectRecord` = the records of the call are at fault, one of them at least.
    package var remedy: MigratezError.Remedy

    fileprivate init(_ exception: String, _ code: ErrorCode, _ remedy: MigratezError.Remedy = .rejectRecord) {
        self.exception = exception
        self.code = code
        self.remedy = remedy
    }

    /// The rule of an exception; `nil` if it is not in the table.
    package static func rule(for exception: String) -> OdooErrorRule? { byException[exception] }

    /// Whether the same call may pass a moment later.
    var isPassing: Bool { if case .retry = remedy { true } else { false } }

    private static let byException = Dictionary(
        all.map { ($0.exception, $0) }, uniquingKeysWith: { first, _ in first })

    /// Every exception that the connector knows, in groups.
    package static let all: [OdooErrorRule] = [
        // Who asks, and what they may do
        OdooErrorRule("odoo.exceptions.AccessDenied", .credentialsRejected, .fixConfiguration),
        OdooErrorRule("werkzeug.exceptions.Unauthorized", .credentialsRejected, .fixConfiguration),
        OdooErrorRule("odoo.http.SessionExpiredException", .credentialsRejected, .fixConfiguration),
        OdooErrorRule("odoo.exceptions.AccessError", .permissionMissing, .fixConfiguration),
        OdooErrorRule("werkzeug.exceptions.Forbidden", .permissionMissing, .fixConfiguration),

        // What is asked for
        OdooErrorRule("werkzeug.exceptions.NotFound", .requestRefused, .fixConfiguration),
        OdooErrorRule("werkzeug.exceptions.BadRequest", .requestRefused, .fixConfiguration),
        OdooErrorRule("werkzeug.exceptions.UnprocessableEntity", .requestRefused, .fixConfiguration),
        OdooErrorRule("werkzeug.exceptions.RequestEntityTooLarge", .requestRefused, .fixConfiguration),
        OdooErrorRule("builtins.ValueError", .requestRefused, .fixConfiguration),
        OdooErrorRule("builtins.KeyError", .requestRefused, .fixConfiguration),
        OdooErrorRule("builtins.TypeError", .requestRefused, .fixConfiguration),
        OdooErrorRule("builtins.AttributeError", .requestRefused, .fixConfiguration),
        OdooErrorRule("builtins.NotImplementedError", .requestRefused, .fixConfiguration),

        // The records of the call
        OdooErrorRule("odoo.exceptions.UserError", .ruleViolated),
        OdooErrorRule("odoo.exceptions.ValidationError", .ruleViolated),
        OdooErrorRule("odoo.exceptions.RedirectWarning", .ruleViolated),
        OdooErrorRule("odoo.exceptions.MissingError", .recordDeleted),
        OdooErrorRule("psycopg2.errors.UniqueViolation", .duplicate),
        OdooErrorRule("psycopg2.errors.NotNullViolation", .requiredFieldMissing),
        OdooErrorRule("psycopg2.errors.ForeignKeyViolation", .parentNotLoaded),
        OdooErrorRule("psycopg2.errors.CheckViolation", .ruleViolated),
        OdooErrorRule("psycopg2.errors.StringDataRightTruncation", .tooLong),
        OdooErrorRule("psycopg2.errors.NumericValueOutOfRange", .wrongType),

        // Somebody else's transaction was in the way; the server has tried five times itself
        OdooErrorRule("odoo.exceptions.LockError", .rowLocked, .retry(after: nil)),
        OdooErrorRule("odoo.exceptions.ConcurrencyError", .rowLocked, .retry(after: nil)),
        OdooErrorRule("psycopg2.errors.SerializationFailure", .rowLocked, .retry(after: nil)),
        OdooErrorRule("psycopg2.errors.DeadlockDetected", .rowLocked, .retry(after: nil)),
        OdooErrorRule("psycopg2.errors.LockNotAvailable", .rowLocked, .retry(after: nil)),

        // The server itself
        OdooErrorRule("psycopg2.errors.QueryCanceled", .timedOut, .retry(after: nil)),
        OdooErrorRule("psycopg2.errors.DiskFull", .storageFull, .fixConfiguration),
        OdooErrorRule("psycopg2.OperationalError", .serverFailed, .retry(after: nil)),
        OdooErrorRule("psycopg2.InterfaceError", .serverFailed, .retry(after: nil)),
        OdooErrorRule("builtins.MemoryError", .serverFailed, .retry(after: nil)),
        OdooErrorRule("builtins.RuntimeError", .serverFailed, .retry(after: nil)),
    ]
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
