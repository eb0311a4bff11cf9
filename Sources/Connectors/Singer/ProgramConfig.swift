// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The config that a tap or target is given: a file's members, those of the settings over them, and the secrets over both.
struct ProgramConfig: Sendable {
    private let file: String?
    private let members: [(name: String, value: JSONValue)]
    private let secrets: [(name: String, value: Secret)]

    init(_ settings: ConnectorSettings) {
        file = settings["config_file"]
        members = settings.names(under: "config").compactMap { name in
            settings["config.\(name)"].map { (name, Self.value($0)) }
        }
        secrets = settings.names(under: "secrets").compactMap { name in
            settings.secret("secrets.\(name)").map { (name, $0) }
        }
    }

    /// The config as a JSON document, which holds the secrets.
    ///
    /// - Throws: `fileNotFound`, or `invalidSetting` if the file is no JSON object.
    func document() throws(MigratezError) -> [UInt8] {
        var all = try fileMembers()
        func set(_ name: String, _ value: JSONValue) {
            all.removeAll { $0.key == name }
            all.append(.init(name, value))
        }
        for member in members { set(member.name, member.value) }
        for secret in secrets { secret.value.withExposed { set(secret.name, .string($0)) } }
        return JSONValue.object(all).serialized()
    }

    /// What must not be seen in a log: the secrets, and what stands in the file or the settings under a name that says so.
    func redaction() throws(MigratezError) -> Redaction {
        let named = (try fileMembers() + members.map { .init($0.name, $0.value) }).flatMap(Self.secrets)
        return Redaction(secrets.map(\.value) + named)
    }

    private func fileMembers() throws(MigratezError) -> [JSONValue.Member] {
        guard let file else { return [] }
        return try JSONFile.object(file).members
    }

    /// What is no JSON document is a text; so is what a JSON string says, for a text that looks like a number.
    private static func value(_ text: String) -> JSONValue {
        (try? JSONValue(parsing: Array(text.utf8))) ?? .string(text)
    }

    private static func secrets(_ member: JSONValue.Member) -> [Secret] {
        let name = member.key.lowercased()
        let isSecret = ["token", "secret", "passw", "key", "credential", "auth"].contains { name.contains($0) }
        return switch member.value {
        case .string(let text), .number(let text): isSecret ? [Secret(text)] : []
        case .object(let members): members.flatMap(secrets)
        case .array(let elements): elements.flatMap { secrets(.init(member.key, $0)) }
        case .bool, .null: []
        }
    }
}
