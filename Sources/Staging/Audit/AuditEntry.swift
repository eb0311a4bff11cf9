// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What the audit log keeps account of.
package enum AuditAction: String, Sendable, CaseIterable {
    /// A run was begun, or gone on with.
    case start, resume
    /// The root key was used to open a run.
    case keyUse = "key-use"
    /// Values were shown: a chunk, or what a service said of rejected records.
    case decrypt
    /// Values or ids were written to a file outside of the chunks.
    case export
    /// Somebody let go of the staged data, asked to keep it, or took that back.
    case confirm, retain
    case endRetention = "end-retention"
    /// The keys of a run were destroyed, and what was under them.
    case shred
    /// A service refused the credentials, or a key did not open a run.
    case failedAuthentication = "failed-authentication"
    /// A root key was made, replaced, destroyed.
    case keyMade = "key-made"
    case keyRotated = "key-rotated"
    case keyDestroyed = "key-destroyed"
    /// Somebody asked for the data of one person.
    case subjectFind = "subject-find"
    case subjectExport = "subject-export"
    case subjectErase = "subject-erase"
    case subjectCorrect = "subject-correct"
    case subjectRestrict = "subject-restrict"
}

/// Who does something: the user of the operating system.
package struct AuditUser: Sendable, Hashable {
    package var id: UInt32
    package var name: String

    package init(id: UInt32, name: String) {
        self.id = id
        self.name = name
    }
}

/// Who did what, when. Names and ids only: never a value of a record, a secret, or what somebody wrote as a reason.
package struct AuditEntry: Sendable, Hashable {
    /// From 1 upward, without gaps.
    package var number: Int
    package var time: Timestamp
    package var user: AuditUser
    package var action: AuditAction
    package var run: RunID?
    /// What of the run: a chunk, a stream, a key's id, the keyed pseudonym of a person.
    package var object: String?
    /// Of a failure: the text of an `ErrorCode`.
    package var code: String?

    package init(
        number: Int, time: Timestamp, user: AuditUser, action: AuditAction, run: RunID? = nil, object: String? = nil,
        code: String? = nil
    ) {
        self.number = number
        self.time = time
        self.user = user
        self.action = action
        self.run = run
        self.object = object
        self.code = code
    }
}
