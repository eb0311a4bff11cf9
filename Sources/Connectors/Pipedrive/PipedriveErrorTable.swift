// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezModel

extension VendorErrorTable {
    /// What each of Pipedrive's codes means to us; where an answer has none, its status stands for it.
    ///
    /// Source: pipedrive.readme.io, "Responses" and "HTTP status codes"; pipedrive/client-nodejs issue 651 for
    /// `ERR_SCHEMA_VALIDATION_FAILED`; RFC 6749, section 5.2 for those of the token endpoint.
    package static let pipedrive = VendorErrorTable([
        // The session, rights and allowances
        VendorErrorRule("invalid_grant", .credentialsRejected, .fixConfiguration),
        VendorErrorRule("invalid_client", .credentialsRejected, .fixConfiguration),
        VendorErrorRule("401", .credentialsRejected, .fixConfiguration),
        VendorErrorRule("402", .permissionMissing, .fixConfiguration),
        VendorErrorRule("403", .permissionMissing),
        VendorErrorRule("429", .throttled, .retry(after: nil)),

        // Limits of the plan
        VendorErrorRule("feature_capping_deals_limit", .storageFull, .fixConfiguration),

        // The service itself
        VendorErrorRule("500", .serverFailed, .retry(after: nil)),
        VendorErrorRule("502", .serverFailed, .retry(after: nil)),
        VendorErrorRule("503", .serverFailed, .retry(after: nil)),
        VendorErrorRule("504", .serverFailed, .retry(after: nil)),
        VendorErrorRule("405", .requestRefused, .fixConfiguration),
        VendorErrorRule("415", .requestRefused, .fixConfiguration),
        VendorErrorRule("501", .requestRefused, .fixConfiguration),

        // Rows
        VendorErrorRule("ERR_SCHEMA_VALIDATION_FAILED", .wrongType),
        VendorErrorRule("400", .ruleViolated),
        VendorErrorRule("404", .recordDeleted),
        VendorErrorRule("409", .duplicate),
        VendorErrorRule("410", .recordDeleted),
        VendorErrorRule("413", .tooLong),
        VendorErrorRule("422", .ruleViolated),
    ])
}
