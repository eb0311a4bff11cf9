// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CCurl
import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The event loop: one thread that owns the multi handle, all connections and all transfers under way.
///
/// Tasks reach it through an inbox and a wake-up; it reaches them through the transfers' completions and pipes. Nothing
/// but the inbox is shared.
final class CurlEngine: @unchecked Sendable {
    // Sound to share: `multi` is used by the loop's thread, and by others for `curl_multi_wakeup` only, which libcurl
    // allows from any thread, and not after `hasStopped`; the other variables belong to the loop's thread.

    private enum Command {
        case start(CurlTransfer)
        case cancel(CurlTransfer)
        /// The consumer of the answer has caught up.
        case receive(CurlTransfer)
        /// The producer of the body has a piece.
        case send(CurlTransfer)
    }

    private struct Inbox {
        var commands: [Command] = []
        var isStopping = false
        var hasStopped = false
    }

    private let limits: TransportConfiguration
    private let multi: UnsafeMutableRawPointer
    private let inbox = ThreadLock(Inbox())
    private let statisticsByHost = ThreadLock([String: HostStatistics]())

    private var transfers: [UnsafeMutableRawPointer: CurlTransfer] = [:]
    private var spareHandles: [UnsafeMutableRawPointer] = []
    private var startedCount = 0
    /// Bytes of the bodies that are being collected whole.
    private var bytesCollected = 0
    private var lastCheck = ContinuousClock.now

