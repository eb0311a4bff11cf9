// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
package import MigratezTransport
import Synchronization

/// Ends the work when so many calls in a row have failed: `gates.consecutive_errors` of the pipeline file.
///
/// Stands below the retries, so that every attempt counts: one that got no whole answer, or one of 5xx. Any other answer
/// starts the count anew, a refusal or a throttle, too: the service is there.
package final class FailureGate: HTTPClient {
    private let inner: any HTTPClient
    private let failuresMax: Int
    private let failures = Atomic(0)

    /// - Parameter failuresMax: so many failures in a row are one too many.
    package init(_ inner: any HTTPClient, failuresMax: Int) {
        self.inner = inner
        self.failuresMax = failuresMax
    }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let response: HTTPResponse
        do { response = try await inner.send(request) } catch { throw count(error) }
        if response.status >= 500 { try check(nil) } else { failures.store(0, ordering: .relaxed) }
        return response
    }

    package func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        do { try await inner.stream(request, receive: receive, chunk: chunk) } catch { throw count(error) }
        failures.store(0, ordering: .relaxed)
    }

    /// The error to pass on; a cancellation is nobody's failure.
    private func count(_ error: any Error) -> any Error {
        guard !(error is CancellationError) else { return error }
        do { try check(error) } catch { return error }
        return error
    }

    private func check(_ cause: (any Error)?) throws {
        guard failures.add(1, ordering: .relaxed).newValue >= failuresMax else { return }
        throw MigratezError(
            .gateBreached, "\(failuresMax) calls in a row have failed", remedy: .stop,
            hint: "look at the service, then: migratez resume", cause: cause)
    }
}
