// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTestKit
import Testing

@Suite struct `A wait meter` {
    @Test func `counts the time in which somebody waits, however many they are`() {
        let clock = ManualClock()
        let meter = WaitMeter(clock: clock)
        #expect(meter.total == .zero)
        meter.begin()
        clock.advance(by: .seconds(2))
        meter.begin()
        clock.advance(by: .seconds(3))
        #expect(meter.waiting == 2)
        #expect(meter.total == .seconds(5), "those who wait now count, too")
        meter.end()
        clock.advance(by: .seconds(1))
        meter.end()
        clock.advance(by: .seconds(10))
        #expect(meter.total == .seconds(6))
        #expect(meter.waiting == 0)
    }

    @Test func `a clock that was set back measures nothing`() {
        let clock = ManualClock()
        let meter = WaitMeter(clock: clock)
        meter.begin()
        clock.jump(to: clock.now.advanced(by: .seconds(-100)))
        meter.end()
        #expect(meter.total == .zero)
    }
}
