// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransport
import Testing

@Suite struct RetryAfterTests {
    /// 1994-11-06T08:49:37Z, the instant of the examples in RFC 9110 §5.6.7.
    static let example = Timestamp(milliseconds: 784_111_777_000)

    @Test(arguments: ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
    func `the three forms of a date are read`(text: String) {
        #expect(HTTPDate.parse(text, now: Self.example) == Self.example)
    }

    @Test(arguments: [
        "", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Xxx 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 99999 08:49:37 GMT", "1994-11-06T08:49:37Z",
    ]) func `anything else is no date`(text: String) {
        #expect(HTTPDate.parse(text, now: Self.example) == nil)
    }

    @Test func `a year of two digits is at most fifty years ahead`() {
        let now = Timestamp(milliseconds: Timestamp.days(year: 2026, month: 1, day: 1) * 86_400_000)
        let near = HTTPDate.parse("Sunday, 06-Nov-76 08:49:37 GMT", now: now)
        let far = HTTPDate.parse("Sunday, 06-Nov-77 08:49:37 GMT", now: now)
        #expect(near?.description == "2076-11-06T08:49:37.000Z")
        #expect(far?.description == "1977-11-06T08:49:37.000Z")
    }

    @Test(arguments: [
        ("0", Duration.zero), ("120", .seconds(120)), ("1.5", .milliseconds(1500)),
        ("Sun, 06 Nov 1994 08:50:07 GMT", .seconds(30)), ("Sun, 06 Nov 1994 08:00:00 GMT", .zero),
        ("99999999999999999999999", RetryAfter.absurd), ("999999999999", RetryAfter.absurd),
    ]) func `a wait is read in every legal form`(text: String, wait: Duration) {
        #expect(RetryAfter.delay(HTTPHeaders([HTTPHeader("retry-after", text)]), now: Self.example) == wait)
    }

    @Test(arguments: ["", "-5", "soon", "1e3", "1.2.3", "0x10", "٣"]) func `what is not legal counts as absent`(
        text: String
    ) {
        #expect(RetryAfter.delay(HTTPHeaders([HTTPHeader("Retry-After", text)]), now: Self.example) == nil)
        #expect(RetryAfter.delay(HTTPHeaders(), now: Self.example) == nil)
    }

    @Test func `a clock that is wrong here does no harm`() {
        let headers = HTTPHeaders([
            HTTPHeader("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            HTTPHeader("Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT"),
        ])
        #expect(RetryAfter.delay(headers, now: Self.example.advanced(by: .seconds(-86_400))) == .seconds(10))
    }
}
