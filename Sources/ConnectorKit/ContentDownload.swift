// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
package import MigratezTransport

/// Reads the content of a file by one request, as it arrives.
package struct ContentDownload: Sendable {
    private static let pieceBytesMax = 256 << 10
    private static let refusalBytesMax = 64 << 10

    let http: any HTTPClient
    let request: HTTPRequest
    /// How many bytes there must be, if that is known: an answer that is cut off with a right length looks whole.
    let expectedBytes: Int?

    package init(_ http: any HTTPClient, _ request: HTTPRequest, expectedBytes: Int?) {
        self.http = http
        self.request = request
        self.expectedBytes = expectedBytes
    }

    /// - Parameter refusal: the error for an answer that is none of success; a `Rejection` where it concerns this file alone.
    package func run(
        piece: ([UInt8]) async throws -> Void, refusal: (HTTPResponse) -> any Error
    ) async throws {
        var head = HTTPResponseHead(status: 0)
        var refused: [UInt8] = []
        var count = 0
        try await http.stream(request) { received in
            head = received
        } chunk: { bytes in
            guard (200..<300).contains(head.status) else {
                if refused.count < Self.refusalBytesMax { refused += bytes }
                return
            }
            count += bytes.count
            guard bytes.count > Self.pieceBytesMax else { return try await piece(bytes) }
            for start in stride(from: 0, to: bytes.count, by: Self.pieceBytesMax) {
                try await piece(Array(bytes[start..<min(start + Self.pieceBytesMax, bytes.count)]))
            }
        }
        guard (200..<300).contains(head.status) else { throw refusal(HTTPResponse(head: head, body: refused)) }
        guard expectedBytes == nil || expectedBytes == count else {
            throw MigratezError(
                .brokenResponse, "\(request): \(count) bytes of a file came, of \(expectedBytes ?? 0)",
                remedy: .retry(after: nil))
        }
    }
}
