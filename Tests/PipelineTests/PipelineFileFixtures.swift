// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezPipeline
import MigratezTestKit

/// What the tests of pipeline files share.
enum PipelineFileFixtures {
    /// Connectors as the tests know them: the settings are a part of the real ones'.
    static let catalog = ConnectorCatalog(
        sources: [
            "hubspot": [
                SettingSpec("base_url", .url, "the account's address"),
                SettingSpec("auth.token", .secret, isRequired: true, "the private app's token"),
            ] + rate,
            "csv": [
                SettingSpec("dir", .path, "the folder"),
                SettingSpec("objects.*.file", .path, isRequired: true, "the file"),
                SettingSpec("objects.*.id", .text, "the id's column"),
                SettingSpec("objects.*.trim", .bool, "without spaces"),
            ],
        ],
        destinations: [
            "salesforce": [
                SettingSpec("base_url", .url, "the org's address"),
                SettingSpec(
                    "auth.kind", .oneOf(["refresh", "jwt", "client_credentials"]), isRequired: true, "how to log in"),
                SettingSpec("auth.client_id", .text, isRequired: true, "the app"),
                SettingSpec("auth.client_secret", .secret, "the app's secret"),
                SettingSpec("auth.user", .text, "the user"), SettingSpec("auth.key", .secret, "the key"),
                SettingSpec("load.api", .oneOf(["auto", "bulk2", "collections"]), "which API"),
                SettingSpec("load.external_id", .text, "the key's field"),
                SettingSpec("load.batch.records", .integer, "records"),
                SettingSpec("load.batch.bytes", .byteCount, "bytes"),
                SettingSpec("load.order", .oneOf(["by_parent", "as_read"]), "order"),
            ] + rate,
            "ndjson": [SettingSpec("dir", .path, isRequired: true, "the folder")],
        ], creators: ["ndjson"])

    private static let rate = [
        SettingSpec("rate.requests", .text, "requests"), SettingSpec("rate.daily_share", .text, "share"),
        SettingSpec("rate.concurrency", .text, "at once"),
    ]

    static let pipelinesFolder = repositoryRoot.path + "/pipelines"
    static let invalidFolder = repositoryRoot.path + "/fixtures/pipelines/invalid"

    /// Names of the YAML files in a folder, sorted.
    static func names(in folder: String) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return all.filter { $0.hasSuffix(".yaml") }.sorted()
    }

    static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// A valid pipeline; `edit` changes its text.
    static func minimal(
        objects: String = "  contact: { to: Contact, fields: { LastName: lastname } }", rest: String = ""
    )
        -> String
    {
        """
        migratez: 1
        name: minimal
        source: { connector: hubspot, auth: { token: "${env:TOKEN}" } }
        target: { connector: ndjson, dir: out }
        objects:
        \(objects)
        \(rest)
        """
    }

    static func read(_ text: String) -> PipelineFile.Reading {
        PipelineFile.read(text: text, file: "p.yaml", folder: pipelinesFolder, catalog: catalog)
    }
}
