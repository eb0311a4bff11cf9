// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Every key that a pipeline file of version 1 may have; the settings of connectors are in their own `SettingSpec`s.
enum FileKeys {
    static let pipeline = FileSection(keys: [
        FileKey("migratez", .words(["1"]), isRequired: true, "The version of the file's format"),
        FileKey("name", .grammar(nameForm, pattern: namePattern), isRequired: true, "The pipeline's name"),
        FileKey("source", .connection(.source), isRequired: true, "Where the records come from"),
        FileKey("target", .connection(.target), isRequired: true, "Where the records go"),
        FileKey("staging", .section(staging), "Where and how data is kept between the stages, encrypted"),
        FileKey("limits", .section(limits), "What the whole process may use"),
        FileKey("retention", .section(retention), "What stays after a run, and for how long"),
        FileKey("vars", .entries(.text), "Constants for expressions (vars.x) and texts (${vars.x})"),
        FileKey("people", .section(people), "How owners of the source are found in the destination"),
        FileKey("values", .entries(.section(valueMap)), "Tables that translate values, by the name fields use"),
        FileKey("objects", .entries(.section(object)), isRequired: true, "The objects that are moved, by source name"),
        FileKey("links", .list(.section(link)), "How links between records are carried over"),
        FileKey("gates", .section(gates), "What must hold for a run to go on"),
        FileKey("delta", .section(delta), "How a run goes on from the one before (run --since-last)"),
        FileKey("verify", .section(verify), "How thoroughly the destination is read back"),
        FileKey("tests", .list(.section(test)), "Records with what must become of them; run by migratez test"),
    ])

    static let nameForm = "1 to 64 letters, digits, '-' and '_'"
    static let namePattern = "^[A-Za-z0-9_-]{1,64}$"

    static let staging = FileSection(keys: [
        FileKey("dir", .text, "The folder; relative paths start from the pipeline file"),
        FileKey("chunk", .section(chunk), "How large the pieces are that are read, retried and shredded together"),
        FileKey("disk_limit", .size, "How much space staged data may take"),
        FileKey("key", .secret, "The root key; without it a key file in the user's state folder"),
        FileKey(
            "recipients", .list(.grammar("an age X25519 recipient (age1…)", pattern: "^age1")),
            "Who can open retained chunks as well"),
    ])

    static let chunk = FileSection(keys: [
        FileKey("records", .count(least: 1), "At most so many records; default 50k"),
        FileKey("bytes", .size, "At most so many bytes before compression; default 16MiB"),
        FileKey("compress", .grammar("zstd:1 to zstd:9", pattern: "^zstd:[1-9]$"), "Compression; default zstd:1"),
    ])

    static let limits = FileSection(keys: [
        FileKey("memory", .size, "Resident memory of the whole process, at least 64MiB; default 256MiB"),
        FileKey("jobs", .any([.words(["auto"]), .count(least: 1)]), "Worker tasks; default auto, one a core"),
        FileKey(
            "slices", .count(least: 1), "Slices of an object read side by side, where the source can; default 4"),
    ])

    static let retention = FileSection(keys: [
        FileKey("after_confirm", .choice(RetentionSpec.Disposal.self), "Staged data after confirmation"),
        FileKey("spent_chunks", .choice(RetentionSpec.Disposal.self), "Chunks that every stage is done with"),
        FileKey("unconfirmed", .span, "How long a finished run may wait for its confirmation"),
        FileKey("keep", .list(.words(["report", "id_map", "baseline"])), "What outlives the shredding"),
    ])

    static let gates = FileSection(keys: [
        FileKey(
            "expect", .entries(.grammar("a bound such as \">= 1\"", pattern: #"^(>=|<=|==) *[0-9][0-9_.]*[kM]?$"#)),
            "How many records of an object the source must have"),
        FileKey(
            "quarantine", .grammar("a bound such as \"<= 0.5%\"", pattern: #"^<= *[0-9][0-9.]*%$"#),
            "The largest share of records that may be rejected"),
        FileKey("consecutive_errors", .count(least: 1), "So many failed calls in a row stop the run"),
        FileKey("on_breach", .choice(GateSpec.Breach.self), "pause saves the run for resume, stop fails it"),
    ])

    static let delta = FileSection(keys: [
        FileKey("on_conflict", .choice(ConflictRule.self), "Whose value stands when both sides changed it"),
        FileKey("on_delete", .choice(DeletionRule.self), "Records and links of the destination whose source is gone"),
        FileKey(
            "deletions", .grammar("a bound such as \"<= 5%\"", pattern: #"^<= *[0-9][0-9.]*%$"#),
            "The largest share of an object's records that may be deleted; default <= 5%"),
    ])

    static let verify = FileSection(keys: [
        FileKey("counts", .words(["exact", "off"]), "Whether records are counted in the destination"),
        FileKey("sample", .section(sample), "How many records are compared field by field"),
        FileKey("fields", .list(.text), "The destination's fields that are compared; default all"),
        FileKey("links", .words(["exact", "off"]), "Whether links are read back"),
        FileKey("contents", .choice(VerifySpec.Contents.self), "Whose files are read back and compared byte by byte"),
    ])

    static let sample = FileSection(keys: [
        FileKey("share", .share, "A share of all records; default 1%"),
        FileKey("at_least", .count(least: 0), "But at least so many of each object; default 2000"),
    ])

    static let test = FileSection(keys: [
        FileKey("name", .text, isRequired: true, "What the test shows, as a sentence"),
        FileKey("object", .text, isRequired: true, "The object that the record is of"),
        FileKey("given", .entries(.value), isRequired: true, "The source's fields"),
        FileKey(
            "want", .any([.words(["filtered", "rejected"]), .entries(.value)]), isRequired: true,
            "The destination's fields, ~ for none; or what happens to the record"),
        FileKey("people", .entries(.text), "The destination's ids of the source's people, by the source's"),
        FileKey(
            "at", .grammar("a date such as 2026-01-01", pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}"),
            "When the run begins that the test stands for; default 2026-01-01"),
    ])
}
