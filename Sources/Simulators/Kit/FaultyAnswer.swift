// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import NIOCore

/// Answers one request, as it is or with the fault that is due.
struct FaultyAnswer {
    private let context: Connection.Context
    private let request: SimulatorRequest
    private let keepAlive: Bool
    private let writer: Connection.Writer

    init(
        _ context: Connection.Context, _ request: SimulatorRequest, keepAlive: Bool, _ writer: Connection.Writer
    ) {
        self.context = context
        self.request = request
        self.keepAlive = keepAlive
        self.writer = writer
    }

    /// - Returns: whether the connection goes on.
    func give(_ fault: Fault?) async throws -> Bool {
        switch fault {
        case .drop:
            context.journal.end()
            return try await reset()
        case .blackHole:
            context.journal.end()
            return try await silence()
        case .status(let status, let retryAfter):
            var response = context.service.failure(status: status, for: request)
            if let retryAfter { response.headers["Retry-After"] = retryAfter.value(at: context.clock.now) }
            return try await refuse(response)
        case .errorBody:
            var response = context.service.failure(status: 400, for: request)
            response.status = 200
            return try await refuse(response)
        case .redirect:
            var response = SimulatorResponse.empty(status: 302)
            response.headers["Location"] = "http://127.0.0.1:9/elsewhere"
            return try await refuse(response)
        default: break
        }
        let response = await context.service.respond(to: request)
        // A request counts as under way until it is about to be answered: the next one may come as soon as it is.
        context.journal.count(status: response.status)
        context.journal.end()
        return try await send(response, spoiledBy: fault)
    }

    /// Answers without having applied anything.
    private func refuse(_ response: SimulatorResponse) async throws -> Bool {
        context.journal.count(status: response.status)
        context.journal.end()
        return try await send(response)
    }

    private func send(_ response: SimulatorResponse, spoiledBy fault: Fault?) async throws -> Bool {
        var response = response
        switch fault {
        case .commitThenDrop: return try await reset()
        case .resetMidBody:
            let body = try await Self.collected(response.body)
            return try await breakOff(response, body, after: body.count / 2)
        case .resetAfter(let count):
            let body = try await Self.collected(response.body)
            return try await breakOff(response, body, after: min(count, body.count))
        case .stall:
            let body = try await Self.collected(response.body)
            try await writer.write(.head(response, length: body.count, close: false))
            try await writer.write(.piece(Array(body.prefix(body.count / 2))))
            return try await silence()
        case .wrongLength:
            let body = try await Self.collected(response.body)
            try await writer.write(.head(response, length: body.count + 17, close: true))
            try await writer.write(.piece(body))
            try await writer.write(.end)
            return false
        case .trickle: return try await trickle(response)
        case .badJSON:
            // A body that stops in the middle, with a length that fits: only parsing can tell.
            let body = try await Self.collected(response.body)
            response.body = .bytes(Array(body.prefix(max(0, body.count * 2 / 3))))
        case .html:
            response.headers["Content-Type"] = "text/html"
            response.body = .bytes(Array("<html><body>Please wait</body></html>".utf8))
        case .gzipBomb:
            response.headers["Content-Encoding"] = "gzip"
            response.body = .bytes(GzipBomb.bytes)
        case .status, .errorBody, .redirect, .drop, .blackHole, .latency, .pageAgain, .firstPage, nil: break
        }
        return try await send(response)
    }

    func send(_ response: SimulatorResponse) async throws -> Bool {
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

    private func reset() async throws -> Bool {
        try await writer.write(.reset)
        return false
    }

    private func breakOff(_ response: SimulatorResponse, _ body: [UInt8], after count: Int) async throws -> Bool {
        try await writer.write(.head(response, length: body.count, close: false))
        try await writer.write(.piece(Array(body.prefix(count))))
        return try await reset()
    }

    /// Says nothing more, longer than anybody waits.
    private func silence() async throws -> Bool {
        try await context.clock.sleep(for: .seconds(86_400))
        return false
    }

    /// Sends the body in 16 pieces with a pause between them.
    private func trickle(_ response: SimulatorResponse) async throws -> Bool {
        let body = try await Self.collected(response.body)
        try await writer.write(.head(response, length: body.count, close: !keepAlive))
        let step = max(1, (body.count + 15) / 16)
        for start in stride(from: 0, to: body.count, by: step) {
            if start > 0 { try await context.clock.sleep(for: .milliseconds(25)) }
            try await writer.write(.piece(Array(body[start..<min(start + step, body.count)])))
        }
        try await writer.write(.end)
        return keepAlive
    }

    private static func collected(_ body: SimulatorResponse.Body) async throws -> [UInt8] {
        switch body {
        case .bytes(let bytes): return bytes
        case .stream(_, let next):
            var bytes: [UInt8] = []
            while let piece = try await next() { bytes += piece }
            return bytes
        }
    }
}
