// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Dispatch
import Glibc

/// A TCP connection without any HTTP, so that tests see what really comes over the wire.
struct KitRawConnection {
    /// What came, and how it ended.
    struct Reply: Sendable {
        enum Ending: Sendable, Equatable { case closed, reset, enough }

        var bytes: [UInt8]
        var ending: Ending

        var text: String { String(decoding: bytes, as: UTF8.self) }
        /// Everything after the first empty line.
        var body: String { text.firstRange(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? "" }
        var status: Int? { Int(text.dropFirst(9).prefix(3)) }
    }

    /// Sends all of `request`, then reads until the other side ends or `isEnough` says so.
    ///
    /// Blocking calls run on a thread of their own; a read gives up after a minute.
    static func exchange(
        _ request: [UInt8], port: Int, until isEnough: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }
    ) async -> Reply {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: blockingExchange(request, port, isEnough))
            }
        }
    }

    /// One request that asks the server to close the connection afterwards.
    static func send(
        _ method: String = "GET", _ target: String, body: [UInt8] = [], port: Int, headers: String = ""
    ) async -> Reply {
        let head =
            "\(method) \(target) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(headers)"
            + "Content-Length: \(body.count)\r\n\r\n"
        return await exchange(Array(head.utf8) + body, port: port)
    }

    private static func blockingExchange(_ request: [UInt8], _ port: Int, _ isEnough: ([UInt8]) -> Bool) -> Reply {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return Reply(bytes: [], ending: .reset) }
        var sent = 0
        while sent < request.count {
            let count = request[sent...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isEnough(bytes) {
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { return Reply(bytes: bytes, ending: count == 0 ? .closed : .reset) }
            bytes += buffer[..<count]
        }
        return Reply(bytes: bytes, ending: .enough)
    }
}
