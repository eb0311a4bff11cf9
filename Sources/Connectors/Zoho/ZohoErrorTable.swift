// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What one of Zoho's codes means to us, for a call or for a row.
///
/// Source: zoho.com/crm/developer, "Status codes", and the possible errors of "Get Records", "Insert Records", "Update
/// Records", "Insert or Update Records (Upsert)", "Delete Records", "Create Custom Fields" and "Query API".
package struct ZohoErrorRule: Sendable {
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
    package static func rule(for vendorCode: String) -> ZohoErrorRule {
        known(vendorCode) ?? ZohoErrorRule(vendorCode, .ruleViolated)
    }

    static func known(_ vendorCode: String) -> ZohoErrorRule? { byVendorCode[vendorCode] }

    private static let byVendorCode = Dictionary(
        all.map { ($0.vendorCode, $0) }, uniquingKeysWith: { first, _ in first })

    /// Every code that the connector knows, in groups.
    package static let all: [ZohoErrorRule] = [
        // The session, rights and allowances
        ZohoErrorRule("INVALID_TOKEN", .credentialsRejected, .fixConfiguration),
        ZohoErrorRule("AUTHENTICATION_FAILURE", .credentialsRejected, .fixConfiguration),
        ZohoErrorRule("OAUTH_SCOPE_MISMATCH", .permissionMissing, .fixConfiguration),
        ZohoErrorRule("NO_PERMISSION", .permissionMissing, .fixConfiguration),
        ZohoErrorRule("AUTHORIZATION_FAILED", .permissionMissing, .fixConfiguration),
        ZohoErrorRule("FEATURE_NOT_SUPPORTED", .permissionMissing, .fixConfiguration),
        ZohoErrorRule("FEATURE_NOT_ENABLED", .permissionMissing, .fixConfiguration),
        ZohoErrorRule("TOO_MANY_REQUESTS", .throttled, .retry(after: nil)),
        // With status 429 it means credits, which the retry policy sees first.
        ZohoErrorRule("LIMIT_EXCEEDED", .requestRefused, .fixConfiguration),

        // The service itself
        ZohoErrorRule("INTERNAL_ERROR", .serverFailed, .retry(after: nil)),
        ZohoErrorRule("INTERNAL_SERVER_ERROR", .serverFailed, .retry(after: nil)),

        // The request
        ZohoErrorRule("INVALID_URL_PATTERN", .requestRefused, .fixConfiguration),
        ZohoErrorRule("INVALID_REQUEST_METHOD", .requestRefused, .fixConfiguration),
        ZohoErrorRule("INVALID_REQUEST", .requestRefused, .fixConfiguration),
        ZohoErrorRule("INVALID_MODULE", .requestRefused, .fixConfiguration),
        ZohoErrorRule("REQUIRED_PARAM_MISSING", .requestRefused, .fixConfiguration),
        ZohoErrorRule("EXPECTED_PARAM_MISSING", .requestRefused, .fixConfiguration),
        ZohoErrorRule("UNABLE_TO_PARSE_DATA_TYPE", .requestRefused, .fixConfiguration),
        ZohoErrorRule("INVALID_QUERY", .requestRefused, .fixConfiguration),
        ZohoErrorRule("SYNTAX_ERROR", .requestRefused, .fixConfiguration),
        ZohoErrorRule("NOT_SUPPORTED", .notSupported, .fixConfiguration),
        ZohoErrorRule("DISCRETE_PAGINATION_LIMIT_EXCEEDED", .requestRefused, .fixConfiguration),
        ZohoErrorRule("EXPIRED_VALUE", .requestRefused, .retry(after: nil)),

        // Rows: values
        ZohoErrorRule("MANDATORY_NOT_FOUND", .requiredFieldMissing),
        ZohoErrorRule("EXPECTED_FIELD_MISSING", .requiredFieldMissing),
        ZohoErrorRule("DEPENDENT_FIELD_MISSING", .requiredFieldMissing),
        ZohoErrorRule("DEPENDENT_MISMATCH", .ruleViolated),
        ZohoErrorRule("MAPPING_MISMATCH", .notInPicklist),
        ZohoErrorRule("INVALID_DATA", .wrongType),
        ZohoErrorRule("AMBIGUITY_DURING_PROCESSING", .ruleViolated),

        // Rows: other records, and rules of the organisation
        ZohoErrorRule("DUPLICATE_DATA", .duplicate),
        ZohoErrorRule("DUPLICATE_LINKING_DATA", .duplicate),
        ZohoErrorRule("RECORD_LOCKED", .rowLocked, .retry(after: nil)),
        ZohoErrorRule("RECORD_IN_BLUEPRINT", .ruleViolated),
        ZohoErrorRule("NOT_APPROVED", .ruleViolated),
        ZohoErrorRule("CANNOT_BE_UPDATED", .ruleViolated),
        ZohoErrorRule("CANNOT_PERFORM_ACTION", .ruleViolated),
        ZohoErrorRule("NOT_ALLOWED", .ruleViolated),
    ]
}
