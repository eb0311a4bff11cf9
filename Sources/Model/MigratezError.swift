// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// An operational failure: what failed, where, and the way out.
///
/// Messages carry names, ids and positions, never values of records, secrets or query strings.
package struct MigratezError: Error, Sendable, CustomStringConvertible {
    /// What may be done about it; decided where the cause is known, obeyed by every caller.
    package enum Remedy: Hashable, Sendable {
        /// Try again, not before `after` has passed if it is given.
        case retry(after: Duration?)
        /// Only this record is concerned: reject it and go on.
        case rejectRecord
        /// A person must change a setting, a right or a file; then resume.
        case fixConfiguration
        /// The allowance is used up: pause, resume at the given time if it is known.
        case waitForQuota(until: Timestamp?)
        /// Nothing here helps; the run stops with its state saved.
        case stop
    }

    /// The stable code.
    package var code: ErrorCode
    /// What failed, lower case, no full stop.
    package var message: String
    /// What to do about it.
    package var remedy: Remedy
    /// The next command or step for a person, if there is one.
    package var hint: String?
    /// What led to it.
    package var cause: (any Error)?

    package init(
        _ code: ErrorCode, _ message: String, remedy: Remedy = .stop, hint: String? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.hint = hint
        self.cause = cause
    }

    /// `MZ-STAGE-02: message`, followed by the causes.
    package var description: String {
        var text = "\(code): \(message)"
        var next = cause
        while let error = next {
            if let ours = error as? MigratezError {
                text += " (\(ours.code): \(ours.message))"
                next = ours.cause
            } else {
                text += " (\(error))"
                next = nil
            }
        }
        return text
    }
}
