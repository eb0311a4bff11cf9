// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Where and how the ready records of one stream are written.
package struct LoadTarget: Sendable {
    package var stream: StreamName
    /// The destination's object: `Contact`.
    package var object: String
    /// What the row keys begin with: `hubspot-contact-`.
    package var keyPrefix: String
    /// Whether the stream is one of links that are written by themselves.
    package var isLink: Bool
    /// For links that become a field of a record which was loaded before: the stream of these records. `nil` for links
    /// that become records of their own.
    package var fieldOf: StreamName?
    /// Whether such links are only those that came too late to be written together with their record.
    package var isLate: Bool
    /// Rules that find records which the destination holds already; the first that matches wins.
    package var matches: [MatchRule]
    /// The streams that references of this one point to.
    package var parents: [StreamName: Parent]
    /// Whose values stand where both sides changed a field since the run before.
    package var conflictRules = ConflictRules()
    /// Where the bytes of a record go, if the stream has content.
    package var content: Content?

    /// What becomes of the contents of a stream.
    package struct Content: Sendable {
        /// The destination's field that takes the bytes.
        package var field: String
        /// Whether content chunks are destroyed as soon as their rows have an outcome.
        package var shredsSpent: Bool

        package init(field: String, shredsSpent: Bool) {
            self.field = field
            self.shredsSpent = shredsSpent
        }
    }

    package init(
        stream: StreamName, object: String, keyPrefix: String, isLink: Bool = false, fieldOf: StreamName? = nil,
        isLate: Bool = false, matches: [MatchRule] = [], parents: [StreamName: Parent] = [:]
    ) {
        self.stream = stream
        self.object = object
        self.keyPrefix = keyPrefix
        self.isLink = isLink
        self.fieldOf = fieldOf
        self.isLate = isLate
        self.matches = matches
        self.parents = parents
    }

    /// A stream that references point to.
    package struct Parent: Sendable {
        package var object: String
        package var keyPrefix: String

        package init(object: String, keyPrefix: String) {
            self.object = object
            self.keyPrefix = keyPrefix
        }
    }

    /// A record exists already if all of `keys` (fields of the destination) agree.
    package struct MatchRule: Sendable {
        package enum Action: Sendable {
            /// Only its empty fields are set.
            case fillBlanks
            /// All mapped fields are set.
            case overwrite
            /// It is left as it is; links lead to it.
            case skip
        }

        package var keys: [String]
        package var action: Action

        package init(keys: [String], action: Action) {
            self.keys = keys
            self.action = action
        }
    }
}
