// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel

/// One line of the file's `tests:`: this record must become these fields.
package struct PipelineTest: Sendable, Equatable {
    package var name: String
    /// The stream that the record belongs to.
    package var object: String
    /// The record: an object with the source's fields, in the form in which the source sends them.
    package var given: JSONValue
    package var want: Want
    /// The destination's ids of the source's people, by the source's.
    package var people: [String: String]
    /// When the run begins that the test stands for.
    package var started: Timestamp

    package init(
        name: String, object: String, given: JSONValue, want: Want, people: [String: String] = [:],
        started: Timestamp = PipelineTest.usualStart
    ) {
        self.name = name
        self.object = object
        self.given = given
        self.want = want
        self.people = people
        self.started = started
    }

    /// 2026-01-01T00:00:00Z: a test gives the same on every day.
    package static let usualStart = Timestamp(milliseconds: 1_767_225_600_000)

    /// What must come out.
    package enum Want: Sendable, Equatable {
        /// These fields with these values, compared by their texts; null = the field is left out. Other fields may have
        /// any value.
        case fields([JSONValue.Member])
        /// The record is left out by `where`.
        case filtered
        /// The record is rejected.
        case rejected
    }
}
