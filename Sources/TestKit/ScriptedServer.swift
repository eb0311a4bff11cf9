// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An HTTP/1.1 server on 127.0.0.1 that answers exactly as a test says, down to the byte, the pause and the reset, and
/// remembers what it was sent.
///
/// Plain sockets and a thread for each connection, so that nothing repairs what the test wants broken.
package final class ScriptedServer: Sendable {
    struct State {
        var requests: [Request] = []
        var connections: Set<Int32> = []
        var accepted = 0
        var isStopped = false
    }

    package let port: Int
    private let listener: Int32
    let reading: Reading
    let answer: @Sendable (Request) -> Answer
    let state = Mutex(State())

    /// - Parameter answer: called on the connection's thread for each request.
    package init(
        port: Int = 0, reading: Reading = .whole,
        answer: @escaping @Sendable (Request) -> Answer = { _ in .status(200) }
    ) throws(ScriptedServerError) {
        self.reading = reading
        self.answer = answer
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, length) == 0 && listen(listener, 512) == 0
                    && getsockname(listener, pointer, &length) == 0
            }
        }
        guard isListening else { throw ScriptedServerError(errno: errno) }
        self.port = Int(in_port_t(bigEndian: address.sin_port))
        Thread.start { [self] in acceptConnections() }
    }

    /// `http://127.0.0.1:PORT`
    package var url: String { "http://127.0.0.1:\(port)" }
    /// All requests so far, in the order of their heads' arrival.
    package var requests: [Request] { state.withLock { $0.requests } }
    /// How many connections were accepted so far.
    package var connectionCount: Int { state.withLock { $0.accepted } }

    /// Closes the door and all connections.
    package func stop() {
        let connections = state.withLock { state in
            state.isStopped = true
            return state.connections
        }
        for connection in connections { shutdown(connection, Int32(SHUT_RDWR)) }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    var isStopped: Bool { state.withLock { $0.isStopped } }

    private func acceptConnections() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0, !isStopped else {
                if connection >= 0 { close(connection) }
                if isStopped || errno != EINTR { break }
                continue
            }
            let number = state.withLock { state in
                state.accepted += 1
                state.connections.insert(connection)
                return state.accepted
            }
            Thread.start { [self] in
                serve(ScriptedConnection(descriptor: connection, number: number))
                state.withLock { _ = $0.connections.remove(connection) }
                close(connection)
            }
        }
        close(listener)
    }
}

/// The server cannot listen.
package struct ScriptedServerError: Error {
    package var errno: Int32
}

/// A detached thread that runs one closure.
private enum Thread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func start(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Body(body))
        let status = pthread_create(
            &thread, nil,
            { pointer in
                if let pointer { Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run() }
                return nil
            }, box.toOpaque())
        precondition(status == 0, "a test needs its threads")
        pthread_detach(thread)
    }
}
