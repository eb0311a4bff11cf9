// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Looks at a job that a vendor works at until it has ended; asks ever less often.
package struct JobWatch: Sendable {
    /// A job may work for hours, or wait for others of its account; after a day something else is wrong.
    private static let waitMax = Duration.seconds(24 * 3600)
    /// Looks in a row that may fail.
    private static let failuresMax = 4

    private let clock: any WallClock
    private let pauses: ClosedRange<Duration>
    private let place: String
    private let mayPass: @Sendable (MigratezError) -> Bool

    /// - Parameters:
    ///   - pauses: between two looks, the first one and the longest.
    ///   - place: where people see the vendor's jobs: `Setup, Bulk Data Load Jobs`.
    ///   - mayPass: whether an error of a look says nothing of the job, so that another look makes sense.
    package init(
        clock: any WallClock, pauses: ClosedRange<Duration>, place: String,
        mayPass: @escaping @Sendable (MigratezError) -> Bool
    ) {
        self.clock = clock
        self.pauses = pauses
        self.place = place
        self.mayPass = mayPass
    }

    /// - Parameters:
    ///   - what: the job, for errors.
    ///   - look: what has become of it; `nil` as long as it is under way.
    /// - Throws: `timedOut` after a day.
    package func wait<Ended>(_ what: String, look: () async throws -> Ended?) async throws -> Ended {
        let deadline = clock.now.advanced(by: Self.waitMax)
        var pause = pauses.lowerBound
        var failures = 0
        while true {
            do {
                if let ended = try await look() { return ended }
                failures = 0
            } catch let error as MigratezError where mayPass(error) && failures < Self.failuresMax {
                failures += 1
            }
            guard clock.now < deadline else {
                throw MigratezError(
                    .timedOut, "\(what) did not end within a day", remedy: .stop,
                    hint: "look at the job in \(place); then resume")
            }
            try await clock.sleep(for: pause)
            pause = min(pause * 3 / 2, pauses.upperBound)
        }
    }
}
