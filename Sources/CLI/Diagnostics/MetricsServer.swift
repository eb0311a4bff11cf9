// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import NIOCore
import NIOHTTP1
import NIOPosix

/// Answers `GET /metrics` while work goes on; everything else is 404. One small answer a scrape, nothing else.
enum MetricsServer {
    private typealias Channel = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    /// Serves at `address` for the time of `body`.
    ///
    /// - Parameters:
    ///   - address: `127.0.0.1:9464`, `[::1]:9464` or `:9464` (loopback); port 0 = any free one.
    ///   - ready: told the port.
    ///   - metrics: makes the text of one answer.
    /// - Throws: what `body` throws; `invalidSetting` if the address is none or cannot be listened at.
    static func serving<R: Sendable>(
        at address: String, ready: @Sendable (Int) -> Void,
        metrics: @escaping @Sendable () async throws -> String, _ body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        let (host, port) = try parse(address)
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result: Result<R, any Error>
        do {
            let listener = try await listen(host, port, loops)
            ready(listener.channel.localAddress?.port ?? port)
            result = .success(try await serve(listener, metrics, body))
        } catch {
            result = .failure(error)
        }
        try await loops.shutdownGracefully()
        return try result.get()
    }

    private static func serve<R: Sendable>(
        _ listener: NIOAsyncChannel<Channel, Never>, _ metrics: @escaping @Sendable () async throws -> String,
        _ body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await connection in connections {
                            group.addTask { await answer(connection, metrics) }
                        }
                    }
                }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    /// Answers the requests of one connection; one that breaks concerns nobody else.
    private static func answer(_ connection: Channel, _ metrics: @Sendable () async throws -> String) async {
        do {
            try await connection.executeThenClose { parts, answers in
                var head: HTTPRequestHead?
                for try await part in parts {
                    if case .head(let request) = part { head = request }
                    guard case .end = part, let request = head else { continue }
                    let isKnown = request.method == .GET && request.uri.split(separator: "?").first == "/metrics"
                    let text = isKnown ? try await metrics() : "not found\n"
                    let headers: HTTPHeaders = [
                        "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
                        "Content-Length": String(text.utf8.count),
                    ]
                    let status: HTTPResponseStatus = isKnown ? .ok : .notFound
                    try await answers.write(.head(.init(version: request.version, status: status, headers: headers)))
                    try await answers.write(.body(.byteBuffer(ByteBuffer(string: text))))
                    try await answers.write(.end(nil))
                    guard request.isKeepAlive else { return }
                }
            }
        } catch { return }
    }

    private static func listen(
        _ host: String, _ port: Int, _ loops: MultiThreadedEventLoopGroup
    ) async throws -> NIOAsyncChannel<Channel, Never> {
        do {
            return try await ServerBootstrap(group: loops)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                            withPipeliningAssistance: false, withErrorHandling: true)
                        return try Channel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw MigratezError(
                .invalidSetting, "metrics cannot be served at \(host):\(port)", remedy: .fixConfiguration,
                hint: "choose another --metrics-listen", cause: error)
        }
    }

    private static func parse(_ address: String) throws(MigratezError) -> (host: String, port: Int) {
        guard let colon = address.lastIndex(of: ":"),
            let port = Int(address[address.index(after: colon)...]), (0...65_535).contains(port)
        else {
            throw MigratezError(
                .invalidSetting, "'\(address)' is not an address to listen at", remedy: .fixConfiguration,
                hint: "write it as 127.0.0.1:9464")
        }
        let host = address[..<colon].drop { $0 == "[" }.prefix { $0 != "]" }
        return (host.isEmpty ? "127.0.0.1" : String(host), port)
    }
}
