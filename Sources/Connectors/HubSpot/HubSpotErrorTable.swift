// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What one of HubSpot's codes means to us: the category of a refusal, or what is wrong with one property.
///
/// Source: developers.hubspot.com, "Error handling" and "Properties"; codes of property values as the CRM's own answers
/// list them in `Property values were not valid: […]`.
package struct HubSpotErrorRule: Sendable {
    package var vendorCode: String
    package var code: ErrorCode
    /// `.rejectRecord` = the same row passes only after a fix.
    package var remedy: MigratezError.Remedy

    fileprivate init(_ vendorCode: String, _ code: ErrorCode, _ remedy: MigratezError.Remedy = .rejectRecord) {
        self.vendorCode = vendorCode
        self.code = code
        self.remedy = remedy
    }

    /// The rule of a code; one that is not in the table refuses the row.
    package static func rule(for vendorCode: String) -> HubSpotErrorRule {
        byVendorCode[vendorCode] ?? HubSpotErrorRule(vendorCode, .ruleViolated)
    }

    private static let byVendorCode = Dictionary(
        all.map { ($0.vendorCode, $0) }, uniquingKeysWith: { first, _ in first })

    /// Every code that the connector knows, in groups.
    package static let all: [HubSpotErrorRule] = [
        // Categories: the session, rights and allowances
        HubSpotErrorRule("INVALID_AUTHENTICATION", .credentialsRejected, .fixConfiguration),
        HubSpotErrorRule("EXPIRED_AUTHENTICATION", .credentialsRejected, .fixConfiguration),
        HubSpotErrorRule("BANNED", .permissionMissing, .fixConfiguration),
        HubSpotErrorRule("MISSING_SCOPES", .permissionMissing, .fixConfiguration),
        HubSpotErrorRule("RATE_LIMITS", .throttled, .retry(after: nil)),

        // Categories: the service itself
        HubSpotErrorRule("INTERNAL_ERROR", .serverFailed, .retry(after: nil)),
        HubSpotErrorRule("LOCKED", .rowLocked, .retry(after: nil)),

        // Categories: the request and its rows
        HubSpotErrorRule("OBJECT_NOT_FOUND", .recordDeleted),
        HubSpotErrorRule("OBJECT_ALREADY_EXISTS", .duplicate),
        HubSpotErrorRule("CONFLICT", .duplicate),
        HubSpotErrorRule("URI_TOO_LONG", .requestRefused, .fixConfiguration),
        HubSpotErrorRule("VALIDATION_ERROR", .ruleViolated),

        // Values of properties
        HubSpotErrorRule("PROPERTY_DOESNT_EXIST", .requestRefused),
        HubSpotErrorRule("READ_ONLY_VALUE", .permissionMissing),
        HubSpotErrorRule("REQUIRED_FIELD", .requiredFieldMissing),
        HubSpotErrorRule("INVALID_OPTION", .notInPicklist),
        HubSpotErrorRule("INVALID_OWNER_ID", .ownerUnmatched),
        HubSpotErrorRule("INVALID_LONG", .wrongType),
        HubSpotErrorRule("INVALID_INTEGER", .wrongType),
        HubSpotErrorRule("INVALID_NUMERIC", .wrongType),
        HubSpotErrorRule("INVALID_BOOLEAN", .wrongType),
        HubSpotErrorRule("INVALID_DATE", .wrongType),
        HubSpotErrorRule("INVALID_EMAIL", .wrongType),
        HubSpotErrorRule("PROPERTY_VALUE_TOO_LONG", .tooLong),
        HubSpotErrorRule("CONFLICTING_UNIQUE_VALUE", .duplicate),
    ]
}
