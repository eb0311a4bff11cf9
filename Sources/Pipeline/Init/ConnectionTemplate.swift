// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezRESTConnector

/// What a connection of a new pipeline file needs, and how a person is asked for it.
package struct ConnectionTemplate: Sendable {
    /// One setting that is needed.
    package struct Need: Sendable {
        package var path: String
        /// What is asked for, such as `address of the org`.
        package var question: String
        /// What stands in the file if nobody says otherwise; for secrets a reference, never the secret.
        package var suggestion: String
        /// The need is met if one of these paths is set instead.
        package var alternatives: [String] = []
    }

    package var needs: [Need]

    /// The needs of a connector on one side, given the settings that are there already.
    ///
    /// - Parameter definition: what describes the side, if it is none of the program's own.
    package static func of(
        _ connector: String, _ side: PipelineSide, given settings: [String: String], definition: RESTDefinition? = nil
    ) -> ConnectionTemplate {
        switch (connector, side) {
        case ("hubspot", _):
            return ConnectionTemplate(needs: [
                Need(
                    path: "auth.token", question: "where the access token is kept (a reference)",
                    suggestion: "${env:HUBSPOT_TOKEN}", alternatives: ["auth.refresh_token"])
            ])
        case ("salesforce", _):
            var needs = [
                Need(
                    path: "base_url", question: "the org's own address (My Domain)",
                    suggestion: "${env:SALESFORCE_BASE_URL}", alternatives: ["login_url"]),
                Need(
                    path: "auth.kind", question: "the way to log in: client_credentials, jwt or refresh",
                    suggestion: "client_credentials"),
                Need(
                    path: "auth.client_id", question: "the consumer key of the external client app",
                    suggestion: "${env:SALESFORCE_CLIENT_ID}"),
            ]
            switch settings["auth.kind"] {
            case "jwt":
                needs.append(Need(path: "auth.user", question: "the user to act for", suggestion: ""))
                needs.append(
                    Need(
                        path: "auth.key", question: "where the private key is kept (a reference)",
                        suggestion: "${file:/run/secrets/salesforce.pem}"))
            case "refresh":
                needs.append(
                    Need(
                        path: "auth.refresh_token", question: "where the refresh token is kept (a reference)",
                        suggestion: "${env:SALESFORCE_REFRESH_TOKEN}"))
            default:
                needs.append(
                    Need(
                        path: "auth.client_secret", question: "where the consumer secret is kept (a reference)",
                        suggestion: "${env:SALESFORCE_CLIENT_SECRET}"))
            }
            return ConnectionTemplate(needs: needs)
        case ("pipedrive", _):
            return ConnectionTemplate(needs: [
                Need(
                    path: "auth.api_token", question: "where the personal token is kept (a reference)",
                    suggestion: "${env:PIPEDRIVE_API_TOKEN}", alternatives: ["auth.refresh_token"])
            ])
        case ("dynamics", _):
            return ConnectionTemplate(needs: [
                Need(
                    path: "base_url", question: "the environment's address", suggestion: "${env:DYNAMICS_BASE_URL}"),
                Need(
                    path: "auth.tenant", question: "the Entra ID tenant, by id or domain",
                    suggestion: "${env:DYNAMICS_TENANT}"),
                Need(
                    path: "auth.client_id", question: "the application (client) id of the app registration",
                    suggestion: "${env:DYNAMICS_CLIENT_ID}"),
                Need(
                    path: "auth.client_secret", question: "where the client secret is kept (a reference)",
                    suggestion: "${env:DYNAMICS_CLIENT_SECRET}"),
            ])
        case ("odoo", _):
            return ConnectionTemplate(needs: [
                Need(path: "base_url", question: "the server's address", suggestion: "${env:ODOO_BASE_URL}"),
                Need(
                    path: "auth.token", question: "where the API key is kept (a reference)",
                    suggestion: "${env:ODOO_API_KEY}"),
            ])
        case ("zoho", _):
            return ConnectionTemplate(needs: [
                Need(
                    path: "data_center", question: "where the organisation is kept: us, eu, in, au, jp, ca, sa or cn",
                    suggestion: "us", alternatives: ["base_url"]),
                Need(
                    path: "auth.client_id", question: "the client's id (API console)",
                    suggestion: "${env:ZOHO_CLIENT_ID}"),
                Need(
                    path: "auth.client_secret", question: "where the client's secret is kept (a reference)",
                    suggestion: "${env:ZOHO_CLIENT_SECRET}"),
                Need(
                    path: "auth.refresh_token", question: "where the refresh token is kept (a reference)",
                    suggestion: "${env:ZOHO_REFRESH_TOKEN}"),
            ])
        case ("sqlite", .source):
            var needs = [Need(path: "file", question: "the database file", suggestion: "crm.sqlite")]
            // Tables: one object at least; its name is the user's own.
            if !settings.keys.contains(where: { $0.hasPrefix("objects.") && $0.hasSuffix(".table") }) {
                needs.append(
                    Need(path: "objects.person.table", question: "the table with the people", suggestion: "person"))
            }
            return ConnectionTemplate(needs: needs)
        case ("sqlite", .target):
            return ConnectionTemplate(needs: [
                Need(path: "file", question: "the database file to write to", suggestion: "./export.sqlite")
            ])
        case ("singer", .source):
            var needs = [Need(path: "command", question: "the tap's program", suggestion: "tap-jsonl")]
            // Streams: one object at least; its name is the user's own.
            if !settings.keys.contains(where: { $0.hasPrefix("objects.") && $0.hasSuffix(".stream") }) {
                needs.append(
                    Need(path: "objects.person.stream", question: "the stream with the people", suggestion: "person"))
            }
            return ConnectionTemplate(needs: needs)
        case ("singer", .target):
            return ConnectionTemplate(needs: [
                Need(path: "command", question: "the target's program", suggestion: "target-jsonl")
            ])
        case ("rest", _) where definition == nil:
            return ConnectionTemplate(needs: [
                Need(path: "definition", question: "the file with the definition", suggestion: "connector.yaml")
            ])
        case (_, _) where definition != nil:
            let prefix = (definition?.name ?? connector).uppercased()
            return ConnectionTemplate(
                needs: (definition?.neededSettings ?? []).map { needed in
                    let name = needed.path.split(separator: ".").last.map { $0.uppercased() } ?? ""
                    return Need(
                        path: needed.path,
                        question: needed.isSecret ? "where \(needed.summary) is kept (a reference)" : needed.summary,
                        suggestion: "${env:\(prefix)_\(name)}", alternatives: needed.alternatives)
                })
        case (_, .source):
            // Files: one object at least; its name is the user's own.
            guard !settings.keys.contains(where: { $0.hasPrefix("objects.") && $0.hasSuffix(".file") }) else {
                return ConnectionTemplate(needs: [])
            }
            return ConnectionTemplate(needs: [
                Need(
                    path: "objects.person.file", question: "the file with the people",
                    suggestion: "people.\(connector)")
            ])
        default:
            return ConnectionTemplate(needs: [
                Need(path: "dir", question: "the folder to write to", suggestion: "./export")
            ])
        }
    }

    /// What is still to be said.
    package func missing(in settings: [String: String]) -> [Need] {
        needs.filter { need in
            settings[need.path] == nil && !need.alternatives.contains { settings[$0] != nil }
        }
    }
}
