// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

extension ErrorCode {
    /// The code with this text, `MZ-PICK-01`; nil if there is none.
    package init?(_ description: String) {
        guard let code = Self.all.first(where: { $0.description == description }) else { return nil }
        self = code
    }

    /// One sentence: what a person can do about it, as far as it can be said without looking at the pipeline.
    package var advice: String { Self.advice[self] ?? Self.advice(for: self.class) }

    /// What codes of a class have in common.
    private static func advice(for class: Class) -> String {
        switch `class` {
        case .cfg: "correct the pipeline file or the setting, then go on with the run"
        case .auth: "renew the credentials, then go on with the run"
        case .perm: "give the integration's user the missing right, then go on with the run"
        case .rate, .quota: "wait until there is room again, then go on with the run"
        case .net: "wait until the service answers again, then go on with the run"
        case .lock: "try again when nobody else works on these records"
        case .req, .type, .len, .pick: "correct the value in the export, or the rule of the field, then try again"
        case .dup: "decide which of the two records is to stay, then try again or skip"
        case .ref: "bring the record that is referred to, then try again"
        case .rule: "change the value, or switch the rule of the destination off for the migration, then try again"
        case .map: "correct the rule of the field in the pipeline file, then try again"
        case .delta: "decide whose values stand, in the destination or by on_conflict of the field, then try again"
        case .subject: "nothing: the person whom the record is about asked for it"
        case .src: "correct the record in the source and begin a new run, or skip it"
        case .stage: "look at the damaged chunk, and have it made anew"
        case .disk: "make room or repair the disk, then go on with the run"
        case .bug: "please report it, with the code and without data"
        }
    }

    private static let advice: [ErrorCode: String] = [
        .accountChanged: "give the run back the account that it began with, or begin a new one",
        .rowLocked: "nothing is wrong with these records: try them again when nobody else works on them",
        .requiredFieldMissing: "give the field a default, or fill it in the export",
        .wrongType: "set on_error: \"null\" for the field, or correct the value in the export",
        .tooLong: "set truncate: true for the field, or shorten the value in the export",
        .notInPicklist: "add the value to the field's list in the destination, or map it to one that is there",
        .valueNotMapped: "add the value to the value map, or correct it in the export",
        .duplicate: "add a rule to dedupe.against_target, or merge the two in the destination",
        .parentMissing: "set on_missing: empty for the link if the record may come without it",
        .parentNotLoaded: "bring the linked records first: the rows of the codes above that stopped them",
        .parentNotRead: "nothing is wrong: a run without --limit reads the linked record, too",
        .ownerUnmatched: "add the person to the people file, or set people.unmatched",
        .recordDeleted: "restore the record in the destination, or skip it",
        .ownerInactive: "activate the user in the destination for the migration, or map the owner to somebody else",
        .ruleViolated: "change the value in the export, or switch the rule off for the migration",
        .mappingFailed: "correct the expression of the field in the pipeline file",
        .malformedRecord: "correct the record in the source and begin a new run, or skip it",
        .contentUnavailable: "restore the file in the source, or give the integration's user the right to read it",
        .contentTooLarge: "raise the limit in the destination or in the pipeline file, or skip the file",
        .permissionMissing: "give the integration's user the missing right",
        .storageFull: "make room in the destination, then try again",
        .objectsFull: "delete an object of the destination's own making, raise its limit, or use one that is there",
    ]
}
