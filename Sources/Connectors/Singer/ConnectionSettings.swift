// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// What the settings of a tap and of a target have in common.
struct ConnectionSettings: Sendable {
    let program: Program
    let config: ProgramConfig
    /// How long the program may be silent while something is expected of it.
    let silenceMax: Duration
    /// What tells the connection from others: the command and its config without secrets.
    let identity: String

    static func specs(_ kind: String) -> [SettingSpec] {
        [
            SettingSpec(
                "command", .text, isRequired: true,
                "the \(kind), found on PATH or by its path, or a list of it and its arguments; no shell is used"),
            SettingSpec("config_file", .path, "the \(kind)'s config as a JSON file, to begin with"),
            SettingSpec(
                "config.*", .text,
                "a member of the config; what is JSON (5, true, [\"a\"]) is taken as that, else a text"
            ),
            SettingSpec("secrets.*", .secret, "a member of the config that is secret"),
            SettingSpec(
                "timeout", .integer, "seconds for which the \(kind) may be silent, default \(silenceDefaultSeconds)"),
        ]
    }

    private static let silenceDefaultSeconds = 600

    /// - Parameter side: `source` or `target`.
    /// - Throws: `invalidSetting`; the program is not looked for, and no file is read.
    init(_ settings: ConnectorSettings, side: String) throws(MigratezError) {
        program = try Program(settings["command"], side: side)
        config = ProgramConfig(settings)
        silenceMax = .seconds(max(1, settings["timeout"].flatMap { Int($0) } ?? Self.silenceDefaultSeconds))
        let members = settings.names(under: "config").compactMap { name in
            settings["config.\(name)"].map { "\(name)=\($0)" }
        }
        identity = ([program.words.joined(separator: " "), settings["config_file"]].compactMap(\.self) + members)
            .joined(separator: " ")
    }
}
