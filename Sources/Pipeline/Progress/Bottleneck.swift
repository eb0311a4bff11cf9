// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// What the run waits for most, found out by measuring.
package enum Bottleneck: String, Sendable, CaseIterable {
    /// The source's rate budget holds requests back.
    case sourceRate = "source.rate"
    /// The source takes its time to answer.
    case source = "source"
    /// The destination's rate budget holds requests back.
    case targetRate = "target.rate"
    /// Fewer writes at once are allowed than the destination could take, because it showed signs of overload.
    case targetConcurrency = "target.concurrency"
    /// The destination takes its time to answer.
    case target = "target"
    /// This machine computes as fast as it can.
    case cpu = "cpu"
    /// Staging is full: reading waits until something was loaded.
    case disk = "disk"
}

/// Where the time of a period went: shares from 0 to 1 during which at least one task waited for that.
package struct WaitShares: Sendable, Equatable {
    package var sourceRate = 0.0
    /// A request to the source was under way.
    package var sourceBusy = 0.0
    package var targetRate = 0.0
    package var targetBusy = 0.0
    /// A batch waited for its turn to be written.
    package var targetSlots = 0.0
    package var disk = 0.0
    /// Cores' worth of computing: 1.5 = one and a half cores were busy.
    package var coresBusy = 0.0
    package var cores = 1
    /// Whether something is still to be read from the source.
    package var isExtracting = true
    /// Whether fewer writes at once are allowed than the destination's route could take.
    package var isThrottled = false

    package init() {}

    /// The limit; `nil` if nothing stands out.
    package var bottleneck: Bottleneck? {
        if disk >= 0.25 { return .disk }
        if coresBusy >= 0.85 * Double(cores) { return .cpu }
        let source = isExtracting ? min(1, sourceRate + sourceBusy) : 0
        let target = min(1, targetRate + targetBusy)
        guard max(source, target) >= 0.5 else { return coresBusy >= 0.7 ? .cpu : nil }
        if source > target { return sourceRate >= 0.3 ? .sourceRate : .source }
        if targetRate >= 0.3 { return .targetRate }
        return targetSlots >= 0.5 && isThrottled ? .targetConcurrency : .target
    }
}

/// How long was waited for what since the process began; the differences of two are shares.
package struct WaitTotals: Sendable, Equatable {
    package var sourceRate = Duration.zero
    package var sourceBusy = Duration.zero
    package var targetRate = Duration.zero
    package var targetBusy = Duration.zero
    /// A write was under way, whether a request of it was or not: a bulk job is waited for between requests, too.
    package var targetWrites = Duration.zero
    package var targetSlots = Duration.zero
    package var disk = Duration.zero
    package var processor = Duration.zero

    package init() {}

    /// The shares of a period that began with `earlier` and was that long.
    package func shares(since earlier: WaitTotals, over period: Duration) -> WaitShares {
        func share(_ total: KeyPath<WaitTotals, Duration>) -> Double {
            max(0, (self[keyPath: total] - earlier[keyPath: total]).seconds / period.seconds)
        }
        var shares = WaitShares()
        shares.sourceRate = min(1, share(\.sourceRate))
        shares.sourceBusy = min(1, share(\.sourceBusy))
        shares.targetRate = min(1, share(\.targetRate))
        shares.targetBusy = min(1, max(share(\.targetBusy), share(\.targetWrites)))
        shares.targetSlots = min(1, share(\.targetSlots))
        shares.disk = min(1, share(\.disk))
        shares.coresBusy = share(\.processor)
        return shares
    }
}
