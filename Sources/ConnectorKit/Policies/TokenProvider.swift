// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// An access token.
package struct AccessToken: Sendable, Equatable {
    package var secret: Secret
    /// `nil` = not known; then only a refusal shows that it has expired.
    package var expiresAt: Timestamp?

    package init(_ secret: Secret, expiresAt: Timestamp? = nil) {
        self.secret = secret
        self.expiresAt = expiresAt
    }
}

/// Where access tokens come from: a setting, a refresh token, a signed assertion.
package protocol TokenProvider: Sendable {
    /// Whether another call of `fetch` may bring another token.
    var isRenewable: Bool { get }
    /// Gets a token. Never called by two tasks at once. It does its own retries.
    func fetch() async throws -> AccessToken
}

/// A token that was given in the settings and cannot be renewed.
package struct FixedToken: TokenProvider {
    private let token: AccessToken

    package init(_ secret: Secret) { token = AccessToken(secret) }
    package var isRenewable: Bool { false }
    package func fetch() async throws -> AccessToken { token }
}
