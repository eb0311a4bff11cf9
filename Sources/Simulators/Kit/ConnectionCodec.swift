// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import NIOCore
import NIOHTTP1

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Between HTTP's parts and whole requests: collects a request's body, and writes answers whole or piece by piece.
final class ConnectionCodec: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = Arrival
    typealias OutboundIn = Departure
    typealias OutboundOut = HTTPServerResponsePart

    /// What comes in.
    enum Arrival: Sendable {
        case request(SimulatorRequest, keepAlive: Bool)
        /// The request cannot be served at all; the connection ends after this answer.
        case refused(status: Int)
    }

    /// What goes out.
    enum Departure: Sendable {
        /// A whole answer in one write.
        case whole(SimulatorResponse, [UInt8], close: Bool)
        /// The head of an answer whose body follows as `piece`s; `length` is announced as it is, true or not.
        case head(SimulatorResponse, length: Int?, close: Bool)
        case piece([UInt8])
        case end
        /// Ends the connection with a TCP reset, so that the other side cannot mistake it for an orderly end.
        case reset
        /// Ends the connection in order.
        case close
    }

    private let bodyBytesMax: Int
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var isTooLong = false

    init(bodyBytesMax: Int) { self.bodyBytesMax = bodyBytesMax }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.removeAll(keepingCapacity: false)
            isTooLong = false
            if let length = head.headers.first(name: "content-length").flatMap(Int.init), length <= bodyBytesMax {
                body.reserveCapacity(length)
            }
            // RFC 9110 §10.1.1: whoever expects it waits with the body until it is told to go on.
            if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
                let interim = HTTPResponseHead(version: .http1_1, status: .continue)
                context.writeAndFlush(wrapOutboundOut(.head(interim)), promise: nil)
            }
        case .body(let bytes):
            if body.count + bytes.readableBytes > bodyBytesMax {
                isTooLong = true
                body = []
            } else if !isTooLong {
                body += bytes.readableBytesView
            }
        case .end:
            guard let head else { return }
            self.head = nil
            context.fireChannelRead(wrapInboundOut(arrival(head)))
            body = []
        }
    }

    private func arrival(_ head: HTTPRequestHead) -> Arrival {
        guard !isTooLong else { return .refused(status: 413) }
        guard let method = SimulatorRequest.Method(rawValue: head.method.rawValue) else { return .refused(status: 405) }
        let headers = SimulatorHeaders(head.headers.map { ($0.name, $0.value) })
        return .request(
            SimulatorRequest(method: method, target: head.uri, headers: headers, body: body),
            keepAlive: head.isKeepAlive)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .whole(let response, let body, let close):
            writeHead(response, length: body.count, close: close, context)
            if !body.isEmpty {
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
            }
            context.write(wrapOutboundOut(.end(nil)), promise: promise)
        case .head(let response, let length, let close):
            writeHead(response, length: length, close: close, context)
            promise?.succeed()
        case .piece(let bytes):
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: promise)
        case .end:
            context.write(wrapOutboundOut(.end(nil)), promise: promise)
        case .reset:
            context.flush()
            // With a linger time of zero, closing sends RST and drops what was not sent yet (socket(7), SO_LINGER).
            (context.channel as? any SocketOptionProvider)?
                .setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { _ in }
            context.close(promise: promise)
        case .close:
            context.close(promise: promise)
        }
    }

    private func writeHead(_ response: SimulatorResponse, length: Int?, close: Bool, _ context: ChannelHandlerContext) {
        var headers = HTTPHeaders()
        headers.reserveCapacity(response.headers.fields.count + 2)
        for field in response.headers.fields { headers.add(name: field.name, value: field.value) }
        // RFC 9110 §8.6: no Content-Length with 1xx and 204.
        if let length, response.status != 204 { headers.add(name: "Content-Length", value: String(length)) }
        if close { headers.add(name: "Connection", value: "close") }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
    }
}
