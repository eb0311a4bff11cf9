// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezPipeline
import Testing

/// What limits a run follows from where its time went.
@Suite struct `The limit of a run` {
    private static func shares(_ change: (inout WaitShares) -> Void) -> WaitShares {
        var shares = WaitShares()
        shares.cores = 4
        change(&shares)
        return shares
    }

    static let cases: [(WaitShares, Bottleneck?)] = [
        (
            shares {
                $0.sourceRate = 0.6
                $0.sourceBusy = 0.4
            }, .sourceRate
        ),
        (
            shares {
                $0.sourceRate = 0.1
                $0.sourceBusy = 0.9
            }, .source
        ),
        (
            shares {
                $0.sourceBusy = 0.6
                $0.targetBusy = 0.95
            }, .target
        ),
        (
            shares {
                $0.sourceBusy = 0.9
                $0.targetRate = 0.7
                $0.targetBusy = 0.3
            }, .targetRate
        ),
        (
            shares {
                $0.targetBusy = 0.9
                $0.targetSlots = 0.9
                $0.isThrottled = true
            }, .targetConcurrency
        ),
        (
            shares {
                $0.targetBusy = 0.9
                $0.targetSlots = 0.9
            }, .target
        ),
        (
            shares {
                $0.targetBusy = 0.9
                $0.disk = 0.5
            }, .disk
        ),
        (
            shares {
                $0.targetBusy = 0.9
                $0.coresBusy = 3.8
            }, .cpu
        ),
        (
            shares {
                $0.sourceBusy = 0.2
                $0.targetBusy = 0.1
                $0.coresBusy = 0.95
            }, .cpu
        ),
        (
            shares {
                $0.sourceBusy = 0.9
                $0.targetBusy = 0.7
                $0.isExtracting = false
            }, .target
        ),
        (
            shares {
                $0.sourceBusy = 0.2
                $0.coresBusy = 0.1
            }, nil
        ),
    ]

    @Test(arguments: cases.indices) func `is what it waits for most`(_ index: Int) {
        #expect(Self.cases[index].0.bottleneck == Self.cases[index].1)
    }

    @Test func `shares are those of the period, not of the whole run`() {
        var earlier = WaitTotals()
        earlier.sourceRate = .seconds(100)
        earlier.processor = .seconds(7)
        var now = earlier
        now.sourceRate = .seconds(105)
        now.targetBusy = .seconds(2)
        now.targetWrites = .seconds(30)
        now.processor = .seconds(22)
        let shares = now.shares(since: earlier, over: .seconds(10))
        #expect(shares.sourceRate == 0.5)
        #expect(shares.targetBusy == 1)
        #expect(shares.coresBusy == 1.5)
        #expect(shares.sourceBusy == 0)
    }
}
