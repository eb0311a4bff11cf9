// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezModel

extension VendorErrorTable {
    /// What each of Salesforce's error codes means to us.
    ///
    /// Source: SOAP API Developer Guide, "Core Data Types Used in API Calls: StatusCode" and "ExceptionCode"; REST API
    /// Developer Guide, "Status Codes and Error Responses".
    package static let salesforce = VendorErrorTable([
        // Session and rights
        VendorErrorRule("INVALID_SESSION_ID", .credentialsRejected, .retry(after: nil)),
        VendorErrorRule("INVALID_AUTH_HEADER", .credentialsRejected, .retry(after: nil)),
        VendorErrorRule("INVALID_LOGIN", .credentialsRejected, .fixConfiguration),
        VendorErrorRule("API_DISABLED_FOR_ORG", .permissionMissing, .fixConfiguration),
        VendorErrorRule("API_CURRENTLY_DISABLED", .permissionMissing, .fixConfiguration),
        VendorErrorRule("FUNCTIONALITY_NOT_ENABLED", .permissionMissing, .fixConfiguration),
        VendorErrorRule("INSUFFICIENT_ACCESS", .permissionMissing, .fixConfiguration),
        VendorErrorRule("INSUFFICIENT_ACCESS_OR_READONLY", .permissionMissing),
        VendorErrorRule("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", .permissionMissing),
        VendorErrorRule("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", .ruleViolated),
        VendorErrorRule("INVALID_FIELD_FOR_INSERT_UPDATE", .permissionMissing),

        // Allowances
        VendorErrorRule("REQUEST_LIMIT_EXCEEDED", .quotaExhausted, .waitForQuota(until: nil)),
        VendorErrorRule("API_LIMIT_EXCEEDED", .quotaExhausted, .waitForQuota(until: nil)),
        VendorErrorRule("EXCEEDED_QUOTA", .quotaExhausted, .waitForQuota(until: nil)),
        VendorErrorRule("EXCEEDED_MAX_SIZE_REQUEST", .requestRefused),
        VendorErrorRule("REQUEST_ENTITY_TOO_LARGE", .requestRefused),
        VendorErrorRule("STORAGE_LIMIT_EXCEEDED", .storageFull, .fixConfiguration),
        VendorErrorRule("LIMIT_EXCEEDED", .ruleViolated),

        // The service itself
        VendorErrorRule("SERVER_UNAVAILABLE", .serverFailed, .retry(after: nil)),
        VendorErrorRule("UNKNOWN_EXCEPTION", .serverFailed, .retry(after: nil)),
        VendorErrorRule("QUERY_TIMEOUT", .timedOut, .retry(after: nil)),
        VendorErrorRule("REQUEST_RUNNING_TOO_LONG", .timedOut, .retry(after: nil)),
        VendorErrorRule("OPERATION_TOO_LARGE", .requestRefused, .fixConfiguration),

        // The request
        VendorErrorRule("INVALID_FIELD", .requestRefused),
        VendorErrorRule("INVALID_TYPE", .requestRefused, .fixConfiguration),
        VendorErrorRule("MALFORMED_QUERY", .requestRefused, .fixConfiguration),
        VendorErrorRule("JSON_PARSER_ERROR", .wrongType),
        VendorErrorRule("NOT_FOUND", .requestRefused, .fixConfiguration),
        VendorErrorRule("METHOD_NOT_ALLOWED", .requestRefused, .fixConfiguration),
        VendorErrorRule("UNSUPPORTED_API_VERSION", .requestRefused, .fixConfiguration),
        VendorErrorRule("API_ERROR", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_HTTP_METHOD", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_INPUT", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_MULTIPART_REQUEST", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_QUERY_FILTER_OPERATOR", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_QUERY_LOCATOR", .requestRefused, .fixConfiguration),
        VendorErrorRule("EXCEEDED_ID_LIMIT", .requestRefused, .fixConfiguration),
        VendorErrorRule("DUPLICATE_DEVELOPER_NAME", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_FIELD_NAME", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALID_CSV", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALIDJOB", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALIDJOBSTATE", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALIDENTITY", .requestRefused, .fixConfiguration),
        VendorErrorRule("INVALIDBATCH", .requestRefused, .fixConfiguration),

        // Locks
        VendorErrorRule("UNABLE_TO_LOCK_ROW", .rowLocked, .retry(after: nil)),
        VendorErrorRule("TXN_SECURITY_METERING_ERROR", .rowLocked, .retry(after: nil)),

        // Rows: values
        VendorErrorRule("REQUIRED_FIELD_MISSING", .requiredFieldMissing),
        VendorErrorRule("MISSING_ARGUMENT", .requiredFieldMissing),
        VendorErrorRule("STRING_TOO_LONG", .tooLong),
        VendorErrorRule("NUMBER_OUTSIDE_VALID_RANGE", .wrongType),
        VendorErrorRule("NUM_OUTSIDE_VALID_RANGE", .wrongType),
        VendorErrorRule("INVALID_EMAIL_ADDRESS", .wrongType),
        VendorErrorRule("INVALID_TYPE_ON_FIELD_IN_RECORD", .wrongType),
        VendorErrorRule("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", .notInPicklist),
        VendorErrorRule("FIELD_INTEGRITY_EXCEPTION", .ruleViolated),

        // Rows: other records
        VendorErrorRule("DUPLICATE_VALUE", .duplicate),
        VendorErrorRule("DUPLICATE_EXTERNAL_ID", .duplicate),
        VendorErrorRule("DUPLICATES_DETECTED", .duplicate),
        VendorErrorRule("INVALID_CROSS_REFERENCE_KEY", .parentNotLoaded),
        VendorErrorRule("MALFORMED_ID", .parentNotLoaded),
        VendorErrorRule("INVALID_ID_FIELD", .parentNotLoaded),
        VendorErrorRule("ENTITY_IS_DELETED", .recordDeleted),
        VendorErrorRule("DELETE_FAILED", .ruleViolated),
        VendorErrorRule("INACTIVE_OWNER_OR_USER", .ownerInactive),

        // Rows: prices
        VendorErrorRule("STANDARD_PRICE_NOT_DEFINED", .ruleViolated),

        // Rows: rules of the org
        VendorErrorRule("FIELD_CUSTOM_VALIDATION_EXCEPTION", .ruleViolated),
        VendorErrorRule("CANNOT_EXECUTE_FLOW_TRIGGER", .ruleViolated),
        VendorErrorRule("ENTITY_IS_LOCKED", .ruleViolated),
        VendorErrorRule("ALL_OR_NONE_OPERATION_ROLLED_BACK", .ruleViolated, .retry(after: nil)),
    ])
}

extension VendorErrorRule {
    /// The session has ended; log in again.
    var isOfSession: Bool { code == .credentialsRejected && isPassing }

    /// The row was in somebody's way: it was not written, and may pass later.
    var isOfLock: Bool { isPassing && (code == .rowLocked || code == .ruleViolated) }
}
