// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

/// What a service answers.
package struct SimulatorResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Pulled piece by piece until `nil`; sent with chunked transfer coding if `length` is unknown.
        case stream(length: Int?, next: @Sendable () async throws -> [UInt8]?)

        /// So many bytes that are computed part by part while they are sent.
        package static func computed(length: Int, _ bytes: @escaping @Sendable (Range<Int>) -> [UInt8]) -> Body {
            let position = Mutex(0)
            return .stream(length: length) {
                let range = position.withLock { position -> Range<Int> in
                    let start = position
                    position = min(start + (64 << 10), length)
                    return start..<position
                }
                return range.isEmpty ? nil : bytes(range)
            }
        }
    }

    package var status: Int
    package var headers: SimulatorHeaders
    package var body: Body

    package init(status: Int = 200, headers: SimulatorHeaders = [:], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A JSON answer with the content type that the vendors use.
    package static func json(_ body: [UInt8], status: Int = 200) -> SimulatorResponse {
        SimulatorResponse(
            status: status, headers: ["Content-Type": "application/json;charset=UTF-8"], body: .bytes(body))
    }

    /// A plain text answer.
    package static func text(_ text: String, status: Int = 200) -> SimulatorResponse {
        SimulatorResponse(
            status: status, headers: ["Content-Type": "text/plain;charset=UTF-8"], body: .bytes(Array(text.utf8)))
    }

    /// An answer without a body.
    package static func empty(status: Int = 204) -> SimulatorResponse { SimulatorResponse(status: status) }
}
