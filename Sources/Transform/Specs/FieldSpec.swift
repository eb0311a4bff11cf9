// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Where the value of one field of the destination comes from, and what is done to it on the way.
///
/// The steps are applied in this order: origin → trim → case → html → phone → value map or person → type → length.
/// A value that is absent, null or empty after trimming is replaced by `fallback`; without one the field is left out,
/// or the record is rejected if the field is required.
package struct FieldSpec: Sendable, Equatable {
    /// The destination's field: `LastName`.
    package var target: String
    package var origin: Origin
    /// What stands in for an empty value, already in the destination's terms: no value map is applied to it.
    package var fallback: TextTemplate?
    /// Removes white space at both ends.
    package var isTrimmed = false
    package var letterCase: LetterCase?
    /// At most so many characters.
    package var charactersMax: Int?
    /// Cuts what is longer than `charactersMax`, instead of failing.
    package var isTruncated = false
    /// The type of the value in the destination; `nil` = the source's bytes are passed through untouched.
    package var type: ValueType?
    /// What happens to the record when the value does not fit type or length.
    package var onError = OnError.reject
    /// ISO 3166 code of the country whose numbers are meant if a phone number has no country code: `US`.
    package var phoneRegion: String?
    package var html: HTMLTreatment?
    /// The name of the value map that the value goes through.
    package var valueMap: String?
    /// The value is the source's id of a person; it becomes the destination's id of their counterpart.
    package var isPerson = false
    /// The field is a system field that can only be set with a special right of the destination (`CreatedDate`).
    package var isAudit = false
    /// A record without a value for this field is rejected.
    package var isRequired = false
    /// Whose value stands when both sides changed it since the last run; `nil` = what the object says.
    package var onConflict: ConflictRule?

    package init(target: String, origin: Origin) {
        self.target = target
        self.origin = origin
    }

    /// What the value is made of.
    package enum Origin: Sendable, Equatable {
        /// The source field of that name.
        case field(String)
        /// The same text for every record.
        case constant(TextTemplate)
        /// The result of an expression over the record.
        case expression(RecordExpression)
    }

    /// Letters made all the same case, by Unicode's default rules.
    package enum LetterCase: String, Sendable, Equatable, CaseIterable { case lower, upper }

    /// What a value must be in the destination.
    package enum ValueType: String, Sendable, Equatable, CaseIterable {
        /// Any text; numbers and booleans become their own text.
        case text
        /// Exactly one address: something, `@`, a domain with a dot, no white space.
        case email
        /// Written as a JSON boolean; understands true/false, yes/no, 1/0, on/off in any case.
        case bool
        /// Written as a JSON number with the source's own digits.
        case decimal
        /// A decimal without fraction.
        case integer
        /// A day without time: `2021-05-01`; an instant is taken in UTC.
        case date
        /// An instant: `2021-05-01T00:00:00.000Z`.
        case dateTime = "datetime"
    }

    /// What happens when a value does not fit.
    package enum OnError: String, Sendable, Equatable, CaseIterable {
        /// The record is rejected.
        case reject
        /// The value counts as empty, and the fallback takes its place if there is one.
        case null
    }

    /// What happens to markup.
    package enum HTMLTreatment: String, Sendable, Equatable, CaseIterable {
        /// Only harmless formatting stays: see `HTMLSanitizer`.
        case sanitize
        /// All markup goes; blocks become lines.
        case text
    }
}
