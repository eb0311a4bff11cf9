// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

/// Pieces of one content on their way from the source to a chunk: one task puts them in, one takes them out, and whoever
/// is ahead waits.
final class PieceBuffer: Sendable {
    private struct State {
        var pieces: [[UInt8]] = []
        var bytes = 0
        /// How it ended, once the last piece has been put in.
        var end: Result<Void, any Error>?
        /// Nobody takes any more.
        var isClosed = false
        var producer: CheckedContinuation<Void, Never>?
        var consumer: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    /// How many bytes may wait.
    private let bytesMax: Int

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Puts a piece in, once there is room for it.
    ///
    /// - Throws: `CancellationError` if nobody takes any more.
    func send(_ piece: [UInt8]) async throws {
        while true {
            let (isIn, consumer) = try state.withLock { state in
                guard !state.isClosed else { throw CancellationError() }
                guard state.bytes < bytesMax else { return (false, nil) as (Bool, CheckedContinuation<Void, Never>?) }
                state.pieces.append(piece)
                state.bytes += piece.count
                return (true, state.consumer.take())
            }
            consumer?.resume()
            if isIn { return }
            await withCheckedContinuation { continuation in
                let hasRoom = state.withLock { state in
                    if state.isClosed || state.bytes < bytesMax { return true }
                    state.producer = continuation
                    return false
                }
                if hasRoom { continuation.resume() }
            }
        }
    }

    /// Says that no more pieces come, and whether these were all.
    func finish(_ end: Result<Void, any Error>) {
        let consumer = state.withLock { state in
            state.end = end
            return state.consumer.take()
        }
        consumer?.resume()
    }

    /// The next piece; `nil` after the last one. Throws what the source threw.
    func next() async throws -> [UInt8]? {
        while true {
            var producer: CheckedContinuation<Void, Never>?
            let taken: (piece: [UInt8]?, isEnd: Bool) = try state.withLock { state in
                guard !state.pieces.isEmpty else {
                    try state.end?.get()
                    return (nil, state.end != nil)
                }
                let piece = state.pieces.removeFirst()
                state.bytes -= piece.count
                producer = state.producer.take()
                return (piece, false)
            }
            producer?.resume()
            if taken.isEnd { return nil }
            if let piece = taken.piece { return piece }
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if !state.pieces.isEmpty || state.end != nil { return true }
                    state.consumer = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        }
    }

    /// Ends the taking: whoever puts in is told so.
    func close() {
        let producer = state.withLock { state in
            state.isClosed = true
            state.pieces = []
            state.bytes = 0
            return state.producer.take()
        }
        producer?.resume()
    }
}
