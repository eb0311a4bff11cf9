// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezTransport

/// What a vendor's headers tell about the room that is left.
package struct RateHints: Sendable, Hashable {
    /// Requests left in the short window.
    package var windowRemaining: Int?
    /// When there will be room again if `windowRemaining` is 0.
    package var windowResetsAfter: Duration?
    /// Requests used of the day's allowance, by everybody who shares it.
    package var dailyUsed: Int?
    package var dailyLimit: Int?
    package var dailyResetsAt: Timestamp?

    package init(
        windowRemaining: Int? = nil, windowResetsAfter: Duration? = nil, dailyUsed: Int? = nil, dailyLimit: Int? = nil,
        dailyResetsAt: Timestamp? = nil
    ) {
        self.windowRemaining = windowRemaining
        self.windowResetsAfter = windowResetsAfter
        self.dailyUsed = dailyUsed
        self.dailyLimit = dailyLimit
        self.dailyResetsAt = dailyResetsAt
    }
}

/// Reads a vendor's rate headers; given by the connector.
package typealias RateHintsReader = @Sendable (HTTPResponseHead) -> RateHints?
