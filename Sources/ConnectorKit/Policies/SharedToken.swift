// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import MigratezTransport
import Synchronization

/// The token that many requests share; however many find it expired at once, it is fetched once.
package final class SharedToken: Sendable {
    /// A token and which one in the row it is.
    package struct Grant: Sendable {
        package var token: AccessToken
        package var generation: Int
    }

    private struct State {
        var grant: Grant?
        var generation = 0
        var isFetching = false
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        /// What the last fetch failed with, for those who waited for it.
        var failures: [Int: any Error] = [:]
        var cancelled: Set<Int> = []
    }

    private enum Step {
        case use(Grant)
        case fetch
        case wait(Int)
    }

    package let provider: any TokenProvider
    private let clock: any WallClock
    private let state = Mutex(State())

    package init(_ provider: any TokenProvider, clock: any WallClock) {
        self.provider = provider
        self.clock = clock
    }

    /// A token that is good for a while.
    ///
    /// - Parameter refused: the generation that a server has refused; a later one is returned.
    package func grant(after refused: Int? = nil) async throws -> Grant {
        while true {
            try Task.checkCancellation()
            switch state.withLock({ step(&$0, refused: refused) }) {
            case .use(let grant): return grant
            case .fetch: return try await fetch()
            case .wait(let id):
                await wait(id)
                // Somebody else's fetch has ended. If it failed, so has ours; if it was merely cancelled, we look again.
                let failure = state.withLock { state in
                    state.cancelled.remove(id)
                    return state.failures.removeValue(forKey: id)
                }
                try Task.checkCancellation()
                if let failure { throw failure }
            }
        }
    }

    private func step(_ state: inout State, refused: Int?) -> Step {
        if let grant = state.grant, grant.generation != refused, !isExpiring(grant.token) { return .use(grant) }
        guard state.isFetching else {
            state.isFetching = true
            return .fetch
        }
        state.nextWaiter += 1
        return .wait(state.nextWaiter)
    }

    private func fetch() async throws -> Grant {
        do {
            let token = try await provider.fetch()
            let (grant, waiters) = state.withLock { state in
                state.generation += 1
                let grant = Grant(token: token, generation: state.generation)
                state.grant = grant
                return (grant, end(&state, failure: nil))
            }
            for waiter in waiters { waiter.resume() }
            return grant
        } catch {
            let error = SharedToken.beforeSending(error)
            let failure = error is CancellationError ? nil : error
            for waiter in state.withLock({ end(&$0, failure: failure) }) { waiter.resume() }
            throw error
        }
    }

    private func end(_ state: inout State, failure: (any Error)?) -> [CheckedContinuation<Void, Never>] {
        state.isFetching = false
        if let failure { for id in state.waiters.keys { state.failures[id] = failure } }
        defer { state.waiters = [:] }
        return Array(state.waiters.values)
    }

    private func wait(_ id: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // The fetch may have ended since, or the task may have been cancelled.
                    if state.cancelled.remove(id) != nil || !state.isFetching { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                let waiter = state.waiters.removeValue(forKey: id)
                if waiter == nil { state.cancelled.insert(id) }
                return waiter
            }
            waiter?.resume()
        }
    }

    /// A minute before its end a token counts as expired, so that it does not expire on the way.
    private func isExpiring(_ token: AccessToken) -> Bool {
        guard provider.isRenewable, let end = token.expiresAt else { return false }
        return end.duration(since: clock.now) < .seconds(60)
    }

    /// However the request for a token ended, the request that wanted it has not been sent.
    private static func beforeSending(_ error: any Error) -> any Error {
        guard var error = error as? MigratezError else { return error }
        if error.transportFailure != nil { error.cause = TransportFailure(stage: .notSent) }
        return error
    }
}
