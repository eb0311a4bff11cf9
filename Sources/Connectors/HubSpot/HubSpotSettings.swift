// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransport

/// What a pipeline says about the source, checked.
struct HubSpotSettings: Sendable {
    let baseURL: String
    let paths: HubSpotPaths
    let pageRecords: Int
    let includesArchived: Bool

    static let specs: [SettingSpec] =
        [
            SettingSpec("base_url", .url, "the API's address; default https://api.hubapi.com"),
            SettingSpec("api_version", .text, "v3, or a dated version such as 2026-03; default v3"),
            SettingSpec("auth.token", .secret, "an access token that does not expire"),
            SettingSpec("auth.client_id", .text, "the app's client id, with a refresh token"),
            SettingSpec("auth.client_secret", .secret, "the app's client secret, with a refresh token"),
            SettingSpec("auth.refresh_token", .secret, "a refresh token, instead of auth.token"),
            SettingSpec("page_size", .integer, "records a page, 1 to 100; default 100"),
            SettingSpec(
                "include_archived", .bool, "whether deleted records that can be restored are read; default false"),
        ] + PolicyStack.settings

    init(_ settings: ConnectorSettings) throws(MigratezError) {
        baseURL = try settings.baseURL("base_url")?.text ?? "https://api.hubapi.com"
        paths = try HubSpotPaths(version: settings["api_version"] ?? "v3")
        includesArchived = settings["include_archived"] == "true"
        let text = settings["page_size"] ?? "100"
        guard let size = Int(text), (1...100).contains(size) else {
            throw MigratezError(
                .invalidSetting, "page_size is '\(text)', which is not a number from 1 to 100",
                remedy: .fixConfiguration)
        }
        pageRecords = size
    }

    /// Where tokens come from: a fixed one, or a refresh token.
    func tokens(
        _ settings: ConnectorSettings, refreshing: RefreshTokens.Exchange
    ) throws(MigratezError) -> any TokenProvider {
        if let token = settings.secret("auth.token"), !token.isEmpty { return FixedToken(token) }
        guard let refresh = settings.secret("auth.refresh_token"), let secret = settings.secret("auth.client_secret"),
            let client = settings["auth.client_id"]
        else {
            throw MigratezError(
                .invalidSetting, "there are no credentials for HubSpot", remedy: .fixConfiguration,
                hint: "set source.auth.token, or client_id, client_secret and refresh_token")
        }
        return RefreshTokens(refreshing, clientID: client, clientSecret: secret, refreshToken: refresh)
    }
}
