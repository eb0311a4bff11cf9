// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Looks at a bulk job until it has ended.
struct BulkWatch: Sendable {
    /// A job waits for those of the whole organisation; after a day something else is wrong.
    private static let waitMax = Duration.seconds(24 * 3_600)
    /// Each look costs a credit.
    private static let pauseMin = Duration.seconds(1)
    private static let pauseMax = Duration.seconds(30)
    /// Looks in a row that may fail.
    private static let failuresMax = 4

    let clock: any WallClock

    /// - Parameters:
    ///   - what: the job, for errors.
    ///   - look: what has become of it; `nil` as long as it is under way.
    func wait<Ended>(_ what: String, look: () async throws -> Ended?) async throws -> Ended {
        let deadline = clock.now.advanced(by: Self.waitMax)
        var pause = Self.pauseMin
        var failures = 0
        while true {
            do {
                if let ended = try await look() { return ended }
                failures = 0
            } catch let error as MigratezError where error.mayPassAnew && failures < Self.failuresMax {
                // A look that fails says nothing of the job.
                failures += 1
            }
            guard clock.now < deadline else {
                throw MigratezError(
                    .timedOut, "\(what) has not ended within a day", remedy: .stop,
                    hint: "look at it in Setup, Data Administration; then resume")
            }
            try await clock.sleep(for: pause)
            pause = min(pause * 3 / 2, Self.pauseMax)
        }
    }
}
