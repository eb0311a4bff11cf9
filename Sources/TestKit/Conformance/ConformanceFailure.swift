// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// What a connector does not do that its contract asks for.
package struct ConformanceFailure: Error, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}

/// What goes wrong on the other side for some of the next requests.
package enum ConformanceFault: Sendable, CaseIterable {
    /// Refused: too many requests, come back in a second.
    case throttled
    /// Refused by a server that fails for the moment.
    case failing
    /// The connection ends before anything was done.
    case lost
    /// What was asked for is done, and the connection ends before the answer.
    case lostAnswer
    /// What was asked for is done, and the answer is cut off although its length looks right.
    case cutOff
}

/// Throws unless the condition holds.
func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(ConformanceFailure) {
    guard condition else { throw ConformanceFailure(message()) }
}

/// The error with which `body` ends.
func requireError(_ what: String, _ body: () async throws -> Void) async throws -> MigratezError {
    do {
        try await body()
    } catch let error as MigratezError {
        return error
    }
    throw ConformanceFailure("\(what) was not refused")
}