    /// Starts the thread.
    init(_ limits: TransportConfiguration) throws(MigratezError) {
        guard CurlEngine.isLibraryReady, let multi = curl_multi_init() else {
            throw MigratezError(.internalError, "libcurl cannot be started")
        }
        self.limits = limits
        self.multi = multi
        _ = mz_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, limits.connectionsPerHostMax)
        _ = mz_multi_set_long(multi, CURLMOPT_MAXCONNECTS, limits.connectionsPerHostMax)
        _ = mz_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        var thread = pthread_t()
        let engine = Unmanaged.passRetained(self)
        guard pthread_create(&thread, nil, runLoop, engine.toOpaque()) == 0 else {
            engine.release()
            curl_multi_cleanup(multi)
            throw MigratezError(.internalError, "no thread for the network")
        }
        pthread_detach(thread)
    }

    /// Ends the thread once the transfers that are under way have been cancelled.
    func stop() {
        inbox.withLock { inbox in
            inbox.isStopping = true
            if !inbox.hasStopped { curl_multi_wakeup(multi) }
        }
    }

    func start(_ transfer: CurlTransfer) { post(.start(transfer)) }
    /// Safe before, during and after the transfer.
    func cancel(_ transfer: CurlTransfer) { post(.cancel(transfer)) }
    func resumeReceiving(_ transfer: CurlTransfer) { post(.receive(transfer)) }
    func resumeSending(_ transfer: CurlTransfer) { post(.send(transfer)) }

    /// What was done so far, by host.
    var statistics: [String: HostStatistics] { statisticsByHost.withLock { $0 } }

    private func post(_ command: Command) {
        inbox.withLock { inbox in
            if inbox.hasStopped { return }
            // The loop takes the whole inbox after a wake-up: only the first command needs one.
            let wakes = inbox.commands.isEmpty
            inbox.commands.append(command)
            if wakes { curl_multi_wakeup(multi) }
        }
    }

    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    // MARK: On the loop's thread

    fileprivate func run() {
        while true {
            let (commands, isStopping) = inbox.withLock { inbox in
                defer { inbox.commands.removeAll(keepingCapacity: true) }
                return (inbox.commands, inbox.isStopping)
            }
            for command in commands { carryOut(command) }
            if isStopping { break }
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            takeMessages()
            applyPauses()
            checkStalls()
            // A second, so that stalls are found; libcurl shortens it by its own timers.
            curl_multi_poll(multi, nil, 0, transfers.isEmpty ? 60_000 : 1000, nil)
        }
        for transfer in Array(transfers.values) { finish(transfer, .failure(CancellationError())) }
        inbox.withLock { $0.hasStopped = true }
        for handle in spareHandles { curl_easy_cleanup(handle) }
        curl_multi_cleanup(multi)
    }

    private func carryOut(_ command: Command) {
        switch command {
        case .start(let transfer): begin(transfer)
        case .cancel(let transfer):
            transfer.isCancelled = true
            if transfer.easy != nil { finish(transfer, .failure(CancellationError())) }
        case .receive(let transfer): setPaused(transfer, false)
        case .send(let transfer): if let easy = transfer.easy { unpauseSending(easy, of: transfer) }
        }
    }

    private func begin(_ transfer: CurlTransfer) {
        guard !transfer.isCancelled else { return complete(transfer, .failure(CancellationError())) }
        guard let easy = spareHandles.popLast() ?? curl_easy_init() else {
            return complete(transfer, .failure(transfer.failure(.internalError, "no memory for a request")))
        }
        startedCount += 1
        transfer.number = startedCount
        transfer.configure(easy)
        transfers[easy] = transfer
        if let refusal = transfer.refusal { return finish(transfer, .failure(refusal)) }
        guard curl_multi_add_handle(multi, easy) == CURLM_OK else {
            return finish(transfer, .failure(transfer.failure(.internalError, "libcurl refuses the request")))
        }
    }

    private func takeMessages() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let transfer = transfers[easy]
            else { continue }
            finish(transfer, result(of: transfer, code: mz_message_result(message)))
        }
    }

    private func result(of transfer: CurlTransfer, code: CURLcode) -> Result<HTTPResponse, any Error> {
        if let refusal = transfer.refusal { return .failure(refusal) }
        if code == CURLE_OK, let head = transfer.head {
            return .success(HTTPResponse(head: head, body: transfer.body))
        }
        // Other addresses of the same name may do; only if none does is this the reason.
        if code == CURLE_COULDNT_CONNECT, let error = transfer.reachFailure { return .failure(error) }
        let code = code == CURLE_OK ? CURLE_WEIRD_SERVER_REPLY : code
        return .failure(CurlFailure.error(code, subject: transfer.subject, stage: transfer.stage))
    }

    /// Takes the transfer out of libcurl and tells its task; idempotent.
    private func finish(_ transfer: CurlTransfer, _ result: Result<HTTPResponse, any Error>) {
        guard let easy = transfer.easy else { return }
        count(transfer, easy: easy, result)
        curl_multi_remove_handle(multi, easy)
        transfers[easy] = nil
        transfer.release()
        // One that was torn out of its work keeps buffers, and libcurl then refuses some options for its next.
        if case .success = result, spareHandles.count < 32 {
            curl_easy_reset(easy)
            spareHandles.append(easy)
        } else {
            curl_easy_cleanup(easy)
        }
        complete(transfer, result)
    }

    private func complete(_ transfer: CurlTransfer, _ result: Result<HTTPResponse, any Error>) {
        let completion = transfer.completion
        transfer.completion = nil
        transfer.body = []
        transfer.upload?.close()
        if case .pieces(let pipe) = transfer.delivery { pipe.finish(result.map { _ in }) }
        completion?(result)
    }

    private func count(
        _ transfer: CurlTransfer, easy: UnsafeMutableRawPointer, _ result: Result<HTTPResponse, any Error>
    ) {
        statisticsByHost.withLock { byHost in
            var host = byHost[transfer.url.host] ?? HostStatistics()
            host.requests += 1
            if case .failure = result { host.failures += 1 }
            host.bytesSent += Int(mz_easy_info_offset(easy, CURLINFO_SIZE_UPLOAD_T))
            host.bytesReceived += Int(mz_easy_info_offset(easy, CURLINFO_SIZE_DOWNLOAD_T))
            host.bytesDecoded += transfer.bytesDecoded
            host.waited += .microseconds(Int64(mz_easy_info_offset(easy, CURLINFO_STARTTRANSFER_TIME_T)))
            host.connections += mz_easy_info_long(easy, CURLINFO_NUM_CONNECTS)
            byHost[transfer.url.host] = host
        }
    }

    // MARK: Pauses

    /// Pauses what has asked for it, and, while too much is being collected, all collectors but the oldest: that one
    /// goes on in any case, so that the room is bounded by the limit plus one answer and no two wait for each other.
    private func applyPauses() {
        bytesCollected = transfers.values.reduce(0) { $0 + $1.body.count }
        let isFull = bytesCollected > limits.receiveBytesMax.bytes
        let collectors = transfers.values.lazy.filter { !$0.body.isEmpty }
        let oldest = isFull ? collectors.map(\.number).min() : nil
        for transfer in transfers.values {
            switch transfer.delivery {
            case .pieces(let pipe):
                guard transfer.wantsPause else { continue }
                transfer.wantsPause = false
                if pipe.pause() { setPaused(transfer, true) }
            case .whole:
                setPaused(transfer, isFull && !transfer.body.isEmpty && transfer.number != oldest)
            }
        }
    }

    private func setPaused(_ transfer: CurlTransfer, _ isPaused: Bool) {
        guard let easy = transfer.easy, transfer.isReceivePaused != isPaused else { return }
        transfer.isReceivePaused = isPaused
        transfer.stall.restart()
        pause(easy, of: transfer)
    }

    private func unpauseSending(_ easy: UnsafeMutableRawPointer, of transfer: CurlTransfer) {
        pause(easy, of: transfer)
    }

    /// Sets both directions at once, as libcurl wants it: sending is never kept paused here, the read callback asks for
    /// a pause again if it still has nothing.
    private func pause(_ easy: UnsafeMutableRawPointer, of transfer: CurlTransfer) {
        let code = curl_easy_pause(easy, transfer.isReceivePaused ? CURLPAUSE_RECV : CURLPAUSE_CONT)
        if code != CURLE_OK { finish(transfer, result(of: transfer, code: code)) }
    }

    // MARK: Stalls

    private func checkStalls() {
        let now = ContinuousClock.now
        guard lastCheck.duration(to: now) >= .milliseconds(250) else { return }
        lastCheck = now
        for transfer in Array(transfers.values) {
            let isSending = transfer.bytesTaken > 0 && !transfer.hasTakenAll && transfer.upload?.isLoopWaiting != true
            let isReceiving = transfer.head != nil && !transfer.isReceivePaused
            guard transfer.stall.check(isMoving: isSending || isReceiving, at: now) else { continue }
            finish(transfer, .failure(transfer.failure(.timedOut, "the transfer has come to a stand-still")))
        }
    }
}

/// Formed here, outside any actor: a C callback that is formed on the main actor traps on another thread.
private let runLoop: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { pointer in
    // Signals go to the threads that expect them; SIGPIPE, which OpenSSL's writes may raise, to nobody.
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    if let pointer { Unmanaged<CurlEngine>.fromOpaque(pointer).takeRetainedValue().run() }
    return nil
}
