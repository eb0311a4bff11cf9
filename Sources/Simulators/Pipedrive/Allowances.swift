// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezSimulatorKit
import Synchronization

/// The two limits: requests of one token in two seconds, and the company's tokens of a day.
///
/// Source: pipedrive.readme.io, "Rate limiting". That the day is used up shows by a 429 although the window has room; no
/// header tells what is left of it.
final class Allowances: Sendable {
    private struct Day {
        var number: Int64 = .min
        var used = 0
    }

    private let burst: RequestAllowance?
    private let dailyTokens: Int?
    private let clock: any WallClock
    private let day = Mutex(Day())

    init(_ options: PipedriveOptions) {
        burst = options.burst.map {
            RequestAllowance(limit: $0.requests, window: $0.window, clock: options.clock)
        }
        dailyTokens = options.dailyTokens
        clock = options.clock
    }

    var used: Int { day.withLock { $0.used } }

    /// Counts a request.
    ///
    /// - Returns: whether it may be served, and the headers of the answer.
    func take(cost: Int) -> (isGranted: Bool, headers: [(String, String)]) {
        var headers: [(String, String)] = []
        if let burst {
            let verdict = burst.take()
            var remaining = 0
            if case .granted(let left, _) = verdict { remaining = left }
            headers = [
                ("x-ratelimit-limit", String(burst.limit)), ("x-ratelimit-remaining", String(remaining)),
                ("x-ratelimit-reset", "2"),
            ]
            guard case .granted = verdict else { return (false, headers) }
        }
        let number = clock.now.milliseconds.flooredDivision(by: 86_400_000)
        let isGranted = day.withLock { day in
            if day.number != number { day = Day(number: number) }
            guard day.used + cost <= dailyTokens ?? .max else { return false }
            day.used += cost
            return true
        }
        return (isGranted, headers)
    }
}
