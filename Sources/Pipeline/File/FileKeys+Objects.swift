// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform

/// Keys of objects, links and the tables that fields use.
extension FileKeys {
    static let object = FileSection(keys: [
        FileKey("from", .text, "The source's object, if it has another name than this one"),
        FileKey("to", .text, isRequired: true, "The destination's object"),
        FileKey(
            "create", .any([.bool, .section(creation)]),
            "The destination's object is created, with the fields below, where it is missing"),
        FileKey("where", .expression, "Only records for which this is true are taken"),
        FileKey(
            "content", .any([.text, .section(content)]),
            "The destination's field that takes the bytes of the source's files"),
        FileKey(
            "fields", .entries(.any([.text, .section(field)])), isRequired: true,
            "The destination's fields: a field of the source, or a rule"),
        FileKey("dedupe", .section(dedupe), "How duplicates are found and merged"),
        FileKey("on_conflict", .choice(ConflictRule.self), "Whose value stands when both sides changed it"),
        FileKey("on_delete", .choice(DeletionRule.self), "Records of the destination whose source is gone"),
    ])

    static let creation = FileSection(keys: [
        FileKey("label", .text, "What people call one record; without it, what the source calls the object"),
        FileKey("plural", .text, "What people call several records; without it, the same as one"),
        FileKey("display", .text, "The destination's field whose value names a record; one of those below"),
    ])

    static let content = FileSection(keys: [
        FileKey("to", .text, isRequired: true, "The destination's field that takes the bytes"),
        FileKey("max", .size, "Records with a larger file are rejected"),
    ])

    static let field = FileSection(
        keys: [
            FileKey("from", .text, "The field of the source that gives the value"),
            FileKey("const", .template, "The same text for every record"),
            FileKey("expr", .expression, "An expression that gives the value"),
            FileKey("default", .template, "What stands in for an empty value"),
            FileKey("trim", .bool, "White space at both ends is removed"),
            FileKey("lower", .bool, "Letters become lower case"),
            FileKey("upper", .bool, "Letters become upper case"),
            FileKey("max", .count(least: 1), "At most so many characters"),
            FileKey("truncate", .bool, needs: "max", "What is longer than max is cut instead of rejected"),
            FileKey("type", .choice(FieldSpec.ValueType.self), "What the value must be in the destination"),
            FileKey("on_error", .choice(FieldSpec.OnError.self), "What happens when a value does not fit"),
            FileKey("phone", .words(PhoneNumber.regions), "Phone numbers get their country code; region of the others"),
            FileKey("html", .choice(FieldSpec.HTMLTreatment.self), "Markup is made harmless, or removed"),
            FileKey("values", .text, "The value map that translates the value"),
            FileKey("person", .bool, "The value is an owner of the source and becomes one of the destination"),
            FileKey("audit", .bool, "The field needs the right to set audit fields"),
            FileKey("required", .bool, "A record without a value is rejected"),
            FileKey("on_conflict", .choice(ConflictRule.self), "Whose value stands when both sides changed it"),
        ], alternatives: [["from", "const", "expr"]])

    static let dedupe = FileSection(keys: [
        FileKey("within", .list(.section(within)), "Duplicates among the source's records"),
        FileKey("against_target", .list(.section(againstTarget)), "Records that the destination holds already"),
    ])

    static let within = FileSection(keys: [
        FileKey("keys", .list(.text), isRequired: true, "Fields of the source that must all agree"),
        FileKey("keep", .choice(DuplicateRule.Survivor.self), "Which record stands for all of them"),
        FileKey("merge", .entries(.choice(DuplicateRule.Merge.self)), "Where the survivor's fields come from"),
        FileKey("score", .entries(.value), "Scored matching of near-duplicates; not supported yet"),
    ])

    static let againstTarget = FileSection(keys: [
        FileKey("keys", .list(.text), isRequired: true, "Fields of the destination that must all agree"),
        FileKey("on_match", .choice(TargetMatchRule.OnMatch.self), "What happens to the record that was found"),
    ])

    static let valueMap = FileSection(
        keys: [
            FileKey("map", .entries(.text), "The destination's value for each of the source's"),
            FileKey("file", .text, "A CSV file with the columns from and to"),
            FileKey(
                "otherwise", .any([.words(["quarantine", "keep", "drop"]), .section(otherwise)]),
                "What happens to a value that is not in the table"),
        ], needed: [["map", "file"]])

    static let otherwise = FileSection(keys: [
        FileKey("use", .text, isRequired: true, "This value stands for every other")
    ])

    static let people = FileSection(
        keys: [
            FileKey("match", .words(["email"]), "The same address is the same person"),
            FileKey("file", .text, "A CSV file with the columns from and to: addresses; it wins over match"),
            FileKey(
                "unmatched", .any([.words(["quarantine"]), .section(unmatched)]),
                "What happens to records of somebody without a counterpart"),
        ], needed: [["match", "file"]])

    static let unmatched = FileSection(keys: [
        FileKey("assign", .text, isRequired: true, "The address of the person of the destination who gets them"),
        FileKey("tag", .text, "The name under which the report lists them"),
    ])

    static let link = FileSection(keys: [
        FileKey("from", .text, isRequired: true, "The object whose record holds the link"),
        FileKey("to", .list(.text), isRequired: true, "The object or objects that it leads to"),
        FileKey("as", .text, isRequired: true, "Object.Field for a reference, Object for a record of its own"),
        FileKey("choose", .choice(LinkSpec.Choice.self), "Which of several links is taken"),
        FileKey("on_missing", .choice(LinkSpec.OnMissing.self), "What happens when the other record is missing"),
        FileKey("map", .entries(.choice(LinkSpec.EdgeAttribute.self)), "Fields of the link's own record"),
    ])
}
