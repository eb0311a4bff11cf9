// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Who waits for the next commit; the state machine behind `Manifest.commit`.
///
/// At most one drain is under way. Whoever submits while none is starts it; what is submitted meanwhile is taken by the
/// running one.
struct CommitQueue {
    /// What the submitter has to do.
    enum Action { case drain, wait }

    /// A change with somebody who waits for it.
    protocol Pending: AnyObject, Sendable {
        func run(_ transaction: ManifestTransaction) throws
        /// Its own changes were taken back; the others may still commit.
        func refuse(_ error: any Error)
        /// The transaction has ended; `failure` is nil if it is durable.
        func finish(_ failure: MigratezError?)
    }

    private var waiting: [any Pending] = []
    private var isDraining = false

    /// Puts `entry` behind the others.
    mutating func submit(_ entry: any Pending) -> Action {
        waiting.append(entry)
        if isDraining { return .wait }
        isDraining = true
        return .drain
    }

    /// Everything that waits; after an empty answer the drain is over.
    mutating func take() -> [any Pending] {
        let taken = waiting
        waiting.removeAll()
        isDraining = !taken.isEmpty
        return taken
    }

    /// One change and its continuation.
    // Sound: `run`, `refuse` and `finish` are called one after the other on the manifest's own queue.
    final class Entry<T: Sendable>: Pending, @unchecked Sendable {
        private let body: @Sendable (ManifestTransaction) throws -> T
        private let continuation: CheckedContinuation<T, any Error>
        private var result: Result<T, any Error>?

        init(
            body: @escaping @Sendable (ManifestTransaction) throws -> T,
            continuation: CheckedContinuation<T, any Error>
        ) {
            self.body = body
            self.continuation = continuation
        }

        func run(_ transaction: ManifestTransaction) throws { result = .success(try body(transaction)) }

        func refuse(_ error: any Error) { result = .failure(error) }

        func finish(_ failure: MigratezError?) {
            switch (result, failure) {
            case (.failure(let refusal), _): continuation.resume(throwing: refusal)
            case (_, let failure?): continuation.resume(throwing: failure)
            case (.success(let value), nil): continuation.resume(returning: value)
            case (nil, nil): preconditionFailure("a commit ended without running the change")
            }
        }
    }
}
