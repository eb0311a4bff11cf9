// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP/1.1 server on loopback that gives a `SimulatorService` a wire, and that wire its faults.
///
/// Connections are kept alive; requests on one connection are answered one after the other in their order, so
/// pipelining is safe. Paths below `/_simulator/` belong to the server (`ControlEndpoint`).
package struct SimulatorServer: Sendable {
    package struct Configuration: Sendable {
        /// 0 lets the system choose a free port.
        package var port: Int
        /// Threads that move bytes.
        package var eventLoops: Int
        /// Requests with a longer body are answered 413.
        package var bodyBytesMax: ByteCount
        /// Faults from the start; more can be posted to `/_simulator/faults`.
        package var faults: FaultPlan
        /// Decides which requests are hit: the same seed hits the same requests.
        package var seed: UInt64
        /// Rules simulated latency.
        package var clock: any WallClock

        package init(
            port: Int = 0, eventLoops: Int = 1, bodyBytesMax: ByteCount = .MiB(160), faults: FaultPlan = FaultPlan(),
            seed: UInt64 = 1, clock: any WallClock = SystemWallClock()
        ) {
            self.port = port
            self.eventLoops = eventLoops
            self.bodyBytesMax = bodyBytesMax
            self.faults = faults
            self.seed = seed
            self.clock = clock
        }
    }

    /// The port it listens on, 127.0.0.1 only.
    package let port: Int
    /// What it has been asked, by route.
    package let journal: Journal
    /// The faults that are due.
    package let faults: FaultInjector

    /// `http://127.0.0.1:PORT`
    package var baseURL: String { "http://127.0.0.1:\(port)" }

    /// Serves until `body` returns or throws, or the task is cancelled; then closes every connection and waits for
    /// all work to end.
    ///
    /// - Throws: what `body` throws, or `MigratezError` if the port cannot be bound.
    package static func run<Result: Sendable>(
        _ service: any SimulatorService, configuration: Configuration = Configuration(),
        _ body: (SimulatorServer) async throws -> Result
    ) async throws -> Result {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoops)
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await serve(service, configuration, on: loops, body))
        } catch {
            result = .failure(error)
        }
        try await loops.shutdownGracefully()
        return try result.get()
    }

    private static func serve<Result: Sendable>(
        _ service: any SimulatorService, _ configuration: Configuration, on loops: MultiThreadedEventLoopGroup,
        _ body: (SimulatorServer) async throws -> Result
    ) async throws -> Result {
        let listener = try await listen(configuration, on: loops)
        let server = SimulatorServer(
            port: listener.channel.localAddress?.port ?? 0, journal: Journal(),
            faults: FaultInjector(plan: configuration.faults, seed: configuration.seed))
        let context = Connection.Context(
            service: service, journal: server.journal, faults: server.faults, clock: configuration.clock)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await connection in connections {
                            group.addTask { await Connection(context, connection).serve() }
                        }
                        group.cancelAll()
                    }
                }
            }
            let outcome: Swift.Result<Result, any Error>
            do { outcome = .success(try await body(server)) } catch { outcome = .failure(error) }
            // The listening ends, and with it the list of connections; whoever takes them is not cancelled, as one that
            // was accepted and is taken by nobody is a fatal error of NIO's.
            listener.channel.close(promise: nil)
            try await group.waitForAll()
            return try outcome.get()
        }
    }

    private static func listen(
        _ configuration: Configuration, on loops: MultiThreadedEventLoopGroup
    ) async throws -> NIOAsyncChannel<Connection.Channel, Never> {
        do {
            return try await ServerBootstrap(group: loops)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: "127.0.0.1", port: configuration.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        // One request in flight and one read ahead per connection bound the memory of large bodies.
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                            withPipeliningAssistance: false, withErrorHandling: true)
                        try channel.pipeline.syncOperations.addHandler(
                            ConnectionCodec(bodyBytesMax: configuration.bodyBytesMax.bytes))
                        return try Connection.Channel(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2)))
                    }
                }
        } catch {
            throw MigratezError(
                .unreachable, "the simulator cannot listen on port \(configuration.port)",
                remedy: .fixConfiguration, hint: "choose another port, or 0 for any free one", cause: error)
        }
    }
}
