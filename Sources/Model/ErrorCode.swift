// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A stable, documented error code such as `MZ-PICK-01`; scripts and reports may rely on its text.
///
/// The class says who can mend it and whether a retry may help; the table of all codes is `ErrorCode+Table.swift`.
package struct ErrorCode: Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure a code belongs to (`examples` of each in `ErrorCode+Table.swift`).
    package enum Class: String, Sendable, CaseIterable {
        /// Configuration: the pipeline file, a flag or an environment variable is wrong.
        case cfg = "CFG"
        /// Credentials were refused.
        case auth = "AUTH"
        /// Credentials are fine, a right or scope is missing.
        case perm = "PERM"
        /// Throttled for a moment.
        case rate = "RATE"
        /// The day's (or the window's) allowance is used up.
        case quota = "QUOTA"
        /// The network or the other side failed.
        case net = "NET"
        /// The row was locked by somebody else.
        case lock = "LOCK"
        /// A required field is missing.
        case req = "REQ"
        /// A value has the wrong type.
        case type = "TYPE"
        /// A value is too long.
        case len = "LEN"
        /// A value is not one of a fixed list.
        case pick = "PICK"
        /// The destination holds such a record already.
        case dup = "DUP"
        /// A referenced record does not exist.
        case ref = "REF"
        /// A rule of the destination (validation, trigger) refused the row.
        case rule = "RULE"
        /// The mapping could not be applied to this record.
        case map = "MAP"
        /// Both sides went on living since the last run.
        case delta = "DELTA"
        /// The person whom a record is about asked for it to be left out.
        case subject = "SUBJ"
        /// The source sent something malformed.
        case src = "SRC"
        /// A staged chunk, the manifest or a key is damaged, missing or in the wrong state.
        case stage = "STAGE"
        /// The local disk failed or is full.
        case disk = "DISK"
        /// A defect in Migratez itself.
        case bug = "BUG"
    }

    /// The class, which decides the remedy when nothing more precise is known.
    package let `class`: Class
    /// Two digits, unique within the class; never reused.
    package let number: Int
    /// One sentence: what the code means, for people.
    package let meaning: String

    package init(_ class: Class, _ number: Int, _ meaning: String) {
        self.class = `class`
        self.number = number
        self.meaning = meaning
    }

    /// `MZ-PICK-01`
    package var description: String { "MZ-\(self.class.rawValue)-\(number < 10 ? "0" : "")\(number)" }

    package static func == (a: ErrorCode, b: ErrorCode) -> Bool { a.class == b.class && a.number == b.number }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.class)
        hasher.combine(number)
    }
}
