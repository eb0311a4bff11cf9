// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Carries the pieces of a request body from the task that produces them to the event loop that sends them.
///
/// One piece lies in the pipe while the next is being produced; `put` waits until there is room.
final class UploadPipe: Sendable {
    /// What the loop gets when it asks for bytes.
    enum Reading: Equatable {
        case bytes(Int)
        /// Nothing there yet; the loop pauses, and `put` will ask to be woken.
        case nothingYet
        case end
        /// The producer gave fewer bytes than announced.
        case tooShort
    }

    private struct State {
        var piece: [UInt8] = []
        var offset = 0
        var waiting: (piece: [UInt8], continuation: CheckedContinuation<Bool, Never>)?
        var isLoopWaiting = false
        var hasEnded = false
        var isClosed = false
        var bytesPut = 0
        var failure: (any Error)?
    }

    private let length: Int?
    private let state = ThreadLock(State())

    init(length: Int?) { self.length = length }

    /// Why the producer failed, if it did.
    var failure: (any Error)? { state.withLock { $0.failure } }
    /// Whether the loop waits for the producer: then a pause is not the connection's fault.
    var isLoopWaiting: Bool { state.withLock { $0.isLoopWaiting } }

    /// Hands a piece over; returns when there is room for the next. `false` = nobody reads any more.
    ///
    /// - Throws: `UploadLengthError` if the pieces are more than was announced.
    func put(_ piece: [UInt8], wake: () -> Void) async throws -> Bool {
        if piece.isEmpty { return state.withLock { !$0.isClosed } }
        let isTooLong = state.withLock { state in
            state.bytesPut += piece.count
            return length.map { state.bytesPut > $0 } ?? false
        }
        if isTooLong { throw UploadLengthError() }
        enum Step { case refused, stored(wakes: Bool), full }
        let step = state.withLock { state -> Step in
            if state.isClosed { return .refused }
            guard state.offset == state.piece.count else { return .full }
            (state.piece, state.offset) = (piece, 0)
            defer { state.isLoopWaiting = false }
            return .stored(wakes: state.isLoopWaiting)
        }
        switch step {
        case .refused: return false
        case .stored(let wakes):
            if wakes { wake() }
            return true
        case .full: break
        }
        // The loop may have emptied the pipe since; then the piece is stored at once after all.
        var wakes = false
        let isAccepted = await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                if state.isClosed { return false }
                if state.offset == state.piece.count {
                    (state.piece, state.offset) = (piece, 0)
                    wakes = state.isLoopWaiting
                    state.isLoopWaiting = false
                    return true
                }
                state.waiting = (piece, continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
        if wakes { wake() }
        return isAccepted
    }

    /// The producer has no more.
    func end(wake: () -> Void) {
        let wakes = state.withLock { state in
            state.hasEnded = true
            defer { state.isLoopWaiting = false }
            return state.isLoopWaiting
        }
        if wakes { wake() }
    }

    /// Notes why the producer gave up; the transfer has to be cancelled by the caller.
    func fail(_ error: any Error) { state.withLock { $0.failure = error } }

    /// Nobody reads any more: a producer that waits is let go.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            state.piece = []
            state.offset = 0
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.continuation.resume(returning: false)
    }

    /// Called by the loop: copies what there is to `target`.
    func read(into target: UnsafeMutableRawBufferPointer) -> Reading {
        let (reading, released) = state.withLock { state -> (Reading, CheckedContinuation<Bool, Never>?) in
            let count = min(target.count, state.piece.count - state.offset)
            guard count > 0 else {
                guard state.hasEnded else {
                    state.isLoopWaiting = true
                    return (.nothingYet, nil)
                }
                return (length.map { state.bytesPut < $0 } ?? false ? .tooShort : .end, nil)
            }
            state.piece.withUnsafeBytes { bytes in
                target.baseAddress?.copyMemory(from: bytes.baseAddress! + state.offset, byteCount: count)
            }
            state.offset += count
            guard state.offset == state.piece.count else { return (.bytes(count), nil) }
            (state.piece, state.offset) = (state.waiting?.piece ?? [], 0)
            defer { state.waiting = nil }
            return (.bytes(count), state.waiting?.continuation)
        }
        released?.resume(returning: true)
        return reading
    }
}

/// The pieces of a streamed body are more, or fewer, than its announced length.
struct UploadLengthError: Error {}
