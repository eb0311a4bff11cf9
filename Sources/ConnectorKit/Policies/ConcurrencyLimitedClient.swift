// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
package import MigratezTransport
import Synchronization

/// Lets so many calls through at once and no more, first come, first served.
///
/// A call has its place until its answer has ended, so a receiver of a stream must not make another call and wait for it.
package final class ConcurrencyLimitedClient: HTTPClient {
    private struct State {
        var free: Int
        var waiting: [(id: Int, continuation: CheckedContinuation<Void, any Error>)] = []
        var nextID = 0
    }

    private let base: any HTTPClient
    private let state: Mutex<State>

    package init(_ base: any HTTPClient, callsMax: Int) {
        precondition(callsMax >= 1, "somebody must be let through")
        self.base = base
        state = Mutex(State(free: callsMax))
    }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await enter()
        defer { leave() }
        return try await base.send(request)
    }

    package func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        try await enter()
        defer { leave() }
        try await base.stream(request, receive: receive, chunk: chunk)
    }

    /// Waits for a place; throws `CancellationError` if the task is cancelled before.
    private func enter() async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // A continuation is never resumed under the lock: it may run the waiting task at once.
                let result: Result<Void, any Error>? = state.withLock { state in
                    // The handler below may have run before: then it found nothing to cancel.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    guard state.free == 0 else {
                        state.free -= 1
                        return .success(())
                    }
                    state.waiting.append((id, continuation))
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let cancelled = state.withLock { state in
                state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
            }
            cancelled?.resume(throwing: CancellationError())
        }
    }

    /// Gives the place to whoever waits longest.
    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst().continuation }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
