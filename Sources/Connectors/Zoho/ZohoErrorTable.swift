// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezModel

extension VendorErrorTable {
    /// What each of Zoho's codes means to us, for a call or for a row.
    ///
    /// Source: zoho.com/crm/developer, "Status codes", and the possible errors of "Get Records", "Insert Records", "Update
    /// Records", "Insert or Update Records (Upsert)", "Delete Records", "Create Custom Fields" and "Query API"; of bulk jobs
    /// zoho/crm-oas, `v8.0/bulk_read.json` and `v8.0/bulk_write.json`, and "Download Bulk Write Result".
    package static let zoho = VendorErrorTable([
        // The session, rights and allowances
        VendorErrorRule("INVALID_TOKEN", .credentialsRejected, .fixConfiguration),
        VendorErrorRule("AUTHENTICATION_FAILURE", .credentialsRejected, .fixConfiguration),
        VendorErrorRule("OAUTH_SCOPE_MISMATCH", .permissionMissing, .fixConfiguration),
        VendorErrorRule("NO_PERMISSION", .permissionMissing, .fixConfiguration),
        VendorErrorRule("AUTHORIZATION_FAILED", .permissionMissing, .fixConfiguration),
        VendorErrorRule("FEATURE_NOT_SUPPORTED", .permissionMissing, .fixConfiguration),
        VendorErrorRule("FEATURE_NOT_ENABLED", .permissionMissing, .fixConfiguration),
        VendorErrorRule("TOO_MANY_REQUESTS", .throttled, .retry(after: nil)),
        // With status 429 it means credits, which the retry policy sees first.
        VendorErrorRule("LIMIT_EXCEEDED", .requestRefused, .fixConfiguration),

        // The service itself
        VendorErrorRule("INTERNAL_ERROR", .serverFailed, .retry(after: nil)),
        VendorErrorRule("INTERNAL_SERVER_ERROR", .serverFailed, .retry(after: nil)),

        // The request
        VendorErrorRule("INVALID_URL_PATTERN", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_REQUEST_METHOD", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_REQUEST", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_MODULE", .requestRefused, .fixConfiguration),
        VendorErrorRule("REQUIRED_PARAM_MISSING", .requestRefused, .fixConfiguration),
        VendorErrorRule("EXPECTED_PARAM_MISSING", .requestRefused, .fixConfiguration),
        VendorErrorRule("UNABLE_TO_PARSE_DATA_TYPE", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_QUERY", .requestRefused, .fixConfiguration),
        VendorErrorRule("SYNTAX_ERROR", .requestRefused, .fixConfiguration),
        VendorErrorRule("NOT_SUPPORTED", .notSupported, .fixConfiguration),
        VendorErrorRule("DISCRETE_PAGINATION_LIMIT_EXCEEDED", .requestRefused, .fixConfiguration),
        VendorErrorRule("EXPIRED_VALUE", .requestRefused, .retry(after: nil)),

        // Bulk jobs
        VendorErrorRule("MODULE_NOT_SUPPORTED", .notSupported, .fixConfiguration),
        VendorErrorRule("MODULE_NOT_AVAILABLE", .requestRefused, .fixConfiguration),
        VendorErrorRule("FIELD_NOT_AVAILABLE", .requestRefused, .fixConfiguration),
        VendorErrorRule("FIELD_NOT_SUPPORTED", .requestRefused, .fixConfiguration),
        VendorErrorRule("CRITERIA_NOT_SUPPORTED", .notSupported, .fixConfiguration),
        VendorErrorRule("REQUEST_BODY_NOT_READABLE", .requestRefused, .fixConfiguration),
        VendorErrorRule("PAGE_NOT_SUPPORTED", .requestRefused, .fixConfiguration),
        VendorErrorRule("PAGE_RANGE_EXCEEDED", .requestRefused, .fixConfiguration),
        VendorErrorRule("JOB_NOT_SUPPORTED", .requestRefused, .fixConfiguration),
        VendorErrorRule("RESOURCE_NOT_FOUND", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_FILE_FORMAT", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_FILE_ID", .requestRefused, .fixConfiguration),
        VendorErrorRule("FILE_TOO_LARGE", .requestRefused, .fixConfiguration),
        VendorErrorRule("FILE_NOT_SUPPORTED", .requestRefused, .fixConfiguration),
        VendorErrorRule("HEADER_LIMIT_EXCEEDED", .requestRefused, .fixConfiguration),
        VendorErrorRule("COLUMN_INDEX_NOT_FOUND", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_FIELD", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_FORMAT", .requestRefused, .fixConfiguration),
        VendorErrorRule("MANDATORY_FIELDS_NOT_MAPPED", .requestRefused, .fixConfiguration),
        VendorErrorRule("MISSING_REQUIRED_KEY", .requestRefused, .fixConfiguration),
        VendorErrorRule("BLOCKED_RECORD", .ruleViolated),
        VendorErrorRule("CANNOT_PROCESS", .serverFailed, .retry(after: nil)),

        // Rows: values
        VendorErrorRule("MANDATORY_NOT_FOUND", .requiredFieldMissing),
        VendorErrorRule("EXPECTED_FIELD_MISSING", .requiredFieldMissing),
        VendorErrorRule("DEPENDENT_FIELD_MISSING", .requiredFieldMissing),
        VendorErrorRule("DEPENDENT_MISMATCH", .ruleViolated),
        VendorErrorRule("MAPPING_MISMATCH", .notInPicklist),
        VendorErrorRule("INVALID_DATA", .wrongType),
        VendorErrorRule("AMBIGUITY_DURING_PROCESSING", .ruleViolated),

        // Rows: other records, and rules of the organisation
        VendorErrorRule("DUPLICATE_DATA", .duplicate),
        VendorErrorRule("DUPLICATE_LINKING_DATA", .duplicate),
        VendorErrorRule("RECORD_LOCKED", .rowLocked, .retry(after: nil)),
        VendorErrorRule("RECORD_IN_BLUEPRINT", .ruleViolated),
        VendorErrorRule("NOT_APPROVED", .ruleViolated),
        VendorErrorRule("CANNOT_BE_UPDATED", .ruleViolated),
        VendorErrorRule("DOWNLOAD_NOT_ALLOWED", .contentUnavailable),
        VendorErrorRule("CANNOT_PERFORM_ACTION", .ruleViolated),
        VendorErrorRule("NOT_ALLOWED", .ruleViolated),
    ])
}
