// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

extension ScriptedServer {
    /// A request as it arrived.
    package struct Request: Sendable {
        /// Which connection it came on, from 1 upward.
        package var connection: Int
        /// Its number on the server, from 1 upward.
        package var number: Int
        package var method: String
        /// Path and query.
        package var target: String
        package var headers: [(name: String, value: String)]
        /// Without the framing of `Transfer-Encoding: chunked`; empty if the server does not read bodies.
        package var body: [UInt8]

        /// The value of the first header of that name, in any case.
        package func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    /// One thing that the server does to the connection.
    package enum Step: Sendable {
        /// Exactly these bytes.
        case bytes([UInt8])
        /// The bytes, and then tells how many the socket took.
        case counted([UInt8], @Sendable (Int) -> Void)
        /// The bytes, so many times, with a pause before each.
        case repeated([UInt8], times: Int, every: Duration)
        case pause(Duration)
        /// Goes on when the test opens the gate.
        case wait(Gate)
        /// Ends the connection in good order (FIN).
        case close
        /// Ends it with a reset (RST).
        case reset
    }

    /// What the server does when it has read a request; the connection stays open unless a step ends it.
    package struct Answer: Sendable, ExpressibleByArrayLiteral {
        package var steps: [Step]

        package init(_ steps: [Step]) { self.steps = steps }
        package init(arrayLiteral steps: Step...) { self.steps = steps }

        /// A well-formed answer with `Content-Length`.
        package static func status(
            _ status: Int, headers: [(String, String)] = [], body: [UInt8] = []
        ) -> Answer {
            Answer([.bytes(head(status, headers: headers + [("Content-Length", String(body.count))]) + body)])
        }

        /// The same with text.
        package static func text(_ status: Int, _ body: String, headers: [(String, String)] = []) -> Answer {
            .status(status, headers: headers, body: Array(body.utf8))
        }
    }

    /// Status line and headers, with the empty line at the end.
    package static func head(_ status: Int, headers: [(String, String)]) -> [UInt8] {
        var text = "HTTP/1.1 \(status) Status\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// Holds a server's step back until a test opens it.
    package final class Gate: Sendable {
        private let opened = Atomic(false)
        package init() {}
        package func open() { opened.store(true, ordering: .releasing) }
        var isOpen: Bool { opened.load(ordering: .acquiring) }
    }

    /// How much of a request the server reads before it answers.
    package enum Reading: Sendable {
        case whole
        /// The head only; the body stays in the socket.
        case head
        /// Nothing at all, and it never answers.
        case nothing
        /// It resets each connection as soon as it is accepted.
        case resetAtOnce
    }
}
