// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What one of Dataverse's error codes means to us.
///
/// Source: Microsoft Learn, "Web service error codes", "Web API client errors" and "Service protection API limits".
package struct DynamicsErrorRule: Sendable {
    /// What is to be done.
    package enum Triage: Sendable {
        /// The row itself is refused; the same row passes only after a fix.
        case rejectRow
        /// The row was in somebody's way; the same row may pass later.
        case retryRow
        /// The call may pass later.
        case retryCall
        /// A person must change a right, a setting or the pipeline.
        case fixConfiguration

        /// The call itself was in order.
        package var isAboutRows: Bool { self == .rejectRow || self == .retryRow }
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
        case .retryRow, .retryCall: .retry(after: nil)
        case .fixConfiguration: .fixConfiguration
        }
    }

    /// The rule of a code; one that is not in the table refuses the row, unless the status says more.
    package static func rule(for vendorCode: String, status: Int = 400) -> DynamicsErrorRule {
        if let rule = byVendorCode[vendorCode.lowercased()] { return rule }
        return switch status {
        case 403: DynamicsErrorRule(vendorCode, .permissionMissing, .rejectRow)
        case 413: DynamicsErrorRule(vendorCode, .requestRefused, .rejectRow)
        case 500...: DynamicsErrorRule(vendorCode, .serverFailed, .retryCall)
        default: DynamicsErrorRule(vendorCode, .ruleViolated, .rejectRow)
        }
    }

    private static let byVendorCode = Dictionary(
        all.map { ($0.vendorCode, $0) }, uniquingKeysWith: { first, _ in first })

    /// Every code that the connector knows, in groups.
    package static let all: [DynamicsErrorRule] = [
        // The token and rights
        DynamicsErrorRule("0x8005f101", .credentialsRejected, .fixConfiguration),
        DynamicsErrorRule("0x80072560", .permissionMissing, .fixConfiguration),
        DynamicsErrorRule("0x80040220", .permissionMissing, .rejectRow),
        DynamicsErrorRule("0x80048306", .permissionMissing, .rejectRow),
        DynamicsErrorRule("0x80048405", .permissionMissing, .rejectRow),

        // Service protection: requests, execution time, requests at once
        DynamicsErrorRule("0x80072322", .throttled, .retryCall),
        DynamicsErrorRule("0x80072321", .throttled, .retryCall),
        DynamicsErrorRule("0x80072326", .throttled, .retryCall),
        DynamicsErrorRule("0x80060308", .throttled, .retryCall),
        DynamicsErrorRule("0x8005f103", .throttled, .retryCall),

        // The service itself
        DynamicsErrorRule("0x80040216", .serverFailed, .retryCall),
        DynamicsErrorRule("0x80044150", .serverFailed, .retryCall),
        DynamicsErrorRule("0x80044151", .timedOut, .retryCall),

        // The request
        DynamicsErrorRule("0x0", .requestRefused, .fixConfiguration),
        DynamicsErrorRule("0x8006088a", .requestRefused, .fixConfiguration),
        DynamicsErrorRule("0x80060888", .requestRefused, .fixConfiguration),
        DynamicsErrorRule("0x80060880", .requestRefused, .fixConfiguration),
        DynamicsErrorRule("0x8004e023", .responseTooLarge, .fixConfiguration),
        DynamicsErrorRule("0x80047013", .duplicate, .fixConfiguration),

        // Rows: values
        DynamicsErrorRule("0x80048d19", .wrongType, .rejectRow),
        DynamicsErrorRule("0x80040203", .ruleViolated, .rejectRow),
        DynamicsErrorRule("0x80044331", .tooLong, .rejectRow),
        DynamicsErrorRule("0x8004431a", .notInPicklist, .rejectRow),
        DynamicsErrorRule("0x80048408", .notInPicklist, .rejectRow),
        DynamicsErrorRule("0x80040239", .wrongType, .rejectRow),
        DynamicsErrorRule("0x80043e09", .ruleViolated, .rejectRow),
        DynamicsErrorRule("0x80044a08", .ruleViolated, .rejectRow),

        // Rows: other records
        DynamicsErrorRule("0x80040237", .duplicate, .rejectRow),
        DynamicsErrorRule("0x80060892", .duplicate, .rejectRow),
        DynamicsErrorRule("0x80040333", .duplicate, .rejectRow),
        DynamicsErrorRule("0x80040217", .parentNotLoaded, .rejectRow),
        DynamicsErrorRule("0x80060891", .parentNotLoaded, .rejectRow),
        DynamicsErrorRule("0x80060882", .ruleViolated, .rejectRow),
        DynamicsErrorRule("0x80040225", .ownerInactive, .rejectRow),

        // Rows: products, price lists and lines
        DynamicsErrorRule("0x80043b05", .requiredFieldMissing, .rejectRow),
        DynamicsErrorRule("0x80043b06", .duplicate, .rejectRow),
        DynamicsErrorRule("0x80043b08", .duplicate, .rejectRow),
        DynamicsErrorRule("0x80043b09", .ruleViolated, .rejectRow),
        DynamicsErrorRule("0x80043b0a", .requiredFieldMissing, .rejectRow),
        DynamicsErrorRule("0x80043b0d", .requiredFieldMissing, .rejectRow),
        DynamicsErrorRule("0x80043b0e", .requiredFieldMissing, .rejectRow),
        DynamicsErrorRule("0x80043b10", .requiredFieldMissing, .rejectRow),
        DynamicsErrorRule("0x80043b11", .requiredFieldMissing, .rejectRow),
        DynamicsErrorRule("0x80043b12", .requiredFieldMissing, .rejectRow),
        DynamicsErrorRule("0x80043b13", .requiredFieldMissing, .rejectRow),
        DynamicsErrorRule("0x80043b14", .ruleViolated, .rejectRow),
        DynamicsErrorRule("0x80043b15", .requiredFieldMissing, .rejectRow),
        DynamicsErrorRule("0x80043b16", .ruleViolated, .rejectRow),
        DynamicsErrorRule("0x80043afb", .ruleViolated, .rejectRow),
        DynamicsErrorRule("0x80048cf6", .ruleViolated, .rejectRow),
        DynamicsErrorRule("0x80040227", .ruleViolated, .rejectRow),

        // Rows: plug-ins of the environment
        DynamicsErrorRule("0x80040265", .ruleViolated, .rejectRow),
        DynamicsErrorRule("0x80040224", .ruleViolated, .rejectRow),
    ]
}
