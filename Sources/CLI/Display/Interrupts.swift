// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Dispatch
import MigratezModel
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A signal ended the work in good order.
struct Interruption: Error {
    /// SIGINT or SIGTERM.
    var signal: Int32

    /// As a shell says it: 130 or 143.
    var exitCode: ExitCode { ExitCode(128 + signal) }
}

/// Ctrl-C and SIGTERM: the first one ends the work in good order, the second one ends the process.
enum Interrupts {
    /// Runs `work`; a first signal cancels it after `onFirst` was called with its number.
    ///
    /// - Throws: what the work ends with; `Interruption` if that is nothing but its cancellation by a signal.
    static func cancelling<R: Sendable>(
        _ work: @escaping @Sendable () async throws -> R, onFirst: @escaping @Sendable (Int32) -> Void
    ) async throws -> R {
        try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                for await number in signals(onFirst: onFirst) { throw Interruption(signal: number) }
                return nil
            }
            defer { group.cancelAll() }
            var failure: (any Error)?
            while !group.isEmpty {
                do {
                    if let finished = try await group.next(), let result = finished { return result }
                } catch {
                    // After a signal the work is cancelled and ends with an error of its own, which says more.
                    if failure == nil || (failure is Interruption && !(error is CancellationError)) { failure = error }
                    group.cancelAll()
                }
            }
            throw failure ?? CancellationError()
        }
    }

    /// One element for the first signal.
    private static func signals(onFirst: @escaping @Sendable (Int32) -> Void) -> AsyncStream<Int32> {
        AsyncStream { continuation in
            let count = AtomicCount()
            // Neither is ignored until its source is registered, which happens later on a thread of Dispatch's: one that
            // came in between would be lost, and whoever sent it would wait for ever.
            let sources = [SIGINT, SIGTERM].map { number in
                let source = DispatchSource.makeSignalSource(signal: number)
                source.setEventHandler { @Sendable in
                    if count.next() > 1 { _exit(number == SIGINT ? 130 : 143) }
                    onFirst(number)
                    continuation.yield(number)
                }
                source.resume()
                return SignalSource(source: source)
            }
            continuation.onTermination = { _ in
                for source in sources { source.source.cancel() }
            }
        }
    }

    // Sound: a dispatch source may be cancelled from any thread.
    private struct SignalSource: @unchecked Sendable {
        let source: any DispatchSourceSignal
    }
}

/// Which signal came, if one did.
final class SignalRecord: Sendable {
    private let value = Atomic<Int32>(0)

    var number: Int32? {
        get {
            let number = value.load(ordering: .relaxed)
            return number == 0 ? nil : number
        }
        set { value.store(newValue ?? 0, ordering: .relaxed) }
    }
}

/// Counts calls from any thread.
private final class AtomicCount: Sendable {
    private let count = Atomic(0)

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
