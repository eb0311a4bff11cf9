// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezTransport

/// When a request is sent again, and after how long.
package struct RetryPolicy: Sendable {
    /// Attempts in all, the first included.
    package var attemptsMax: Int
    /// The first wait lies between zero and this; each further one between zero and twice as much ("full jitter":
    /// M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    package var waitBase: Duration
    package var waitMax: Duration
    /// All waits for one request together.
    package var waitTotalMax: Duration
    /// If the server asks for a longer wait than this, the run pauses instead of this request waiting.
    package var pauseAbove: Duration
    /// What an answer means. Called with the body, so that vendors' codes can be looked at.
    package var verdict: @Sendable (HTTPResponse, Timestamp) -> ResponseVerdict
    /// A random number from 0 up to 1.
    package var random: @Sendable () -> Double

    package init(
        attemptsMax: Int = 8, waitBase: Duration = .milliseconds(500), waitMax: Duration = .seconds(60),
        waitTotalMax: Duration = .seconds(900), pauseAbove: Duration = .seconds(600),
        verdict: @escaping @Sendable (HTTPResponse, Timestamp) -> ResponseVerdict = ResponseVerdict.byStatus,
        random: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
    ) {
        self.attemptsMax = attemptsMax
        self.waitBase = waitBase
        self.waitMax = waitMax
        self.waitTotalMax = waitTotalMax
        self.pauseAbove = pauseAbove
        self.verdict = verdict
        self.random = random
    }

    /// The wait before attempt `number` (2 = the first repetition). What the server asks for is waited out, and up to a
    /// twentieth (at most a second) more, so that those who were refused together do not come back together.
    package func wait(beforeAttempt number: Int, asked: Duration?) -> Duration {
        if let asked, asked > .zero { return asked + min(asked / 20, .seconds(1)) * random() }
        let doublings = min(max(number - 2, 0), 20)
        return min(waitBase * (1 << doublings), waitMax) * random()
    }
}
