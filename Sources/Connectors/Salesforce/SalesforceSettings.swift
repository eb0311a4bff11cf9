// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel
package import MigratezTransport

/// The settings below `target:` that this connector understands, read once.
package struct SalesforceSettings: Sendable {
    /// How the connector logs in; all three need an External Client App in the org.
    package enum Grant: Sendable {
        /// A refresh token that a person granted (OAuth 2.0, RFC 6749 §6).
        case refreshToken(Secret, clientSecret: Secret?)
        /// A signed assertion for a user (RFC 7523), RS256 with the key whose certificate the app holds.
        case jwt(user: String, privateKeyPEM: Secret)
        /// The app's own user (RFC 6749 §4.4); needs the org's My Domain as login address.
        case clientCredentials(clientSecret: Secret)
    }

    /// Which API carries the rows.
    package enum LoadAPI: String, Sendable, CaseIterable {
        /// By the expected number of rows.
        case auto
        /// sObject Collections, at most 200 rows a call.
        case collections
        /// Bulk API 2.0 ingest jobs.
        case bulk2
    }

    /// How a row names the record that it refers to.
    package enum ReferenceStyle: String, Sendable, CaseIterable {
        /// By the stamp of that record, where its object has one.
        case externalID = "external_id"
        /// By its Salesforce id.
        case id
    }

    /// The version in every path: Summer '26. The one place that states it.
    package static let defaultAPIVersion = "v67.0"
    /// The field that holds our row key unless the pipeline names another.
    package static let defaultStampField = "Migratez_Id__c"

    /// Where tokens are asked for, without a slash at the end.
    package var loginURL: String
    /// Whether the login address is this machine by its literal name, as a simulator's is.
    package var loginIsLoopback: Bool
    /// Which networks requests may be sent into.
    package var reach: NetworkReach
    package var apiVersion: String
    package var clientID: String
    package var grant: Grant
    package var loadAPI: LoadAPI
    package var stampField: String
    /// Rows of one write; `nil` = the route's own default.
    package var batchRecordsMax: Int?
    /// Bytes of one write; `nil` = the route's own default.
    package var batchBytesMax: ByteCount?
    /// Rows of one write are sorted by the record that they refer to, so that few calls lock the same parent.
    package var sortsByParent: Bool
    package var allowsDuplicates: Bool
    package var references: ReferenceStyle

    /// What may stand below `target:`, but for the rate.
    package static let specs: [SettingSpec] = [
        SettingSpec("base_url", .url, "The org's own address (My Domain); login goes there unless login_url is given"),
        SettingSpec("login_url", .url, "Where tokens are asked for; default https://login.salesforce.com"),
        SettingSpec("api_version", .text, "API version in every path; default \(defaultAPIVersion)"),
        SettingSpec(
            "auth.kind", .oneOf(["refresh", "jwt", "client_credentials"]), isRequired: true, "The way to log in"),
        SettingSpec("auth.client_id", .text, isRequired: true, "Consumer key of the external client app"),
        SettingSpec("auth.client_secret", .secret, "Consumer secret of the external client app"),
        SettingSpec("auth.refresh_token", .secret, "For kind refresh"),
        SettingSpec("auth.user", .text, "For kind jwt: the user name that the app acts for"),
        SettingSpec("auth.key", .secret, "For kind jwt: the private key (PEM) whose certificate the app holds"),
        SettingSpec("load.api", .oneOf(LoadAPI.allCases.map(\.rawValue)), "Which API carries the rows; default auto"),
        SettingSpec("load.external_id", .text, "The field that holds our row key; default \(defaultStampField)"),
        SettingSpec("load.batch.records", .integer, "Records of one write"),
        SettingSpec("load.batch.bytes", .byteCount, "Bytes of one write"),
        SettingSpec("load.order", .oneOf(["by_parent", "as_read"]), "Order of rows in a write; default by_parent"),
        SettingSpec("load.allow_duplicates", .bool, "Save rows that a duplicate rule would refuse; default false"),
        SettingSpec(
            "load.references", .oneOf(ReferenceStyle.allCases.map(\.rawValue)),
            "Whether rows name their parents by our key or by Salesforce id; default external_id"),
    ]

    /// Reads the settings; what is missing for the chosen way to log in is an `invalidSetting`.
    package init(_ settings: ConnectorSettings) throws(MigratezError) {
        let login = try settings.baseURL(settings["login_url"] == nil ? "base_url" : "login_url")
        loginURL = login?.text ?? "https://login.salesforce.com"
        loginIsLoopback = login?.isLoopback ?? false
        reach = settings.reach
        apiVersion = try Self.version(settings["api_version"] ?? Self.defaultAPIVersion)
        guard let clientID = settings.text("auth.client_id") else { throw Self.missing("auth.client_id") }
        self.clientID = clientID
        switch settings["auth.kind"] {
        case "refresh":
            guard let token = settings.secret("auth.refresh_token") else { throw Self.missing("auth.refresh_token") }
            grant = .refreshToken(token, clientSecret: settings.secret("auth.client_secret"))
        case "jwt":
            guard let user = settings["auth.user"] else { throw Self.missing("auth.user") }
            guard let key = settings.secret("auth.key") else { throw Self.missing("auth.key") }
            grant = .jwt(user: user, privateKeyPEM: key)
        case "client_credentials":
            guard let secret = settings.secret("auth.client_secret") else { throw Self.missing("auth.client_secret") }
            grant = .clientCredentials(clientSecret: secret)
        default:
            throw Self.missing("auth.kind")
        }
        loadAPI = settings["load.api"].flatMap(LoadAPI.init) ?? .auto
        stampField = settings["load.external_id"] ?? Self.defaultStampField
        guard SOQL.isName(stampField) else {
            throw MigratezError(
                .invalidSetting, "load.external_id is not the name of a field", remedy: .fixConfiguration)
        }
        batchRecordsMax = try Self.positive(settings["load.batch.records"], "load.batch.records")
        batchBytesMax = try Self.positive(settings["load.batch.bytes"], "load.batch.bytes").map(ByteCount.init)
        sortsByParent = settings["load.order"] != "as_read"
        allowsDuplicates = settings["load.allow_duplicates"] == "true"
        references = settings["load.references"].flatMap(ReferenceStyle.init) ?? .externalID
    }

    /// Bytes of rows in one collections call. The platform takes 50 MB and more; smaller calls fail and repeat cheaper.
    package var collectionBytesMax: Int { min(batchBytesMax?.bytes ?? .max, 8 << 20) }

    /// `67.0` and `v67.0` are both understood.
    private static func version(_ text: String) throws(MigratezError) -> String {
        let number = text.hasPrefix("v") ? text.dropFirst() : text[...]
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isASCIIDigit) }) else {
            throw MigratezError(
                .invalidSetting, "api_version is not of the form \(defaultAPIVersion)", remedy: .fixConfiguration)
        }
        return "v" + number
    }

    private static func positive(_ text: String?, _ path: String) throws(MigratezError) -> Int? {
        guard let text else { return nil }
        guard let number = QuantityText.count(text), number > 0 else {
            throw MigratezError(.invalidSetting, "\(path) is not a positive number", remedy: .fixConfiguration)
        }
        return number
    }

    private static func missing(_ path: String) -> MigratezError {
        MigratezError(.invalidSetting, "target.\(path) is missing", remedy: .fixConfiguration)
    }
}

extension Character {
    /// `0` to `9`.
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}

extension ConnectorSettings {
    /// A value that may be given as text or as a secret reference.
    fileprivate func text(_ path: String) -> String? {
        self[path] ?? secret(path)?.withExposed { $0 }
    }
}
