// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CCurl
package import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The HTTP client: libcurl behind async calls. A process makes one and shares it.
///
/// - Connections are kept and shared; HTTP/2 where the server offers it (not for streams).
/// - TLS 1.2 or newer, the certificate always checked; plain http to loopback addresses only; redirects are answers.
/// - Connections are made to addresses within the request's reach only, whatever a host's name resolves to.
/// - `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured for https as other programs do; TLS stays end to end through a
///   proxy. No other variable, no `.netrc`, no cookies.
/// - A request that is not idempotent goes out once at most: where libcurl would silently send it again on a new
///   connection because a kept one has died, it fails with `fateUnknown` instead.
package final class CurlClient: HTTPClient {
    private let limits: TransportConfiguration
    private let engine: CurlEngine

    /// - Throws: `fileNotFound` if the extra certificates cannot be read.
    package init(_ limits: TransportConfiguration = TransportConfiguration()) throws(MigratezError) {
        if let file = limits.extraCertificates, access(file, R_OK) != 0 {
            throw MigratezError(
                .fileNotFound, "the file of certificate authorities cannot be read: \(file)", remedy: .fixConfiguration)
        }
        self.limits = limits
        engine = try CurlEngine(limits)
    }

    deinit { engine.stop() }

    /// `libcurl/7.88.1 OpenSSL/3.0.17 …`: what the system's libraries say of themselves.
    package static var libraryVersion: String { curl_version().map { String(cString: $0) } ?? "libcurl" }

    /// What was done so far, by host.
    package var statistics: [String: HostStatistics] { engine.statistics }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let transfer = try CurlTransfer(request, delivery: .whole, limits: limits)
        return try await withBody(of: transfer) {
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    transfer.completion = { continuation.resume(with: $0) }
                    engine.start(transfer)
                }
            } onCancel: {
                engine.cancel(transfer)
            }
        }
    }

    package func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        let pipe = ResponsePipe()
        let transfer = try CurlTransfer(request, delivery: .pieces(pipe), limits: limits)
        // Whatever ends this early (an error of the consumer, say) ends the transfer too.
        defer { engine.cancel(transfer) }
        try await withBody(of: transfer) {
            try await withTaskCancellationHandler {
                engine.start(transfer)
                while true {
                    switch try await pipe.next(resume: { engine.resumeReceiving(transfer) }) {
                    case .head(let head): try await receive(head)
                    case .bytes(let bytes): try await chunk(bytes)
                    case .end: return
                    }
                }
            } onCancel: {
                engine.cancel(transfer)
            }
        }
    }

    /// Runs `exchange` and, beside it, the producer of a streamed body.
    private func withBody<R>(of transfer: CurlTransfer, _ exchange: () async throws -> R) async throws -> R {
        try Task.checkCancellation()
        guard case .stream(_, let produce) = transfer.request.body, let upload = transfer.upload else {
            return try await exchange()
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            let engine = engine
            group.addTask {
                let wake = { engine.resumeSending(transfer) }
                do {
                    while let piece = try await produce() {
                        guard try await upload.put(piece, wake: wake) else { return }
                    }
                    upload.end(wake: wake)
                } catch {
                    upload.fail(error is UploadLengthError ? transfer.bodyTooLong : error)
                    engine.cancel(transfer)
                }
            }
            do {
                let result = try await exchange()
                upload.close()
                group.cancelAll()
                return result
            } catch {
                // Looked at before the producer is cancelled, which may fail it in turn.
                let failure = upload.failure
                upload.close()
                engine.cancel(transfer)
                group.cancelAll()
                throw Task.isCancelled ? error : failure ?? error
            }
        }
    }
}
