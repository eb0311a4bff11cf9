// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import NIOCore

/// Serves the requests of one connection, one after the other.
struct Connection: Sendable {
    typealias Channel = NIOAsyncChannel<ConnectionCodec.Arrival, ConnectionCodec.Departure>
    typealias Writer = NIOAsyncChannelOutboundWriter<ConnectionCodec.Departure>

    /// What all connections share.
    struct Context: Sendable {
        let service: any SimulatorService
        let journal: Journal
        let faults: FaultInjector
        let clock: any WallClock
    }

    private let context: Context
    private let channel: Channel

    init(_ context: Context, _ channel: Channel) {
        self.context = context
        self.channel = channel
    }

    /// Returns when the connection has ended, for whatever reason.
    func serve() async {
        // A connection that breaks off is the other side's business; there is nobody here to tell.
        try? await channel.executeThenClose { arrivals, writer in
            for try await arrival in arrivals {
                switch arrival {
                case .refused(let status):
                    try await writer.write(.whole(.text("refused", status: status), Array("refused".utf8), close: true))
                    return
                case .request(let request, let keepAlive):
                    guard try await answer(request, keepAlive: keepAlive, writer) else { return }
                }
            }
        }
    }

    /// - Returns: whether the connection goes on.
    private func answer(_ request: SimulatorRequest, keepAlive: Bool, _ writer: Writer) async throws -> Bool {
        var request = request
        if request.path.first == ControlEndpoint.root {
            let response = await ControlEndpoint(context).respond(to: request)
            return try await FaultyAnswer(context, request, keepAlive: keepAlive, writer).send(response)
        }
        let route = context.service.route(of: request)
        let faults = context.faults.faults(for: &request)
        context.journal.begin(route, faults: faults)
        var fault: Fault?
        do {
            for due in faults {
                if case .latency(let duration) = due {
                    try await context.clock.sleep(for: duration)
                } else {
                    fault = due
                }
            }
        } catch {
            context.journal.end()
            throw error
        }
        return try await FaultyAnswer(context, request, keepAlive: keepAlive, writer).give(fault)
    }
}
