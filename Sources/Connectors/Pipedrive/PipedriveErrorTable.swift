// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What one of Pipedrive's codes means to us; where an answer has none, its status stands for it.
///
/// Source: pipedrive.readme.io, "Responses" and "HTTP status codes"; pipedrive/client-nodejs issue 651 for
/// `ERR_SCHEMA_VALIDATION_FAILED`; RFC 6749, section 5.2 for those of the token endpoint.
package struct PipedriveErrorRule: Sendable {
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
    package static func rule(for vendorCode: String) -> PipedriveErrorRule {
        byVendorCode[vendorCode] ?? PipedriveErrorRule(vendorCode, .ruleViolated)
    }

    private static let byVendorCode = Dictionary(
        all.map { ($0.vendorCode, $0) }, uniquingKeysWith: { first, _ in first })

    /// Every code that the connector knows, in groups.
    package static let all: [PipedriveErrorRule] = [
        // The session, rights and allowances
        PipedriveErrorRule("invalid_grant", .credentialsRejected, .fixConfiguration),
        PipedriveErrorRule("invalid_client", .credentialsRejected, .fixConfiguration),
        PipedriveErrorRule("401", .credentialsRejected, .fixConfiguration),
        PipedriveErrorRule("402", .permissionMissing, .fixConfiguration),
        PipedriveErrorRule("403", .permissionMissing),
        PipedriveErrorRule("429", .throttled, .retry(after: nil)),

        // Limits of the plan
        PipedriveErrorRule("feature_capping_deals_limit", .storageFull, .fixConfiguration),

        // The service itself
        PipedriveErrorRule("500", .serverFailed, .retry(after: nil)),
        PipedriveErrorRule("502", .serverFailed, .retry(after: nil)),
        PipedriveErrorRule("503", .serverFailed, .retry(after: nil)),
        PipedriveErrorRule("504", .serverFailed, .retry(after: nil)),
        PipedriveErrorRule("405", .requestRefused, .fixConfiguration),
        PipedriveErrorRule("415", .requestRefused, .fixConfiguration),
        PipedriveErrorRule("501", .requestRefused, .fixConfiguration),

        // Rows
        PipedriveErrorRule("ERR_SCHEMA_VALIDATION_FAILED", .wrongType),
        PipedriveErrorRule("400", .ruleViolated),
        PipedriveErrorRule("404", .recordDeleted),
        PipedriveErrorRule("409", .duplicate),
        PipedriveErrorRule("410", .recordDeleted),
        PipedriveErrorRule("413", .tooLong),
        PipedriveErrorRule("422", .ruleViolated),
    ]
}
