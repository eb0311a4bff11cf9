// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// The kinds of files that can be read and written, one connector each.
package enum FileFormat: String, Sendable, CaseIterable {
    case csv
    case ndjson

    /// The settings below `source:`.
    var sourceSettings: [SettingSpec] {
        let shared = [
            SettingSpec("dir", .path, "the folder of the files; paths of files begin there"),
            SettingSpec(
                "objects.*.file", .path, isRequired: true,
                "the object's file, or a folder or a pattern (exports/*.csv) of several; gzip and zstd are recognised"),
            SettingSpec(
                "objects.*.content", .text,
                "the field with the path of the record's file, which begins at the folder of the object's file"),
            SettingSpec("objects.*.modified", .text, "the field that tells when a record was last changed"),
        ]
        switch self {
        case .csv:
            return shared + [
                SettingSpec(
                    "objects.*.id", .text, "the column that holds the id; without it the row's number is the id"),
                SettingSpec("objects.*.delimiter", .text, "between fields: one character, or tab; default ,"),
                SettingSpec("objects.*.quote", .text, "around fields: one character; default \""),
                SettingSpec(
                    "objects.*.encoding",
                    .oneOf(["utf-8", "utf-16", "utf-16le", "utf-16be", "iso-8859-1", "windows-1252"]),
                    "the file's encoding, unless it begins with a byte order mark; default utf-8"),
                SettingSpec("objects.*.header", .bool, "whether the first row names the columns; default true"),
                SettingSpec("objects.*.trim", .bool, "whether spaces around fields are left out; default false"),
                SettingSpec("objects.*.empty", .oneOf(["null", "text"]), "what an empty cell is; default null"),
                SettingSpec(
                    "objects.*.guarded", .bool,
                    "whether cells were guarded against formulas when written, which is then undone; default false"),
                SettingSpec("objects.*.links.*.column", .text, "the column with the ids of linked records"),
                SettingSpec("objects.*.links.*.separator", .text, "between several ids in a cell; default: one id"),
            ]
        case .ndjson:
            return shared + [
                SettingSpec(
                    "objects.*.id", .text, "the member that holds the id; without it the line's number is the id"),
                SettingSpec(
                    "objects.*.fields", .text, "the member that holds the fields, if they are not in the record"),
                SettingSpec("objects.*.links.*.member", .text, "the member with the id or ids of linked records"),
            ]
        }
    }

    /// The settings below `target:`.
    var destinationSettings: [SettingSpec] {
        let shared = [SettingSpec("dir", .path, isRequired: true, "the folder to write to; one file an object")]
        switch self {
        case .csv:
            return shared + [
                SettingSpec("delimiter", .text, "between fields: one character, or tab; default ,"),
                SettingSpec(
                    "formulas", .oneOf(["guard", "raw"]),
                    "whether cells that a spreadsheet would run get an apostrophe; default guard"),
            ]
        case .ndjson: return shared
        }
    }
}
