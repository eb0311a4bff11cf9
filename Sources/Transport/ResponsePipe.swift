// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Carries an answer from the event loop to the task that consumes it piece by piece.
final class ResponsePipe: Sendable {
    /// What comes next.
    enum Event {
        case head(HTTPResponseHead)
        case bytes([UInt8])
        case end
    }

    private struct State {
        var head: HTTPResponseHead?
        var bytes: [UInt8] = []
        var end: Result<Void, any Error>?
        var isPaused = false
        var waiter: CheckedContinuation<Event, any Error>?

        /// The next event, if there is one; a failure overtakes bytes that are of no use without the rest.
        mutating func take() -> Result<Event, any Error>? {
            if case .failure(let error) = end { return .failure(error) }
            if let head {
                self.head = nil
                return .success(.head(head))
            }
            if !bytes.isEmpty {
                let taken = bytes
                bytes = []
                return .success(.bytes(taken))
            }
            return end == nil ? nil : .success(.end)
        }
    }

    private let state = ThreadLock(State())

    /// The next part of the answer; `resume` asks the loop to go on after a pause.
    func next(resume: () -> Void) async throws -> Event {
        var wasPaused = false
        let event = try await withCheckedThrowingContinuation { continuation in
            let event = state.withLock { state -> Result<Event, any Error>? in
                guard let event = state.take() else {
                    state.waiter = continuation
                    return nil
                }
                if case .success(.bytes) = event {
                    wasPaused = state.isPaused
                    state.isPaused = false
                }
                return event
            }
            if let event { continuation.resume(with: event) }
        }
        if wasPaused { resume() }
        return event
    }

    /// Called by the loop when the head is complete.
    func begin(_ head: HTTPResponseHead) { _ = update { $0.head = head } }

    /// Called by the loop; returns how many bytes wait now.
    func append(_ bytes: UnsafeRawBufferPointer) -> Int {
        update { $0.bytes.append(contentsOf: bytes) }
    }

    /// Called by the loop before it pauses the transfer. `false` = the consumer has caught up, do not pause.
    func pause() -> Bool {
        state.withLock { state in
            state.isPaused = !state.bytes.isEmpty
            return state.isPaused
        }
    }

    /// Called by the loop once, at the end.
    func finish(_ result: Result<Void, any Error>) { _ = update { $0.end = result } }

    /// Changes the state and hands the next event to a consumer that waits; returns how many bytes wait then.
    private func update(_ change: (inout State) -> Void) -> Int {
        var delivery: (waiter: CheckedContinuation<Event, any Error>, event: Result<Event, any Error>)?
        let waiting = state.withLock { state in
            change(&state)
            if let waiter = state.waiter, let event = state.take() {
                state.waiter = nil
                delivery = (waiter, event)
            }
            return state.bytes.count
        }
        if let delivery { delivery.waiter.resume(with: delivery.event) }
        return waiting
    }
}
