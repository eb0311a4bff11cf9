// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezModel

extension VendorErrorTable {
    /// What each of HubSpot's codes means to us: the category of a refusal, or what is wrong with one property.
    ///
    /// Source: developers.hubspot.com, "Error handling" and "Properties"; codes of property values as the CRM's own answers
    /// list them in `Property values were not valid: […]`.
    package static let hubSpot = VendorErrorTable([
        // Categories: the session, rights and allowances
        VendorErrorRule("INVALID_AUTHENTICATION", .credentialsRejected, .fixConfiguration),
        VendorErrorRule("EXPIRED_AUTHENTICATION", .credentialsRejected, .fixConfiguration),
        VendorErrorRule("BANNED", .permissionMissing, .fixConfiguration),
        VendorErrorRule("MISSING_SCOPES", .permissionMissing, .fixConfiguration),
        VendorErrorRule("RATE_LIMITS", .throttled, .retry(after: nil)),

        // Categories: the service itself
        VendorErrorRule("INTERNAL_ERROR", .serverFailed, .retry(after: nil)),
        VendorErrorRule("LOCKED", .rowLocked, .retry(after: nil)),

        // Categories: the request and its rows
        VendorErrorRule("OBJECT_NOT_FOUND", .recordDeleted),
        VendorErrorRule("FILE_TOO_LARGE", .contentTooLarge),
        VendorErrorRule("OBJECT_ALREADY_EXISTS", .duplicate),
        VendorErrorRule("CONFLICT", .duplicate),
        VendorErrorRule("URI_TOO_LONG", .requestRefused, .fixConfiguration),
        VendorErrorRule("VALIDATION_ERROR", .ruleViolated),

        // Values of properties
        VendorErrorRule("PROPERTY_DOESNT_EXIST", .requestRefused),
        VendorErrorRule("READ_ONLY_VALUE", .permissionMissing),
        VendorErrorRule("REQUIRED_FIELD", .requiredFieldMissing),
        VendorErrorRule("INVALID_OPTION", .notInPicklist),
        VendorErrorRule("INVALID_OWNER_ID", .ownerUnmatched),
        VendorErrorRule("INVALID_LONG", .wrongType),
        VendorErrorRule("INVALID_INTEGER", .wrongType),
        VendorErrorRule("INVALID_NUMERIC", .wrongType),
        VendorErrorRule("INVALID_BOOLEAN", .wrongType),
        VendorErrorRule("INVALID_DATE", .wrongType),
        VendorErrorRule("INVALID_EMAIL", .wrongType),
        VendorErrorRule("PROPERTY_VALUE_TOO_LONG", .tooLong),
        VendorErrorRule("CONFLICTING_UNIQUE_VALUE", .duplicate),
    ])
}
