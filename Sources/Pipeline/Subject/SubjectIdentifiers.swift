// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezCrypto
package import MigratezModel
import MigratezTransform

/// What a person is known by: e-mail addresses and telephone numbers, as whoever asks gives them.
///
/// They are turned into pseudonyms under the run's key at once; staged values are compared as pseudonyms, and nothing
/// else of them is kept or written down. Two forms of one address match if they differ in case only; two of one number,
/// if their digits do not differ (without international prefix, the country code 1 and an extension, as duplicates are
/// compared).
package struct SubjectIdentifiers: Sendable {
    /// The keyed names of all of them.
    let pseudonyms: Set<Pseudonym>
    let hasPhones: Bool
    let key: PseudonymKey

    /// - Throws: `invalidSetting` for a text that is no address or number; the text is not repeated.
    package init(emails: [String], phones: [String], key: PseudonymKey) throws(MigratezError) {
        var pseudonyms: Set<Pseudonym> = []
        for email in emails {
            guard let form = MatchKey.normalized(email, as: .email), SubjectText.isAddress(form) else {
                throw Self.invalid("an e-mail address")
            }
            pseudonyms.insert(SubjectText.pseudonym(.email, Array(form.utf8), key))
        }
        for phone in phones {
            guard let form = MatchKey.normalized(phone, as: .phone),
                (SubjectText.digitsMin...SubjectText.digitsMax).contains(form.utf8.count)
            else { throw Self.invalid("a telephone number") }
            pseudonyms.insert(SubjectText.pseudonym(.phone, Array(form.utf8), key))
        }
        self.pseudonyms = pseudonyms
        hasPhones = !phones.isEmpty
        self.key = key
    }

    /// The keyed name of the person in the audit log and in receipts: of one who is known by several things, that of all
    /// of them together.
    package var subject: Pseudonym {
        if pseudonyms.count == 1, let only = pseudonyms.first { return only }
        return key.pseudonym(of: pseudonyms.sorted().flatMap(\.bytes))
    }

    private static func invalid(_ kind: String) -> MigratezError {
        MigratezError(
            .invalidSetting, "what was given is not \(kind)", remedy: .fixConfiguration,
            hint: "give whole addresses (ada@example.com) and numbers of at least \(SubjectText.digitsMin) digits")
    }
}
