// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What one of Salesforce's error codes means to us.
///
/// Source: SOAP API Developer Guide, "Core Data Types Used in API Calls: StatusCode" and "ExceptionCode"; REST API
/// Developer Guide, "Status Codes and Error Responses".
package struct SalesforceErrorRule: Sendable {
    /// What is to be done when the code stands for one row, or for a whole call.
    package enum Triage: Sendable {
        /// The row itself is refused; the same row passes only after a fix.
        case rejectRow
        /// The row was in somebody's way; the same row may pass later.
        case retryRow
        /// The call may pass later.
        case retryCall
        /// The session has ended; log in again.
        case logIn
        /// An allowance is used up.
        case waitForQuota
        /// A person must change a right, a setting or the pipeline.
        case fixConfiguration

        /// The call itself was in order.
        package var isAboutRows: Bool {
            switch self {
            case .rejectRow, .retryRow: true
            case .retryCall, .logIn, .waitForQuota, .fixConfiguration: false
            }
        }
    }

    package var vendorCode: String
    package var code: ErrorCode
    package var triage: Triage

    fileprivate init(_ vendorCode: String, _ code: ErrorCode, _ triage: Triage) {
        self.vendorCode = vendorCode
        self.code = code
        self.triage = triage
    }

    /// The remedy that a rejection or a thrown error carries.
    package var remedy: MigratezError.Remedy {
        switch triage {
        case .rejectRow: .rejectRecord
        case .retryRow, .retryCall, .logIn: .retry(after: nil)
        case .waitForQuota: .waitForQuota(until: nil)
        case .fixConfiguration: .fixConfiguration
        }
    }

    /// The rule of a vendor code; a code that is not in the table refuses the row.
    package static func rule(for vendorCode: String) -> SalesforceErrorRule {
        byVendorCode[vendorCode] ?? SalesforceErrorRule(vendorCode, .ruleViolated, .rejectRow)
    }

    private static let byVendorCode = Dictionary(
        all.map { ($0.vendorCode, $0) }, uniquingKeysWith: { first, _ in first })

    /// Every code that the connector knows, in groups.
    package static let all: [SalesforceErrorRule] = [
        // Session and rights
        SalesforceErrorRule("INVALID_SESSION_ID", .credentialsRejected, .logIn),
        SalesforceErrorRule("INVALID_AUTH_HEADER", .credentialsRejected, .logIn),
        SalesforceErrorRule("INVALID_LOGIN", .credentialsRejected, .fixConfiguration),
        SalesforceErrorRule("API_DISABLED_FOR_ORG", .permissionMissing, .fixConfiguration),
        SalesforceErrorRule("API_CURRENTLY_DISABLED", .permissionMissing, .fixConfiguration),
        SalesforceErrorRule("FUNCTIONALITY_NOT_ENABLED", .permissionMissing, .fixConfiguration),
        SalesforceErrorRule("INSUFFICIENT_ACCESS", .permissionMissing, .fixConfiguration),
        SalesforceErrorRule("INSUFFICIENT_ACCESS_OR_READONLY", .permissionMissing, .rejectRow),
        SalesforceErrorRule("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", .permissionMissing, .rejectRow),
        SalesforceErrorRule("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", .ruleViolated, .rejectRow),
        SalesforceErrorRule("INVALID_FIELD_FOR_INSERT_UPDATE", .permissionMissing, .rejectRow),

        // Allowances
        SalesforceErrorRule("REQUEST_LIMIT_EXCEEDED", .quotaExhausted, .waitForQuota),
        SalesforceErrorRule("API_LIMIT_EXCEEDED", .quotaExhausted, .waitForQuota),
        SalesforceErrorRule("EXCEEDED_QUOTA", .quotaExhausted, .waitForQuota),
        SalesforceErrorRule("EXCEEDED_MAX_SIZE_REQUEST", .requestRefused, .rejectRow),
        SalesforceErrorRule("STORAGE_LIMIT_EXCEEDED", .storageFull, .fixConfiguration),
        SalesforceErrorRule("LIMIT_EXCEEDED", .ruleViolated, .rejectRow),

        // The service itself
        SalesforceErrorRule("SERVER_UNAVAILABLE", .serverFailed, .retryCall),
        SalesforceErrorRule("UNKNOWN_EXCEPTION", .serverFailed, .retryCall),
        SalesforceErrorRule("QUERY_TIMEOUT", .timedOut, .retryCall),
        SalesforceErrorRule("REQUEST_RUNNING_TOO_LONG", .timedOut, .retryCall),
        SalesforceErrorRule("OPERATION_TOO_LARGE", .requestRefused, .fixConfiguration),

        // The request
        SalesforceErrorRule("INVALID_FIELD", .requestRefused, .rejectRow),
        SalesforceErrorRule("INVALID_TYPE", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("MALFORMED_QUERY", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("JSON_PARSER_ERROR", .wrongType, .rejectRow),
        SalesforceErrorRule("NOT_FOUND", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("METHOD_NOT_ALLOWED", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("UNSUPPORTED_API_VERSION", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("API_ERROR", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("INVALID_HTTP_METHOD", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("INVALID_INPUT", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("INVALID_QUERY_FILTER_OPERATOR", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("INVALID_QUERY_LOCATOR", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("EXCEEDED_ID_LIMIT", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("DUPLICATE_DEVELOPER_NAME", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("INVALID_FIELD_NAME", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("INVALID_CSV", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("INVALIDJOB", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("INVALIDJOBSTATE", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("INVALIDENTITY", .requestRefused, .fixConfiguration),
        SalesforceErrorRule("INVALIDBATCH", .requestRefused, .fixConfiguration),

        // Locks
        SalesforceErrorRule("UNABLE_TO_LOCK_ROW", .rowLocked, .retryRow),
        SalesforceErrorRule("TXN_SECURITY_METERING_ERROR", .rowLocked, .retryRow),

        // Rows: values
        SalesforceErrorRule("REQUIRED_FIELD_MISSING", .requiredFieldMissing, .rejectRow),
        SalesforceErrorRule("MISSING_ARGUMENT", .requiredFieldMissing, .rejectRow),
        SalesforceErrorRule("STRING_TOO_LONG", .tooLong, .rejectRow),
        SalesforceErrorRule("NUMBER_OUTSIDE_VALID_RANGE", .wrongType, .rejectRow),
        SalesforceErrorRule("NUM_OUTSIDE_VALID_RANGE", .wrongType, .rejectRow),
        SalesforceErrorRule("INVALID_EMAIL_ADDRESS", .wrongType, .rejectRow),
        SalesforceErrorRule("INVALID_TYPE_ON_FIELD_IN_RECORD", .wrongType, .rejectRow),
        SalesforceErrorRule("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", .notInPicklist, .rejectRow),
        SalesforceErrorRule("FIELD_INTEGRITY_EXCEPTION", .ruleViolated, .rejectRow),

        // Rows: other records
        SalesforceErrorRule("DUPLICATE_VALUE", .duplicate, .rejectRow),
        SalesforceErrorRule("DUPLICATE_EXTERNAL_ID", .duplicate, .rejectRow),
        SalesforceErrorRule("DUPLICATES_DETECTED", .duplicate, .rejectRow),
        SalesforceErrorRule("INVALID_CROSS_REFERENCE_KEY", .parentNotLoaded, .rejectRow),
        SalesforceErrorRule("MALFORMED_ID", .parentNotLoaded, .rejectRow),
        SalesforceErrorRule("INVALID_ID_FIELD", .parentNotLoaded, .rejectRow),
        SalesforceErrorRule("ENTITY_IS_DELETED", .recordDeleted, .rejectRow),
        SalesforceErrorRule("DELETE_FAILED", .ruleViolated, .rejectRow),
        SalesforceErrorRule("INACTIVE_OWNER_OR_USER", .ownerInactive, .rejectRow),

        // Rows: rules of the org
        SalesforceErrorRule("FIELD_CUSTOM_VALIDATION_EXCEPTION", .ruleViolated, .rejectRow),
        SalesforceErrorRule("CANNOT_EXECUTE_FLOW_TRIGGER", .ruleViolated, .rejectRow),
        SalesforceErrorRule("ENTITY_IS_LOCKED", .ruleViolated, .rejectRow),
        SalesforceErrorRule("ALL_OR_NONE_OPERATION_ROLLED_BACK", .ruleViolated, .retryRow),
    ]
}
