// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import Synchronization

/// Hands out access tokens (RFC 6749) and knows which of them are good.
final class TokenDesk: Sendable {
    private let lifetime: Duration
    private let issued = Mutex<[String: Timestamp]>([:])

    init(lifetime: Duration) { self.lifetime = lifetime }

    /// The grant is checked for its shape only; every client and refresh token is known here.
    func answer(_ request: SimulatorRequest, now: Timestamp) throws -> VendorAnswer {
        let form = Dictionary(request.form.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        guard form["grant_type"] == "refresh_token",
            ["client_id", "client_secret", "refresh_token"].allSatisfy({ form[$0]?.isEmpty == false })
        else {
            throw VendorFailure(400, "invalid_request", "a refresh needs client_id, client_secret and refresh_token")
        }
        let end = now.advanced(by: lifetime)
        let token = issued.withLock { issued in
            let token = "simulated-access-\(issued.count + 1)"
            issued[token] = end
            return token
        }
        return VendorAnswer([
            "access_token": .string(token), "token_type": "Bearer",
            "expires_in": .number(Int(lifetime.components.seconds)),
        ])
    }

    func isGood(_ token: String, now: Timestamp) -> Bool { issued.withLock { $0[token] }.map { now < $0 } ?? false }
}
