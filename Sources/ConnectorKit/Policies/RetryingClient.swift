// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezTransport
import Synchronization

/// Sends again what may be sent again.
///
/// - What certainly was not carried out (never left this machine, or the server says so) is repeated whatever it is;
///   what may have been carried out only if the request is idempotent.
/// - A body that is a stream can be sent only once, so such a request is never repeated.
/// - When the attempts or the time are used up, the last answer is returned, or the last error thrown, as it is.
/// - If an answer that is returned asks for a wait, whatever is sent next waits that long, whoever sends it.
/// - Used-up quota, and a wait longer than `pauseAbove`, are thrown with the remedy `waitForQuota`.
package struct RetryingClient: HTTPClient {
    private let base: any HTTPClient
    private let policy: RetryPolicy
    private let clock: any WallClock
    private let quiet = Quiet()

    package init(_ base: any HTTPClient, policy: RetryPolicy, clock: any WallClock) {
        self.base = base
        self.policy = policy
        self.clock = clock
    }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        var attempts = Attempts(request, policy: policy, quiet: quiet)
        while true {
            try await quiet.keep(by: clock)
            let wait: Duration
            do {
                let response = try await base.send(request)
                guard let next = try attempts.wait(after: response, now: clock.now) else { return response }
                wait = next
            } catch let error as MigratezError {
                guard let next = attempts.wait(after: error) else { throw error }
                wait = next
            }
            try await clock.sleep(for: wait)
        }
    }

    package func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        var attempts = Attempts(request, policy: policy, quiet: quiet)
        while true {
            try await quiet.keep(by: clock)
            // A bad answer is held back until it is known whether it is the last; a good one passes at once, and then
            // nothing can be repeated any more.
            var held: HTTPResponse?
            var hasPassed = false
            let wait: Duration
            do {
                try await base.stream(request) { head in
                    if head.status < 400 {
                        hasPassed = true
                        try await receive(head)
                    } else {
                        held = HTTPResponse(head: head, body: [])
                    }
                } chunk: { bytes in
                    guard let response = held else { return try await chunk(bytes) }
                    guard response.body.count + bytes.count > RetryingClient.heldBytesMax else {
                        held?.body += bytes
                        return
                    }
                    held = nil
                    hasPassed = true
                    try await receive(response.head)
                    try await chunk(response.body + bytes)
                }
                guard let response = held else { return }
                guard let next = try attempts.wait(after: response, now: clock.now) else {
                    hasPassed = true
                    try await receive(response.head)
                    if !response.body.isEmpty { try await chunk(response.body) }
                    return
                }
                wait = next
            } catch let error as MigratezError {
                guard !hasPassed, let next = attempts.wait(after: error) else { throw error }
                wait = next
            }
            try await clock.sleep(for: wait)
        }
    }

    private static let heldBytesMax = 256 << 10
}

/// The attempts at one request so far.
private struct Attempts {
    private let request: HTTPRequest
    private let policy: RetryPolicy
    private let quiet: Quiet
    private var count = 0
    private var waited: Duration = .zero

    init(_ request: HTTPRequest, policy: RetryPolicy, quiet: Quiet) {
        self.request = request
        self.policy = policy
        self.quiet = quiet
    }

    /// How long to wait before the next attempt; `nil` = the answer stands.
    mutating func wait(after response: HTTPResponse, now: Timestamp) throws(MigratezError) -> Duration? {
        switch policy.verdict(response, now) {
        case .final: return nil
        case .quotaExhausted(let until):
            throw MigratezError(
                .quotaExhausted, "\(request): the allowance of requests is used up",
                remedy: .waitForQuota(until: until))
        case .refused(let asked):
            return try wait(asked: asked, isAllowed: true, now: now, status: response.status)
        case .transient(let asked):
            return try wait(asked: asked, isAllowed: request.isIdempotent, now: now, status: response.status)
        }
    }

    /// How long to wait before the next attempt; `nil` = the error stands.
    mutating func wait(after error: MigratezError) -> Duration? {
        guard case .retry(let asked) = error.remedy else { return nil }
        return next(asked: asked, isAllowed: request.isIdempotent || error.isSurelyNotSent)
    }

    private mutating func wait(
        asked: Duration?, isAllowed: Bool, now: Timestamp, status: Int
    ) throws(MigratezError) -> Duration? {
        if let asked, asked > policy.pauseAbove {
            throw MigratezError(
                .throttled, "\(request): the service answers \(status) and asks for a long pause",
                remedy: .waitForQuota(until: now.advanced(by: min(asked, .seconds(86_400)))))
        }
        let wait = next(asked: asked, isAllowed: isAllowed)
        if wait == nil, let asked, asked > .zero {
            quiet.begin(policy.wait(beforeAttempt: count + 1, asked: asked), at: now)
        }
        return wait
    }

    private mutating func next(asked: Duration?, isAllowed: Bool) -> Duration? {
        count += 1
        if case .stream = request.body { return nil }
        guard isAllowed, count < policy.attemptsMax else { return nil }
        let wait = policy.wait(beforeAttempt: count + 1, asked: asked)
        guard waited + wait <= policy.waitTotalMax else { return nil }
        waited += wait
        return wait
    }
}

/// The wait that a server asked for by an answer which was returned.
private final class Quiet: Sendable {
    private struct Pause: Equatable {
        var until: Timestamp
        var length: Duration
    }

    private let pause = Mutex<Pause?>(nil)

    /// Begins a wait; one that lasts longer goes on.
    func begin(_ length: Duration, at now: Timestamp) {
        let next = Pause(until: now.advanced(by: length), length: length)
        pause.withLock { pause in
            if let pause, pause.until > next.until { return }
            pause = next
        }
    }

    /// Waits for the rest of it, which is over for all when the first one has waited: a clock that is set back makes it
    /// no longer than it was.
    func keep(by clock: any WallClock) async throws {
        guard let due = pause.withLock({ $0 }) else { return }
        let rest = min(due.until.duration(since: clock.now), due.length)
        if rest > .zero { try await clock.sleep(for: rest) }
        pause.withLock { if $0 == due { $0 = nil } }
    }
}
