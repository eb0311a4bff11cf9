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
        if request.path.first == ControlEndpoint.root {
            let response = await ControlEndpoint(context).respond(to: request)
            return try await send(response, to: request, keepAlive: keepAlive, writer)
        }
        let route = context.service.route(of: request)
        let faults = context.faults.faults(for: request)
        context.journal.begin(route, faults: faults)
        var outcome = Fault.Outcome.answer
        do {
            for fault in faults {
                if case .latency(let duration) = fault { try await context.clock.sleep(for: duration) }
                if let decided = fault.outcome { outcome = decided }
            }
        } catch {
            context.journal.end()
            throw error
        }
        // A request counts as under way until it is about to be answered: the next one may come as soon as it is.
        switch outcome {
        case .drop:
            context.journal.end()
            try await writer.write(.reset)
            return false
        case .refuse(let status, let retryAfter):
            var response = context.service.failure(status: status, for: request)
            if let retryAfter { response.headers["Retry-After"] = String(retryAfter.components.seconds) }
            context.journal.count(status: status)
            context.journal.end()
            return try await send(response, to: request, keepAlive: keepAlive, writer)
        case .answer, .commitThenDrop, .resetMidBody, .badJSON, .wrongLength, .trickle:
            break
        }
        let response = await context.service.respond(to: request)
        context.journal.count(status: response.status)
        context.journal.end()
        switch outcome {
        case .commitThenDrop:
            try await writer.write(.reset)
            return false
        case .resetMidBody:
            let body = try await collected(response.body)
            try await writer.write(.head(response, length: body.count, close: false))
            try await writer.write(.piece(Array(body.prefix(body.count / 2))))
            try await writer.write(.reset)
            return false
        case .wrongLength:
            let body = try await collected(response.body)
            try await writer.write(.head(response, length: body.count + 17, close: true))
            try await writer.write(.piece(body))
            try await writer.write(.end)
            return false
        case .trickle:
            return try await trickle(response, keepAlive: keepAlive, writer)
        case .badJSON:
            // A body that stops in the middle, with a length that fits: only parsing can tell.
            var broken = response
            let body = try await collected(response.body)
            broken.body = .bytes(Array(body.prefix(max(0, body.count * 2 / 3))))
            return try await send(broken, to: request, keepAlive: keepAlive, writer)
        case .answer, .drop, .refuse:
            return try await send(response, to: request, keepAlive: keepAlive, writer)
        }
    }

    private func send(
        _ response: SimulatorResponse, to request: SimulatorRequest, keepAlive: Bool, _ writer: Writer
    ) async throws -> Bool {
        switch response.body {
        case .bytes(let bytes):
            try await writer.write(.whole(response, bytes, close: !keepAlive))
        case .stream(let length, let next):
            try await writer.write(.head(response, length: length, close: !keepAlive))
            while let piece = try await next() { try await writer.write(.piece(piece)) }
            try await writer.write(.end)
        }
        return keepAlive
    }

    /// Sends the body in 16 pieces with a pause between them.
    private func trickle(_ response: SimulatorResponse, keepAlive: Bool, _ writer: Writer) async throws -> Bool {
        let body = try await collected(response.body)
        try await writer.write(.head(response, length: body.count, close: !keepAlive))
        let step = max(1, (body.count + 15) / 16)
        for start in stride(from: 0, to: body.count, by: step) {
            if start > 0 { try await context.clock.sleep(for: .milliseconds(25)) }
            try await writer.write(.piece(Array(body[start..<min(start + step, body.count)])))
        }
        try await writer.write(.end)
        return keepAlive
    }

    private func collected(_ body: SimulatorResponse.Body) async throws -> [UInt8] {
        switch body {
        case .bytes(let bytes): return bytes
        case .stream(_, let next):
            var bytes: [UInt8] = []
            while let piece = try await next() { bytes += piece }
            return bytes
        }
    }
}
