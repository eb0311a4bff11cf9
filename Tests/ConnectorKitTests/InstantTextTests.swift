// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import Testing

@Suite("Points in time as vendors write them")
struct InstantTextTests {
    @Test(arguments: [
        ("2026-11-23T15:00:00.250+0000", "2026-11-23T15:00:00.250Z"),
        ("2026-11-23T15:00:00Z", "2026-11-23T15:00:00.000Z"),
        ("2026-11-23T15:00:00+00:00", "2026-11-23T15:00:00.000Z"),
        ("2026-11-23 15:00:00Z", "2026-11-23T15:00:00.000Z"),
        ("2026-11-23T15:00:00.5Z", "2026-11-23T15:00:00.500Z"),
        ("2026-11-23T15:00:00.0419999999Z", "2026-11-23T15:00:00.041Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
    ])
    func `an instant that names UTC is read`(_ text: String, _ instant: String) {
        #expect(InstantText.timestamp(text)?.description == instant)
        #expect(InstantText.moment(text)?.description == instant)
    }

    @Test(arguments: [
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("2026-01-31 13:05", "2026-01-31T13:05:00.000Z"),
        ("2026-01-31 13:05:07", "2026-01-31T13:05:07.000Z"),
        ("2026-01-31T13:05:00.123+02:00", "2026-01-31T11:05:00.123Z"),
        ("2026-01-01T00:30:00-0330", "2026-01-01T04:00:00.000Z"),
    ])
    func `a moment may be a day, be in another zone or in none`(_ text: String, _ instant: String) {
        #expect(InstantText.moment(text)?.description == instant)
        #expect(InstantText.timestamp(text) == nil)
    }

    @Test(arguments: [
        "", "2026", "2026-1-31", "2026-13-01", "2026-00-01", "2026-01-32", "26-01-31", "2026-01-31T", "2026-01-31Z",
        "2026-01-31T24:00:00Z", "2026-01-31T10:60:00Z", "2026-01-31T10:00:61Z", "2026-01-31T10:00:00.Z",
        "2026-01-31T10:00:00Z ", "2026-01-31T10:00:00+1", "2026-01-31T10:00:00+01:0", "٢٠٢٦-01-31", "1769866800000",
    ])
    func `anything else is neither`(_ text: String) {
        #expect(InstantText.timestamp(text) == nil)
        #expect(InstantText.moment(text) == nil)
    }
}
